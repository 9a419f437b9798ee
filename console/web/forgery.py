"""Whether a request that changes something comes from a page of ours: by its origin, by how it was fetched, by a token.

The token belongs to the sign-in and outlives the change of its cookie at a step-up: a page that was left open can still
be sent.
"""

from __future__ import annotations

import hmac

from aiohttp import web

from console.web import cookie
from console.web.parts import CONSOLE, SIGN_IN, is_loopback
from words.problem import Problem, Refused

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
FIELD = "token"
HEADER = "X-Todoke-Token"
"""Where a form, and a script, put the token."""


def token(request: web.Request) -> str:
    """For the forms of a page."""
    sign_in = request.get(SIGN_IN)
    bound = f"sign_in {sign_in.officer.session}" if sign_in else f"browser {cookie.held_or_new(request)}"
    return hmac.digest(request.app[CONSOLE].secret, bound.encode(), "sha256").hex()


def check_host(request: web.Request) -> None:
    """Without https the console is for this machine alone. Raises Refused."""
    console = request.app[CONSOLE]
    host = request.url.host or ""
    if console.elsewhere or (not console.encrypted and not is_loopback(host)):
        raise Refused(_not_here())


def check_origin(request: web.Request) -> None:
    """By what the browser itself says. Raises Refused."""
    origin = request.headers.get("Origin")
    ours = request.app[CONSOLE].origin or f"http://{request.host}".lower()
    if origin is not None and origin.lower() != ours:
        raise Refused(_forged())
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        raise Refused(_forged())


async def check_token(request: web.Request) -> None:
    """By what only a page of ours holds. Raises Refused."""
    given = request.headers.get(HEADER) or (await request.post()).get(FIELD)
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), token(request).encode()):
        raise Refused(_forged())


def _forged() -> Problem:
    return Problem(
        "forgery",
        "",
        "この操作は、このコンソールの画面から送られたものと確かめられませんでした。画面を読み込み直して、もう一度操作してください。",
        "It could not be told that this came from a page of this console. Load the page again and repeat it.",
    )


def _not_here() -> Problem:
    return Problem(
        "console.not_encrypted",
        "public_base_url",
        "コンソールは、暗号化されない接続では使えません。https:// のアドレスを public_base_url に設定し、そのアドレスで開いてください。",
        "The console is not served in clear. Set public_base_url to an https:// address, and open it there.",
    )
