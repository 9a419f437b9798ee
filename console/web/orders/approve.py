"""Step 4: an order as it stands, for whoever approves it, takes it back, or looks at it afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from console.accounts import Role
from console.orders import alone, approving, book, submitting
from console.orders.checks import previews
from console.orders.model import Author, Order, State
from console.orders.sheet import event_as_it_stands
from console.orders.waiting import history, names
from console.web.forms import field, number
from console.web.guard import needs, officer_of
from console.web.orders.acting import acting, typed_number, whose
from console.web.orders.check import Content, content_of
from console.web.orders.where import WRITERS
from console.web.pages import page
from console.web.parts import CONSOLE, SIGN_IN
from console.web.problems import status_of
from words.problem import Problem, Refused

routes = web.RouteTableDef()
ON_DUTY = (Role.AUTHOR, Role.APPROVER)
_COUNTED_ANEW = frozenset({State.DRAFT, State.SUBMITTED, State.TAKEN_BACK})
"""For these the sheet is made anew; what counts down has to be shown at once, with the figures of its submission."""


@routes.get("/orders/{id:[0-9]+}")
@needs()
async def show(request: web.Request) -> web.Response:
    return await order_page(request, number(request))


async def order_page(request: web.Request, number: int, found: Sequence[Problem] = ()) -> web.Response:
    console, officer = request.app[CONSOLE], officer_of(request)
    order = await book.read(console.pool, number)
    content = await _content(request, order)
    mine = officer.id in whose(order)
    known = await names(console.pool, _people(order))
    return page(
        request,
        "orders/order.html",
        status=status_of(found) if found else 200,
        order=order,
        mode=order.mode,
        found=found,
        names=known,
        record=await history(console.pool, number),
        mine=mine,
        writes=bool(officer.roles & set(WRITERS)),
        approves=Role.APPROVER in officer.roles,
        on_duty=bool(officer.roles & set(ON_DUTY)),
        minutes=int(console.desk.rules.factor_seconds // 60),
        figures=content.sheet.as_json() if content.sheet else order.submission and order.submission.figures,
        **content.context,
    )


@routes.get("/orders/{id:[0-9]+}/countdown")
@needs(quiet=True)
async def countdown(request: web.Request) -> web.Response:
    """The seconds that are left; once there are none, the whole page again."""
    order = await book.read(request.app[CONSOLE].pool, number(request))
    shown = page(
        request,
        "orders/countdown.html",
        order=order,
        mode=order.mode,
        on_duty=bool(officer_of(request).roles & set(ON_DUTY)),
    )
    if order.state is not State.COUNTING:
        shown.headers["HX-Redirect"] = f"/orders/{order.id}"
    return shown


@routes.post("/orders/{id:[0-9]+}/approve")
@acting(Role.APPROVER, shown=order_page, factor=True)
async def approve(request: web.Request, order: int) -> None:
    await approving.approve(
        request.app[CONSOLE].desk,
        order,
        officer_of(request).id,
        hash=await field(request, "hash"),
        factor_at=request[SIGN_IN].factor_at,
    )


@routes.post("/orders/{id:[0-9]+}/take-back")
@acting(*ON_DUTY, shown=order_page)
async def take_back(request: web.Request, order: int) -> None:
    """One click, and no second factor: the seconds are too few for one."""
    await approving.take_back(request.app[CONSOLE].desk, order, officer_of(request).id)


@routes.post("/orders/{id:[0-9]+}/send-back")
@acting(Role.APPROVER, shown=order_page)
async def send_back(request: web.Request, order: int) -> None:
    note = await field(request, "note")
    await submitting.send_back(request.app[CONSOLE].desk, order, officer_of(request).id, note=note)


@routes.post("/orders/{id:[0-9]+}/withdraw")
@acting(*ON_DUTY, shown=order_page)
async def withdraw(request: web.Request, order: int) -> str | None:
    await submitting.withdraw(request.app[CONSOLE].desk, order, officer_of(request).id)
    return f"/orders/{order}/alone" if await field(request, "then") == "alone" else None


@routes.post("/orders/{id:[0-9]+}/discard")
@acting(*WRITERS, shown=order_page)
async def discard(request: web.Request, order: int) -> str:
    await book.discard(request.app[CONSOLE].desk, order, Author(officer_of(request).id))
    return "/"


@routes.post("/orders/{id:[0-9]+}/look")
@acting(Role.APPROVER, shown=order_page, factor=True)
async def look(request: web.Request, order: int) -> None:
    """Another officer's word on what one released alone."""
    await alone.look_at(
        request.app[CONSOLE].desk,
        order,
        officer_of(request).id,
        hash=await field(request, "hash"),
        factor_at=request[SIGN_IN].factor_at,
        agreed=await field(request, "agreed") == "yes",
        note=await field(request, "note"),
    )


@routes.get("/orders/{id:[0-9]+}/alone")
@needs(*ON_DUTY)
async def before_alone(request: web.Request) -> web.Response:
    return await alone_page(request, number(request))


async def alone_page(request: web.Request, number: int, found: Sequence[Problem] = ()) -> web.Response:
    """Break-glass: what goes out, and what has to be typed in for that."""
    console = request.app[CONSOLE]
    order = await book.read(console.pool, number)
    if order.state not in {State.DRAFT, State.TAKEN_BACK}:
        return await order_page(request, number, found)
    content = await content_of(console.desk, order)
    return page(
        request,
        "orders/alone.html",
        status=status_of(found) if found else 200,
        order=order,
        mode=order.mode,
        found=found,
        typed_area=await field(request, "area_name") if found else "",
        figures=content.sheet.as_json() if content.sheet else None,
        **content.context,
    )


@routes.post("/orders/{id:[0-9]+}/alone")
@acting(*ON_DUTY, shown=alone_page, factor=True)
async def release_alone(request: web.Request, order: int) -> None:
    await alone.release_alone(
        request.app[CONSOLE].desk,
        order,
        officer_of(request).id,
        hash=await field(request, "hash"),
        area_name=await field(request, "area_name"),
        factor_at=request[SIGN_IN].factor_at,
        typed=await typed_number(request, "typed"),
    )


async def _content(request: web.Request, order: Order) -> Content:
    desk = request.app[CONSOLE].desk
    if order.state in _COUNTED_ANEW:
        return await content_of(desk, order)
    try:
        return Content(None, await previews(desk, await event_as_it_stands(desk, order)), ())
    except Refused:
        return Content(None, (), ())


def _people(order: Order) -> list[int | None]:
    found = [order.version.author.officer]
    found += [order.submission.author.officer] if order.submission else []
    found += [order.approval.author.officer] if order.approval else []
    return [*found, order.looked_at.officer if order.looked_at else None]
