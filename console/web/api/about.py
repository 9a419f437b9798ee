"""What the key that is shown may do: the first thing to ask with a new one."""

from __future__ import annotations

from aiohttp import web

from console.api.keys import CALLS_A_MINUTE
from console.web.api.door import KEY, json, keyed

routes = web.RouteTableDef()


@routes.get("/api/v1/key")
@keyed()
async def key(request: web.Request) -> web.Response:
    mine = request[KEY]
    return json(
        {"name": mine.name, "role": mine.role, "sends_drills": mine.sends_drills, "calls_a_minute": CALLS_A_MINUTE}
    )
