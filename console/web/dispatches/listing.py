"""What was and is sent: the list, and the bar that every page has while something leaves."""

from __future__ import annotations

from aiohttp import web

from console.watch import look
from console.watch.listing import Filter, listed, live_now
from console.watch.stopping import ON_DUTY
from console.web.dispatches.common import fragment, words
from console.web.forms import query
from console.web.guard import needs, officer_of
from console.web.language import language_of
from console.web.pages import page
from console.web.parts import CONSOLE
from console.web.problems import status_of
from words.problem import Problem, Refused

routes = web.RouteTableDef()


@routes.get("/dispatches")
@needs()
async def show(request: web.Request) -> web.Response:
    pool = request.app[CONSOLE].pool
    chosen = Filter(*(query(request, name) for name in ("mode", "class", "state", "after")))
    found: tuple[Problem, ...] = ()
    try:
        rows = await listed(pool, chosen)
    except Refused as refused:
        found = tuple(refused.problems)
        chosen = Filter()
        rows = await listed(pool, chosen)
    looks = {row.dispatch: await look.look(pool, row.dispatch) for row in rows.rows if row.state.open}
    return page(
        request,
        "dispatches/list.html",
        status=status_of(found) if found else 200,
        problems=found,
        chosen=chosen,
        rows=rows.rows,
        after=rows.after,
        looks=looks,
        now=await live_now(pool),
        on_duty=bool(officer_of(request).roles & set(ON_DUTY)),
        **words(language_of(request)),
    )


@routes.get("/dispatches/bar")
@needs(quiet=True)
async def bar(request: web.Request) -> web.Response:
    """The inside of the bar; empty while nothing leaves."""
    now = await live_now(request.app[CONSOLE].pool)
    on_duty = bool(officer_of(request).roles & set(ON_DUTY))
    text = fragment("dispatches/_bar.html", language_of(request), now=now, on_duty=on_duty)
    return web.Response(text=text, content_type="text/html")
