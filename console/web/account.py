"""One's own account: where one is signed in, and the password."""

from __future__ import annotations

from aiohttp import web

from console.accounts.staff import change_password
from console.accounts.tries import forgive, password_limits, take
from console.web.forms import field, number
from console.web.guard import confirm, needs, officer_of
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import status_of
from words.problem import Refused

routes = web.RouteTableDef()


@routes.get("/account")
@needs()
async def show(request: web.Request) -> web.Response:
    return await _account(request)


@routes.post("/account/password")
@needs()
async def change(request: web.Request) -> web.Response:
    """A guess at the old one counts like a guess at the door."""
    console, officer = request.app[CONSOLE], officer_of(request)
    limits = password_limits(console.parts.vault, f"officer {officer.id}", "the account page")[:1]
    try:
        await confirm(request)
        await take(console.pool, limits)
        await change_password(
            console.pool,
            console.passwords,
            officer.id,
            session=officer.session,
            old=await field(request, "old"),
            new=await field(request, "password"),
            again=await field(request, "again"),
            town=console.town,
        )
    except Refused as refused:
        return await _account(request, refused)
    async with console.pool.acquire() as connection:
        await forgive(connection, limits)
    return see_other("/account")


@routes.post("/account/sign-ins/{id:[0-9]+}/end")
@needs()
async def end(request: web.Request) -> web.Response:
    await request.app[CONSOLE].door.sign_out(officer_of(request).id, number(request))
    return see_other("/account")


async def _account(request: web.Request, refused: Refused | None = None) -> web.Response:
    found = refused.problems if refused is not None else ()
    held = await request.app[CONSOLE].door.held_by(officer_of(request).id)
    return page(request, "accounts/account.html", status=status_of(found) if found else 200, problems=found, held=held)
