"""What every answer of the console tells the browser to do, and not to do."""

from __future__ import annotations

from aiohttp import web

from console.web.parts import CONSOLE

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not `no-referrer`: with it browsers send `Origin: null` from our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cache-Control": "no-store",
}
_A_YEAR = 31_536_000


def put(request: web.Request, response: web.StreamResponse) -> None:
    """What the handler has set stays."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    if request.app[CONSOLE].encrypted:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={_A_YEAR}")
    response.headers.pop("Server", None)
