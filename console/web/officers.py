"""Officers, for administrators: make, invite, disable; propose more, and agree to what another proposed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from asyncpg import Pool

from console.accounts import Role, elevation, staff
from console.web.forms import each, field, fields, number
from console.web.guard import Handler, confirm, needs, officer_of
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import answer, is_program, status_of
from words.problem import Refused

routes = web.RouteTableDef()
Act = Callable[[web.Request, int], Awaitable[str | None]]
"""What an administrator does; gives a code to enrol with, where one comes of it."""


@routes.get("/officers")
@needs(Role.ADMINISTRATOR, Role.AUDITOR)
async def show(request: web.Request) -> web.Response:
    return await _list(request)


def acting(act: Act) -> Handler:
    """A handler that asks for a fresh code, acts, and shows the list again or the code that came of it."""

    @needs(Role.ADMINISTRATOR)
    async def handler(request: web.Request) -> web.Response:
        try:
            await confirm(request)
            code = await act(request, officer_of(request).id)
        except Refused as refused:
            return answer(request, refused.problems) if is_program(request) else await _list(request, refused)
        return see_other("/officers") if code is None else _invited(request, code)

    return handler


@routes.post("/officers")
@acting
async def add(request: web.Request, by: int) -> str:
    login, name = await field(request, "login"), await field(request, "name")
    return (await staff.add_officer(_pool(request), login=login.strip(), name=name, by=by)).code


@routes.post("/officers/{id:[0-9]+}/invite")
@acting
async def invite(request: web.Request, by: int) -> str:
    return (await staff.invite_again(_pool(request), number(request), by=by)).code


@routes.post("/officers/{id:[0-9]+}/disable")
@acting
async def disable(request: web.Request, by: int) -> None:
    await staff.disable(_pool(request), number(request), by=by)


@routes.post("/officers/{id:[0-9]+}/enable")
@acting
async def enable(request: web.Request, by: int) -> None:
    await staff.enable(_pool(request), number(request), by=by)


@routes.post("/officers/{id:[0-9]+}/withdraw")
@acting
async def withdraw(request: web.Request, by: int) -> None:
    for role in each(Role, await fields(request, "role"), "/role"):
        await staff.withdraw(_pool(request), number(request), role, by=by)


@routes.post("/officers/{id:[0-9]+}/propose")
@acting
async def propose(request: web.Request, by: int) -> None:
    roles = each(Role, await fields(request, "role"), "/role")
    await elevation.propose_roles(_pool(request), number(request), roles, by=by)


@routes.post("/officers/{id:[0-9]+}/reset")
@acting
async def reset(request: web.Request, by: int) -> None:
    await elevation.propose_reset(_pool(request), number(request), by=by)


@routes.post("/elevations/{id:[0-9]+}/grant")
@acting
async def grant(request: web.Request, by: int) -> str | None:
    return await elevation.grant(_pool(request), number(request), by=by)


@routes.post("/elevations/{id:[0-9]+}/refuse")
@acting
async def refuse(request: web.Request, by: int) -> None:
    await elevation.refuse(_pool(request), number(request), by=by)


def _pool(request: web.Request) -> Pool:
    return request.app[CONSOLE].pool


async def _list(request: web.Request, refused: Refused | None = None) -> web.Response:
    found = refused.problems if refused is not None else ()
    return page(
        request,
        "accounts/officers.html",
        status=status_of(found) if found else 200,
        problems=found,
        colleagues=await staff.colleagues(_pool(request)),
        elevations=await elevation.elevations(_pool(request)),
        roles=list(Role),
        administers=Role.ADMINISTRATOR in officer_of(request).roles,
    )


def _invited(request: web.Request, code: str) -> web.Response:
    console = request.app[CONSOLE]
    origin = console.parts.public_base_url if console.encrypted else f"http://{request.host}"
    return page(request, "accounts/invited.html", link=f"{origin}/enrol?code={code}")
