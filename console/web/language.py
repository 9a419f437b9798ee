"""The language somebody reads the console in: the officer's, else the one chosen here, else what the browser prefers."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from console.web.parts import CONSOLE, SIGN_IN
from words.problem import Tongue

COOKIE = "language"
_A_YEAR = 31_536_000


def language_of(request: web.Request) -> Tongue:
    sign_in = request.get(SIGN_IN)
    if sign_in is not None:
        known: Tongue = sign_in.language
        return known
    return read(request.cookies.get(COOKIE)) or _preferred(request) or request.app[CONSOLE].parts.language


def read(given: str | None) -> Tongue | None:
    return next((tongue for tongue in get_args(Tongue) if tongue == given), None)


def put(request: web.Request, response: web.StreamResponse, tongue: Tongue) -> None:
    encrypted = request.app[CONSOLE].encrypted
    response.set_cookie(COOKIE, tongue, path="/", max_age=_A_YEAR, httponly=True, samesite="Lax", secure=encrypted)


def _preferred(request: web.Request) -> Tongue | None:
    """The first that it names and we have; nobody has these two in any order but by preference."""
    named = request.headers.get("Accept-Language", "").split(",")
    return next(filter(None, (read(each.strip()[:2].lower()) for each in named)), None)
