"""What the map asks for: boundaries, shelters, orders in force, and how many people an area holds while it is drawn."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec
from aiohttp import web

from console.web.guard import needs
from console.web.parts import CONSOLE
from console.web.problems import answer
from console.where.town_map import no_object
from words.problem import Refused

routes = web.RouteTableDef()
MOST_PROBLEMS = 20
_encode = msgspec.json.Encoder().encode


@routes.get("/map/boundaries")
@needs()
async def boundaries(request: web.Request) -> web.Response:
    return _kept(request, await request.app[CONSOLE].map.layers.boundaries())


@routes.get("/map/shelters")
@needs()
async def shelters(request: web.Request) -> web.Response:
    return _kept(request, await request.app[CONSOLE].map.layers.shelters())


@routes.get("/map/active")
@needs()
async def active(request: web.Request) -> web.Response:
    return _kept(request, await request.app[CONSOLE].map.layers.active())


@routes.post("/map/count")
@needs()
async def count(request: web.Request) -> web.Response:
    try:
        return _json(await request.app[CONSOLE].map.count(await _body(request)))
    except Refused as refused:
        return answer(request, refused.problems[:MOST_PROBLEMS])


async def _body(request: web.Request) -> Any:
    try:
        return msgspec.json.decode(await request.read())
    except msgspec.DecodeError:
        raise Refused(no_object()) from None


def _json(body: Any) -> web.Response:
    return web.Response(body=_encode(body), content_type="application/json", headers={"Cache-Control": "no-store"})


def _kept(request: web.Request, body: Any) -> web.Response:
    """Asked for again each time, sent again only when it is another."""
    data = _encode(body)
    tag = hashlib.sha256(data).hexdigest()[:32]
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{tag}"'}
    if any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=data, content_type="application/geo+json", headers=headers)
    response.enable_compression()
    return response
