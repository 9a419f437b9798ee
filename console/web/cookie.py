"""What a browser keeps: 128 random bits, before somebody signs in to tell forms of ours from others', then for the sign-in.

With https the cookie is `__Host-`: encrypted ways only, this host only, no path. On the machine itself, without https,
it is a plain name: browsers take `__Host-` only with Secure, and not all of them take Secure from http://127.0.0.1.
"""

from __future__ import annotations

from aiohttp import web

from console.accounts.sign_in import new_token
from console.web.parts import CONSOLE

_NAME = "todoke"
_NEW = web.RequestKey("new browser token", str)
_LENGTH = 22
"""Of 128 bits in base64, without padding."""


def name(request: web.Request) -> str:
    return f"__Host-{_NAME}" if request.app[CONSOLE].encrypted else _NAME


def held(request: web.Request) -> str | None:
    """What the browser holds, or was just given."""
    given = request.get(_NEW) or request.cookies.get(name(request))
    return given if given and len(given) == _LENGTH else None


def held_or_new(request: web.Request) -> str:
    found = held(request)
    if found is None:
        found = new_token()
        give(request, found)
    return found


def give(request: web.Request, token: str) -> None:
    """Whatever is answered, the browser holds this from now on."""
    request[_NEW] = token


def put(request: web.Request, response: web.StreamResponse) -> None:
    """Set what was given."""
    token = request.get(_NEW)
    if token is not None:
        response.set_cookie(
            name(request), token, path="/", httponly=True, samesite="Lax", secure=request.app[CONSOLE].encrypted
        )
