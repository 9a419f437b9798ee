"""The town by API: its shelters as they stand, and how many people are subscribed. Nobody's address, and nobody by name."""

from __future__ import annotations

from aiohttp import web

from console.api.shown import counts_json, shelter_json
from console.shelters.board import everywhere
from console.web.api.door import json, keyed, query
from console.web.parts import CONSOLE
from console.web.people import COUNTING

routes = web.RouteTableDef()


@routes.get("/api/v1/shelters")
@keyed()
async def shelters(request: web.Request) -> web.Response:
    """All of them."""
    query(request)
    return json({"shelters": [shelter_json(row) for row in await everywhere(request.app[CONSOLE].pool)]})


@routes.get("/api/v1/subscribers")
@keyed()
async def subscribers(request: web.Request) -> web.Response:
    """How many there are; counted once a minute at most."""
    query(request)
    return json(counts_json(await request.app[COUNTING].counts()))
