"""Step 1: where it goes, and whether it is a drill."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import shapely
from aiohttp import web

from console.accounts import Role
from console.orders import book
from console.orders.model import Author, Order
from console.web.forms import field, number
from console.web.guard import needs, officer_of
from console.web.orders.acting import typed_number
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import status_of
from dispatcher.model import EventClass, Mode
from words.problem import Problem, Refused

routes = web.RouteTableDef()
WRITERS = (Role.AUTHOR, Role.TOURISM)


@routes.get("/orders/new")
@needs(*WRITERS)
async def show(request: web.Request) -> web.Response:
    return await where_page(request)


@routes.post("/orders")
@needs(*WRITERS)
async def begin(request: web.Request) -> web.Response:
    """A draft of the area alone; what is wrong with it is said on the page, with what was chosen still there."""
    console, mode, chosen = request.app[CONSOLE], await field(request, "mode"), await field(request, "areas")
    try:
        document = {"mode": _mode(mode).value, **await placed(request, chosen)}
        if Role.AUTHOR not in officer_of(request).roles:
            document["class"] = EventClass.TOURISM.value
        order = await book.create(console.desk, Author(officer_of(request).id), document)
    except Refused as refused:
        return await where_page(request, mode=mode, chosen=chosen, found=refused.problems)
    return see_other(f"/orders/{order.id}/what")


@routes.get("/orders/{id:[0-9]+}/where")
@needs(*WRITERS)
async def show_again(request: web.Request) -> web.Response:
    order = await book.read(request.app[CONSOLE].pool, number(request))
    if not order.state.editable:
        return see_other(f"/orders/{order.id}")
    area = order.version.document.get("area")
    chosen = json.dumps([area] if area is not None else [], ensure_ascii=False)
    return await where_page(request, mode=order.mode, chosen=chosen, order=order)


@routes.post("/orders/{id:[0-9]+}/where")
@needs(*WRITERS)
async def change(request: web.Request) -> web.Response:
    """Another area for a draft. The name it had goes with the old one."""
    desk, chosen = request.app[CONSOLE].desk, await field(request, "areas")
    order = await book.read(desk.pool, number(request))
    try:
        if _parts(chosen) != [order.version.document.get("area")]:
            document = {**order.version.document, **await placed(request, chosen)}
            author, after = Author(officer_of(request).id), await typed_number(request, "after")
            await book.revise(desk, order.id, author, document, after=after or 0, start_at=order.start_at)
    except Refused as refused:
        now = await book.read(desk.pool, order.id)
        return await where_page(request, mode=now.mode, chosen=chosen, order=now, found=refused.problems)
    return see_other(f"/orders/{order.id}/what")


async def placed(request: web.Request, chosen: str) -> dict[str, Any]:
    """`area` and `area_name` of a document, from the parts in a form. Raises Refused."""
    parts = _parts(chosen)
    area = await request.app[CONSOLE].map.area(parts)
    geometry = await asyncio.to_thread(shapely.to_geojson, area.geometry)
    return {"area": json.loads(geometry), "area_name": await _names(request, parts)}


async def where_page(
    request: web.Request,
    *,
    mode: str = Mode.DRILL,
    chosen: str = "[]",
    order: Order | None = None,
    found: Sequence[Problem] = (),
) -> web.Response:
    layers = request.app[CONSOLE].map.layers
    return page(
        request,
        "orders/where.html",
        status=status_of(found) if found else 200,
        mode=Mode.LIVE if mode == Mode.LIVE else Mode.DRILL,
        chosen=chosen,
        order=order,
        found=found,
        basemap=None,
        municipalities=await layers.municipalities(),
        districts=layers.districts(),
    )


async def _names(request: web.Request, parts: Sequence[Any]) -> str | None:
    """What the area is called, where everything in it has a name."""
    layers = request.app[CONSOLE].map.layers
    known = [*await layers.municipalities(), *layers.districts()]
    names = [_name(part, known) for part in parts]
    return "、".join(filter(None, names)) if all(names) else None


def _name(part: Any, known: Sequence[Any]) -> str | None:
    return next((each.name for each in known if each.part == part), None)


def _parts(chosen: str) -> list[Mapping[str, Any]]:
    """What is no list has no area in it: that is refused where areas are read."""
    try:
        parts = msgspec.json.decode(chosen or "[]")
    except msgspec.DecodeError:
        return []
    return parts if isinstance(parts, list) else []


def _mode(given: str) -> Mode:
    return Mode.LIVE if given == Mode.LIVE else Mode.DRILL
