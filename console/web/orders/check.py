"""Step 3: the sheet, before it is put before another officer; of a drill also when it begins."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiohttp import web

from console.orders import book, problems
from console.orders.checks import Preview, previews
from console.orders.desk import Desk
from console.orders.model import Author, Order, State
from console.orders.sheet import Sheet, event_as_it_stands, sheet
from console.orders.submitting import submit
from console.orders.waiting import names
from console.web.forms import field, number
from console.web.guard import needs, officer_of
from console.web.orders.acting import acting, typed_number
from console.web.orders.where import WRITERS
from console.web.orders.writing import local_time, moment
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import status_of
from console.where.layers import geojson, shown
from words.problem import Problem, Refused

routes = web.RouteTableDef()
_CHECKED = frozenset({State.DRAFT, State.TAKEN_BACK})


@dataclass(frozen=True, slots=True)
class Content:
    """What would be sent, as pages show it: `sheet` is None while something keeps it from being sent."""

    sheet: Sheet | None
    previews: Sequence[Preview]
    problems: Sequence[Problem]

    @property
    def context(self) -> dict[str, Any]:
        return {
            "sheet": self.sheet,
            "previews": self.previews,
            "preview_languages": list(dict.fromkeys(each.language for each in self.previews)),
            "blocked": self.problems,
        }


async def content_of(desk: Desk, order: Order) -> Content:
    """The sheet of an order as it stands, and its messages; or why there is none."""
    try:
        found = await sheet(desk, order)
    except Refused as refused:
        return Content(None, (), refused.problems)
    return Content(found, await previews(desk, found.event), ())


@routes.get("/orders/{id:[0-9]+}/check")
@needs(*WRITERS)
async def show(request: web.Request) -> web.Response:
    order = await book.read(request.app[CONSOLE].pool, number(request))
    if order.state not in _CHECKED:
        return see_other(f"/orders/{order.id}")
    return await check_page(request, order.id)


async def check_page(request: web.Request, number: int, found: Sequence[Problem] = ()) -> web.Response:
    console = request.app[CONSOLE]
    order = await book.read(console.pool, number)
    content = await content_of(console.desk, order)
    author = order.version.author
    return page(
        request,
        "orders/check.html",
        status=status_of(found) if found else 200,
        order=order,
        mode=order.mode,
        found=found,
        author=(await names(console.pool, [author.officer])).get(author.officer or 0, author.key),
        start=local_time(order.start_at.isoformat(), console.desk.town.timezone) if order.start_at else "",
        **content.context,
    )


@routes.post("/orders/{id:[0-9]+}/submit")
@acting(*WRITERS, shown=check_page)
async def put_before_others(request: web.Request, order: int) -> None:
    await submit(
        request.app[CONSOLE].desk,
        order,
        Author(officer_of(request).id),
        hash=await field(request, "hash"),
        typed=await typed_number(request, "typed"),
    )


@routes.post("/orders/{id:[0-9]+}/schedule")
@acting(*WRITERS, shown=check_page)
async def schedule(request: web.Request, order: int) -> str:
    """The same content with another beginning, or with none: a version of its own, since the hash covers it."""
    desk = request.app[CONSOLE].desk
    now = await book.read(desk.pool, order)
    given = await field(request, "start_at")
    start = _start(moment(given, desk.town.timezone)) if given.strip() else None
    after = await typed_number(request, "after")
    await book.revise(
        desk, order, Author(officer_of(request).id), now.version.document, after=after or 0, start_at=start
    )
    return f"/orders/{order}/check"


def _start(given: str) -> datetime:
    """Raises Refused for what is no time."""
    try:
        return datetime.fromisoformat(given)
    except ValueError:
        raise Refused(problems.start_past()) from None


@routes.get("/orders/{id:[0-9]+}/area")
@needs()
async def area(request: web.Request) -> web.Response:
    """The area as it would be sent, to be shown on a map; nothing where there is none."""
    console = request.app[CONSOLE]
    order = await book.read(console.pool, number(request))
    try:
        event = await event_as_it_stands(console.desk, order)
    except Refused:
        raise web.HTTPNotFound from None
    if event.area is None:
        raise web.HTTPNotFound
    body = {"geometry": geojson(shown(event.area)), "bounds": event.area.bounds}
    return web.Response(text=json.dumps(body), content_type="application/json")
