"""The front page: what waits for whom; and the list of all orders."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web

from console.accounts import Role
from console.orders.book import listed
from console.orders.model import Order
from console.orders.waiting import Waiting, names, put_away, waiting
from console.web.guard import needs, officer_of
from console.web.orders.acting import whose
from console.web.orders.where import WRITERS
from console.web.pages import page
from console.web.parts import CONSOLE

routes = web.RouteTableDef()


@routes.get("/")
@needs()
async def home(request: web.Request) -> web.Response:
    return await _front(request, "orders/home.html")


@routes.get("/waiting")
@needs(quiet=True)
async def what_waits(request: web.Request) -> web.Response:
    """The moving part of the front page; it asks for itself again."""
    return await _front(request, "orders/waiting.html")


@routes.get("/orders")
@needs()
async def every(request: web.Request) -> web.Response:
    pool = request.app[CONSOLE].pool
    orders = await listed(pool)
    return page(
        request,
        "orders/list.html",
        orders=[each for each in orders if not put_away(each)],
        prepared=[each for each in orders if put_away(each)],
        names=await names(pool, _authors(orders)),
    )


async def _front(request: web.Request, template: str) -> web.Response:
    pool, officer = request.app[CONSOLE].pool, officer_of(request)
    found = await waiting(pool)
    approves = Role.APPROVER in officer.roles
    return page(
        request,
        template,
        waiting=found,
        mine_to_approve=[each for each in found.to_approve if approves and officer.id not in whose(each)],
        others_to_approve=[each for each in found.to_approve if not approves or officer.id in whose(each)],
        approves=approves,
        writes=bool(officer.roles & set(WRITERS)),
        on_duty=bool(officer.roles & {Role.AUTHOR, Role.APPROVER}),
        names=await names(pool, _authors(_orders(found))),
    )


def _orders(found: Waiting) -> list[Order]:
    return [*found.to_approve, *found.counting, *found.to_look_at, *found.drafts, *found.scheduled]


def _authors(orders: Iterable[Order]) -> list[int | None]:
    return [officer for each in orders for officer in (each.version.author.officer, *whose(each))]
