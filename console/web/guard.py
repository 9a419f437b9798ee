"""Who may come to which page. A handler without a mark is not served at all: forgetting one closes the door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from console.accounts import Officer, Role, problems
from console.accounts.sign_in import SignIn
from console.web import cookie
from console.web.parts import CONSOLE, OFFICER, SIGN_IN, machine_of
from words.problem import Refused

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
H = TypeVar("H", bound=Handler)


@dataclass(frozen=True, slots=True)
class Access:
    """`anybody`: without a sign-in; `half`: the password is enough; `roles`: any of them, or none is asked for."""

    anybody: bool = False
    half: bool = False
    roles: frozenset[Role] = frozenset()
    quiet: bool = False
    """Asked by the page itself, not by somebody who is there: it keeps no sign-in alive."""


_ACCESS: dict[object, Access] = {}


def needs(*roles: Role, quiet: bool = False) -> Callable[[H], H]:
    """Only for officers who have one of `roles`; of whatever role, when none is named."""
    return _marked(Access(roles=frozenset(roles), quiet=quiet))


def anybody(handler: H) -> H:
    """Also for people who are not signed in."""
    return _marked(Access(anybody=True))(handler)


def half(handler: H) -> H:
    """For somebody who gave the password, and has yet to give the code."""
    return _marked(Access(half=True))(handler)


def access_of(handler: object) -> Access | None:
    return _ACCESS.get(handler)


async def sign_in_of(request: web.Request, access: Access | None) -> SignIn | None:
    token = cookie.held(request)
    if token is None:
        return None
    return await request.app[CONSOLE].door.of(token, quiet=access is not None and access.quiet)


def check(access: Access | None, sign_in: SignIn | None) -> None:
    """Raises Refused for whoever may not come in."""
    if access is None or access.anybody:
        return
    if sign_in is None or not (sign_in.whole or access.half):
        raise Refused(problems.needed())
    if access.roles and not access.roles & sign_in.officer.roles:
        raise Refused(problems.role(sorted(access.roles)))


def officer_of(request: web.Request) -> Officer:
    return request[OFFICER]


async def confirm(request: web.Request) -> None:
    """The second factor within the last five minutes: given before, or in the form's `code`. Raises Refused."""
    if request[SIGN_IN].fresh:
        return
    code = (await request.post()).get("code")
    if not isinstance(code, str) or not code.strip():
        raise Refused(problems.step_up())
    await take_code(request, code)


async def take_code(request: web.Request, code: str) -> None:
    """Give the second factor; the browser holds something new from now on. Raises Refused."""
    console = request.app[CONSOLE]
    token = await console.door.give_code(request[SIGN_IN].officer.session, code, machine=machine_of(request))
    cookie.give(request, token)
    sign_in = await console.door.of(token)
    if sign_in is None:
        raise Refused(problems.needed())
    request[SIGN_IN] = sign_in


def _marked(access: Access) -> Callable[[H], H]:
    def mark(handler: H) -> H:
        _ACCESS[handler] = access
        return handler

    return mark
