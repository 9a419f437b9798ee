"""Who may come to which address of the API: by a key, never by what a browser holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from aiohttp import web

from console.accounts import Role
from console.api import keys, problems
from console.api.keys import Key
from console.web.guard import H, Handler, anybody
from console.web.parts import CONSOLE
from console.web.problems import answer
from dispatcher import strict_json
from dispatcher.strict_json import pointer, shown
from words.problem import Refused

PREFIX = "/api/v1/"
BODY_BYTES = 1024 * 1024
KEY = web.RequestKey("api_key", Key)
"""Whoever asks; absent where a key is not asked for."""
_ROLES: dict[object, frozenset[Role] | None] = {}
_encode = msgspec.json.Encoder().encode


def is_ours(request: web.Request) -> bool:
    return request.path.startswith(PREFIX)


def keyed(*roles: Role) -> Callable[[H], H]:
    """Only with a key of one of `roles`; of whatever role, when none is named."""

    def mark(handler: H) -> H:
        _ROLES[handler] = frozenset(roles or keys.ROLES)
        return anybody(handler)

    return mark


def open_to_all(handler: H) -> H:
    """Also without a key."""
    _ROLES[handler] = None
    return anybody(handler)


async def let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer, once the key is known and has not asked too often. Raises Refused, and KeyError for a handler without mark."""
    roles = _ROLES[request.match_info.handler]
    if roles is not None:
        key = await keys.find(request.app[CONSOLE].pool, _shown(request))
        seconds = await keys.take_call(request.app[CONSOLE].pool, key)
        if seconds is not None:
            said = answer(request, [problems.too_many(seconds)])
            said.headers["Retry-After"] = str(seconds)
            return said
        key.check(*sorted(roles))
        request[KEY] = key
    return await handler(request)


def _shown(request: web.Request) -> str:
    """Raises Refused where there is nothing that could be a key, or more than one."""
    given = request.headers.getall("Authorization", [])
    scheme, _, key = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not key.strip():
        raise Refused(problems.key_needed())
    return key.strip()


async def body_of(request: web.Request, *, required: bool = True) -> Mapping[str, Any]:
    """The JSON object that was sent; an empty one for nothing, unless it is `required`. Raises Refused."""
    raw = await request.read()
    if not raw and not required:
        return {}
    if request.content_type != "application/json":
        raise Refused(problems.not_json())
    value, found = strict_json.read(raw, limit=BODY_BYTES)
    if found:
        raise Refused(found)
    if not isinstance(value, dict):
        raise Refused(problems.not_object())
    return value


def query(request: web.Request, *names: str) -> Mapping[str, str]:
    """What follows the question mark, each once. Raises Refused for what is not one of `names`."""
    found = [problems.bad_value(f"/{shown(name)}") for name in request.query if name not in names]
    found += [problems.bad_value(f"/{name}") for name in names if len(request.query.getall(name, [])) > 1]
    if found:
        raise Refused(found)
    return request.query


def only(body: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Raises Refused for a body that holds more than `names`."""
    found = [problems.bad_value(pointer("", name)) for name in body if name not in names]
    if found:
        raise Refused(found)
    return body


def json(body: Any, status: int = 200, **headers: str) -> web.Response:
    return web.Response(body=_encode(body), status=status, content_type="application/json", headers=headers)
