"""Stop, always one click and a confirmation away; and an officer's word that something held goes on."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from console.accounts import Role
from console.watch import stopping
from console.watch.listing import live_now
from console.watch.look import head, look
from console.watch.stopping import ON_DUTY
from console.web.dispatches.common import NAME, name_of, stoppable, words
from console.web.dispatches.watching import HUB
from console.web.forms import field
from console.web.guard import confirm, needs, officer_of
from console.web.language import language_of
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import status_of
from dispatcher.channel_stops import channel_stops
from dispatcher.model import Mode
from words.problem import Refused

routes = web.RouteTableDef()
MAY_STOP = (*ON_DUTY, Role.TOURISM)


@routes.get("/dispatches/stop")
@needs(*ON_DUTY)
async def ask_all(request: web.Request) -> web.Response:
    pool = request.app[CONSOLE].pool
    rows = await stopping.going_on(pool)
    shown: dict[str, Any] = {**words(language_of(request)), "looks": rows, "now": await live_now(pool)}
    if any(each.status.mode == Mode.LIVE for each in rows):
        shown["mode"] = Mode.LIVE
    return page(request, "dispatches/stop_all.html", **shown)


@routes.post("/dispatches/stop")
@needs(*ON_DUTY)
async def stop_all(request: web.Request) -> web.Response:
    await stopping.stop_everything(request.app[CONSOLE].desk, officer_of(request))
    request.app[HUB].nudge()
    return see_other("/dispatches")


@routes.get(f"/dispatches/{NAME}/stop")
@needs(*MAY_STOP)
async def ask(request: web.Request) -> web.Response:
    return await _ask(request)


async def _ask(request: web.Request, refused: Refused | None = None) -> web.Response:
    found = refused.problems if refused is not None else ()
    known = await head(request.app[CONSOLE].pool, name_of(request))
    return page(
        request,
        "dispatches/stop.html",
        status=status_of(found) if found else 200,
        problems=found,
        mode=known.mode,
        head=known,
        look=await look(request.app[CONSOLE].pool, known.dispatch),
        stopped={each.channel for each in await channel_stops(request.app[CONSOLE].pool, known.dispatch)},
        may_stop=stoppable(request, known.event_class),
        **words(language_of(request)),
    )


@routes.post(f"/dispatches/{NAME}/stop")
@needs(*MAY_STOP)
async def stop(request: web.Request) -> web.Response:
    """`what`: `all` of it, or the name of one of its channels."""
    dispatch, console = name_of(request), request.app[CONSOLE]
    what = await field(request, "what")
    try:
        if what == "all":
            await stopping.stop_one(console.pool, officer_of(request), dispatch)
        else:
            await stopping.stop_channel(console.pool, officer_of(request), dispatch, what)
    except Refused as refused:
        if refused.problems[0].code == "stop.channel":
            return await _ask(request, refused)
        raise
    request.app[HUB].nudge(dispatch)
    return see_other(f"/dispatches/{dispatch}")


@routes.get(f"/dispatches/{NAME}/release")
@needs(Role.APPROVER)
async def ask_release(request: web.Request) -> web.Response:
    return await _ask_release(request)


@routes.post(f"/dispatches/{NAME}/release")
@needs(Role.APPROVER)
async def release(request: web.Request) -> web.Response:
    """`people` is the number that was shown: the guard against drift holds to it."""
    dispatch, given = name_of(request), await field(request, "people")
    try:
        await confirm(request)
        people = int(given) if given.isascii() and given.isdigit() and len(given) <= _DIGITS else None
        await stopping.release_one(request.app[CONSOLE].desk, officer_of(request), dispatch, people=people)
    except Refused as refused:
        if refused.problems[0].code not in {"release.not_held", "release.altered", "release.at_most_once", "role"}:
            return await _ask_release(request, refused)
        raise
    request.app[HUB].nudge(dispatch)
    return see_other(f"/dispatches/{dispatch}")


_DIGITS = 9


async def _ask_release(request: web.Request, refused: Refused | None = None) -> web.Response:
    found = refused.problems if refused is not None else ()
    console = request.app[CONSOLE]
    known = await head(console.pool, name_of(request))
    return page(
        request,
        "dispatches/release.html",
        status=status_of(found) if found else 200,
        problems=found,
        mode=known.mode,
        head=known,
        look=await look(console.pool, known.dispatch),
        held=await stopping.to_release(console.desk, known.dispatch),
        **words(language_of(request)),
    )
