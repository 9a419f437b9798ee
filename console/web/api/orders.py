"""Orders by API: drafts that wait for people, and drills by keys that may send them."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from console.accounts import Role
from console.api import problems
from console.api.drafting import draft, send_drill
from console.api.shown import order_json
from console.orders import book
from console.orders.model import State
from console.web.api.door import KEY, body_of, json, keyed, only, query
from console.web.forms import number
from console.web.parts import CONSOLE
from words.problem import Refused

routes = web.RouteTableDef()
WRITERS = (Role.AUTHOR, Role.TOURISM)


@routes.post("/api/v1/orders")
@keyed(*WRITERS)
async def create(request: web.Request) -> web.Response:
    """The body is an event document (docs/formats.md)."""
    given = query(request, "start_at").get("start_at")
    document, token = await body_of(request), request.headers.get("Idempotency-Key", "")
    start_at = _moment(given) if given is not None else None
    made = await draft(request.app[CONSOLE].desk, request[KEY], document, token=token, start_at=start_at)
    return json(made, 201, Location=f"/api/v1/orders/{made['id']}")


@routes.get("/api/v1/orders")
@keyed()
async def show_all(request: web.Request) -> web.Response:
    """The latest changed first, without their areas. `state`: those alone."""
    asked = query(request, "state").get("state", "")
    if asked not in {"", *State}:
        raise Refused(problems.bad_value("/state"))
    states = (State(asked),) if asked else tuple(State)
    orders = await book.listed(request.app[CONSOLE].pool, states, brief=True)
    return json({"orders": [order_json(order) for order in orders]})


@routes.get("/api/v1/orders/{id:[0-9]+}")
@keyed()
async def show(request: web.Request) -> web.Response:
    query(request)
    return json(order_json(await book.read(request.app[CONSOLE].pool, number(request))))


@routes.post("/api/v1/orders/{id:[0-9]+}/send")
@keyed(*WRITERS)
async def send(request: web.Request) -> web.Response:
    """`typed`: the number of people, where the sheet wants it typed in."""
    query(request)
    typed = only(await body_of(request, required=False), "typed").get("typed")
    if typed is not None and type(typed) is not int:
        raise Refused(problems.bad_value("/typed"))
    order = await send_drill(request.app[CONSOLE].desk, request[KEY], number(request), typed=typed)
    return json(order_json(order))


def _moment(given: str) -> datetime:
    """With an offset: a program's local time is nobody's. Raises Refused."""
    try:
        at = datetime.fromisoformat(given)
        at.timestamp()
    except (ValueError, OverflowError):
        raise Refused(problems.bad_value("/start_at")) from None
    if at.tzinfo is None:
        raise Refused(problems.bad_value("/start_at"))
    return at
