"""The state of everything as a page that hangs on a wall."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from console.report import labels
from console.state.look import Grade, look
from console.web.dispatches.common import duration
from console.web.guard import needs
from console.web.language import language_of
from console.web.pages import page
from console.web.parts import CONSOLE

routes = web.RouteTableDef()


@routes.get("/state")
@needs()
async def show(request: web.Request) -> web.Response:
    return page(request, "state/state.html", **await _words(request))


@routes.get("/state/now")
@needs(quiet=True)
async def now(request: web.Request) -> web.Response:
    """The part that asks for itself."""
    return page(request, "state/_now.html", **await _words(request))


async def _words(request: web.Request) -> dict[str, Any]:
    tongue = language_of(request)
    return {
        "now": await look(request.app[CONSOLE].desk),
        "grades": Grade,
        "channel_name": lambda name: labels.channel(name)._asdict()[tongue],
        "canary_name": lambda result: labels.CANARIES[result]._asdict()[tongue],
        "duration": lambda seconds: duration(seconds, tongue),
    }
