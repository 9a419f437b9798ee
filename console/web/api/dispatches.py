"""Dispatches by API: what was sent, how far it is, and stopping it."""

from __future__ import annotations

import re

from aiohttp import web

from console.accounts import Role
from console.api import problems
from console.api.shown import dispatch_json, row_json
from console.watch import stopping
from console.watch.listing import Filter, listed
from console.watch.look import head, look
from console.web.api.door import KEY, body_of, json, keyed, only, query
from console.web.dispatches.common import NAME, name_of
from console.web.dispatches.watching import HUB
from console.web.parts import CONSOLE
from words.problem import Refused

routes = web.RouteTableDef()
_NAME = re.compile(r"[0-9a-z-]{1,40}")


@routes.get("/api/v1/dispatches")
@keyed()
async def show_all(request: web.Request) -> web.Response:
    """The newest first, a page at a time."""
    asked = query(request, "mode", "class", "state", "after")
    after = asked.get("after", "")
    if after and not _NAME.fullmatch(after):
        raise Refused(problems.bad_value("/after"))
    chosen = Filter(asked.get("mode", ""), asked.get("class", ""), asked.get("state", ""), after)
    found = await listed(request.app[CONSOLE].pool, chosen)
    return json({"dispatches": [row_json(row) for row in found.rows], "after": found.after})


@routes.get(f"/api/v1/dispatches/{NAME}")
@keyed()
async def show(request: web.Request) -> web.Response:
    query(request)
    pool, name = request.app[CONSOLE].pool, name_of(request)
    return json(dispatch_json(await head(pool, name), await look(pool, name)))


@routes.post(f"/api/v1/dispatches/{NAME}/stop")
@keyed(Role.AUTHOR, Role.TOURISM)
async def stop(request: web.Request) -> web.Response:
    """`channel`: that one alone."""
    query(request)
    channel = only(await body_of(request, required=False), "channel").get("channel")
    if channel is not None and not isinstance(channel, str):
        raise Refused(problems.bad_value("/channel"))
    name, key = name_of(request), request[KEY]
    by = stopping.ByKey(key.name, key.role)
    stopped = await stopping.stop_by_key(request.app[CONSOLE].pool, by, name, channel)
    request.app[HUB].nudge(name)
    return json({"dispatch": name, "state": stopped.state.value, "unsent": stopped.unsent})
