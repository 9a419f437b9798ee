"""The API's description (OpenAPI 3.1), written beside the routes it describes; a test holds the two together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from console.api.keys import ROLES
from console.orders.model import State
from console.watch.listing import GROUPS
from console.web.api.door import json, open_to_all, query
from dispatcher.events import KEYS
from dispatcher.model import DispatchState, EventClass, Mode
from geo.shelters import HAZARDS, ShelterStatus

routes = web.RouteTableDef()
Schema = dict[str, Any]


@routes.get("/api/v1/openapi.json")
@open_to_all
async def show(request: web.Request) -> web.Response:
    query(request)
    return json(DOCUMENT)


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Mapping[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {
        "type": "object",
        "properties": dict(properties),
        "additionalProperties": False,
        **({"required": required} if required else {}),
    }


def _or_null(kind: str, **more: Any) -> Schema:
    return {"type": [kind, "null"], **more}


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _one_of(values: Any) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
YES: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
NAMES: Schema = {"type": "object", "additionalProperties": TEXT}

_ORDER: Schema = {
    "id": WHOLE,
    "state": _one_of(State),
    "mode": _one_of(Mode),
    "version": WHOLE,
    "document": {"type": "object"},
    "written_by": _ref("Author"),
    "written_at": TIME,
    "start_at": _or_null("string", format="date-time"),
    "hash": _or_null("string"),
    "people": _or_null("integer"),
    "approved_by": {"anyOf": [_ref("Author"), {"type": "null"}]},
    "release_at": _or_null("string", format="date-time"),
    "dispatch": _or_null("string"),
    "void_why": _or_null("string"),
    "changed_at": TIME,
}
_SENT: Schema = {
    "dispatch": TEXT,
    "class": _one_of(EventClass),
    "mode": _one_of(Mode),
    "state": _one_of(DispatchState),
    "relation": _or_null("string"),
    "hazard": _or_null("string"),
    "level": _or_null("integer"),
    "area_name": NAMES,
    "approved_at": TIME,
    "people": _or_null("integer"),
    "stopped_by": _or_null("string"),
}
_FOLLOWED: Schema = {
    "order": _or_null("integer"),
    "parent": _or_null("string"),
    "followers": _list(TEXT),
    "valid_until": TIME,
    "seconds": {"type": "number", "description": "Since the approval; of one that has ended, until then."},
    "promised_seconds": _or_null("number"),
    "over": YES,
    "channels": _list(_ref("Channel")),
}
_SHELTER: Schema = {
    "id": TEXT,
    "name": TEXT,
    "address": TEXT,
    "hazards": _list(_one_of(HAZARDS)),
    "stay": YES,
    "capacity": _or_null("integer"),
    "status": _one_of(ShelterStatus),
    "status_at": _or_null("string", format="date-time"),
    "status_by": _or_null("string"),
}
_COUNTS: Schema = {
    "at": TIME,
    "subscribed": COUNT,
    "left": COUNT,
    "unreachable": {**COUNT, "description": "Subscribed, with every contact closed."},
    **{name: {"type": "object", "additionalProperties": COUNT} for name in ("contacts", "languages", "topics")},
}
_SCHEMAS: Schema = {
    "Event": {
        "type": "object",
        "description": "An event document, as docs/formats.md has it.",
        "properties": {
            **{name: {} for name in KEYS},
            "class": _one_of(EventClass),
            "mode": {**_one_of(Mode), "default": Mode.DRILL.value},
            "area": {"type": "object"},
        },
        "additionalProperties": False,
        "required": ["class", "area", "texts"],
    },
    "Author": _object({"officer": _or_null("integer"), "key": _or_null("string")}),
    "Key": _object({"name": TEXT, "role": _one_of(ROLES), "sends_drills": YES, "calls_a_minute": COUNT}),
    "Order": _object(_ORDER),
    "Drafted": _object({**_ORDER, "advice": _list(_ref("Fault"))}),
    "Orders": _object({"orders": _list(_ref("Order"))}),
    "Shelters": _object({"shelters": _list(_ref("Shelter"))}),
    "Shelter": _object(_SHELTER),
    "Counts": _object(_COUNTS),
    "Row": _object(_SENT),
    "Rows": _object({"dispatches": _list(_ref("Row")), "after": _or_null("string")}),
    "Dispatch": _object({**_SENT, **_FOLLOWED}),
    "Channel": _object(
        {
            "channel": TEXT,
            "messages": COUNT,
            "unsent": COUNT,
            "under_way": COUNT,
            "taken": COUNT,
            "delivered": COUNT,
            "unknown": COUNT,
            "missed": COUNT,
            "outcomes": {"type": "object", "additionalProperties": COUNT},
            "promised_seconds": _or_null("number"),
        }
    ),
    "Stopped": _object({"dispatch": TEXT, "state": _one_of(DispatchState), "unsent": COUNT}),
    "Fault": _object({"code": TEXT, "pointer": TEXT, "ja": TEXT, "en": TEXT}),
    "Problem": _object({"type": TEXT, "title": TEXT, "status": WHOLE, "detail": TEXT, "errors": _list(_ref("Fault"))}),
}


def _problems(*statuses: int) -> Schema:
    shown = {"application/problem+json": {"schema": _ref("Problem")}}
    return {
        str(status): {"description": _SAID[status], "content": shown, **_HEADERS.get(status, {})} for status in statuses
    }


_SAID = {
    400: "It could not be read, or lacks its Idempotency-Key.",
    401: "No key, or none that is valid.",
    403: "The key may not do that.",
    404: "There is no such thing.",
    405: "Not at this address.",
    408: "It was sent too slowly.",
    409: "It is not, or no longer, in a state in which that can be done.",
    410: "Its details were dropped after the time they are kept.",
    413: "More than 1 MiB.",
    415: "Not JSON, or compressed.",
    421: "Not over https.",
    422: "Refused; `errors` has everything that is wrong. Nothing was changed.",
    429: "Too many requests with this key.",
    503: "The database is away; try again.",
}
_HEADERS: dict[int, Schema] = {
    401: {"headers": {"WWW-Authenticate": {"required": True, "schema": TEXT}}},
    429: {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer"}}}},
    503: {"headers": {"Retry-After": {"required": True, "schema": {"type": "integer"}}}},
}
_ALWAYS = (400, 401, 403, 405, 421, 422, 429, 503)
_WRITING = (408, 413, 415)


def _does(summary: str, answer: str, *statuses: int, status: int = 200, **more: Any) -> Schema:
    good = {"description": summary, "content": {"application/json": {"schema": _ref(answer)}}}
    if status == web.HTTPCreated.status_code:
        good["headers"] = {"Location": {"required": True, "schema": TEXT}}
    return {
        "summary": summary,
        "responses": {str(status): good, **_problems(*sorted({*_ALWAYS, *statuses}))},
        **more,
    }


def _body(schema: Schema, *, required: bool) -> Schema:
    return {"required": required, "content": {"application/json": {"schema": schema}}}


def _parameter(name: str, where: str, schema: Schema, said: str) -> Schema:
    return {"name": name, "in": where, "required": where == "path", "schema": schema, "description": said}


_ID = _parameter("id", "path", {"type": "integer", "minimum": 1, "maximum": 10**18 - 1}, "An order's number.")
_NAME = _parameter("dispatch", "path", {"type": "string", "pattern": "^[0-9a-z-]{1,40}$"}, "A dispatch's name.")
_TOKEN = {
    **_parameter(
        "Idempotency-Key",
        "header",
        {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "Another for each request, the same when it is repeated; kept for thirty days.",
    ),
    "required": True,
}

DOCUMENT: Schema = {
    "openapi": "3.1.0",
    "info": {
        "title": "Todoke",
        "version": "1",
        "description": "What a program orders is a draft that officers approve. Every error is a problem document (RFC 9457).",
    },
    "servers": [{"url": "/"}],
    "security": [{"key": []}],
    "paths": {
        "/api/v1/openapi.json": {
            "get": {
                "summary": "This document.",
                "security": [],
                "responses": {
                    "200": {
                        "description": "This document.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    **_problems(400, 405, 421, 422, 503),
                },
            }
        },
        "/api/v1/key": {"get": _does("What this key may do.", "Key")},
        "/api/v1/orders": {
            "post": _does(
                "A draft that waits for people.",
                "Drafted",
                *_WRITING,
                status=201,
                parameters=[
                    _TOKEN,
                    _parameter("start_at", "query", TIME, "When a drill begins by itself, once it is approved."),
                ],
                requestBody=_body(_ref("Event"), required=True),
            ),
            "get": _does(
                "The latest changed first, without their areas.",
                "Orders",
                parameters=[_parameter("state", "query", _one_of(["", *State]), "One state.")],
            ),
        },
        "/api/v1/shelters": {"get": _does("Every shelter as it stands.", "Shelters")},
        "/api/v1/subscribers": {"get": _does("How many people are subscribed.", "Counts")},
        "/api/v1/orders/{id}": {"get": _does("An order as it stands.", "Order", 404, parameters=[_ID])},
        "/api/v1/orders/{id}/send": {
            "post": _does(
                "Submit and approve a drill that this key wrote, with the right to send drills.",
                "Order",
                404,
                409,
                *_WRITING,
                parameters=[_ID],
                requestBody=_body(_object({"typed": WHOLE}, optional=("typed",)), required=False),
            )
        },
        "/api/v1/dispatches": {
            "get": _does(
                "What was and is sent, the newest first.",
                "Rows",
                404,
                parameters=[
                    _parameter("mode", "query", _one_of(["", *Mode]), "Drills or live."),
                    _parameter("class", "query", _one_of(["", *EventClass]), "One class."),
                    _parameter("state", "query", _one_of(GROUPS), "One state; `open` is everything under way."),
                    _parameter("after", "query", {"type": "string"}, "`after` of the page before."),
                ],
            )
        },
        "/api/v1/dispatches/{dispatch}": {
            "get": _does("How far a dispatch is, by channel.", "Dispatch", 404, parameters=[_NAME])
        },
        "/api/v1/dispatches/{dispatch}/stop": {
            "post": _does(
                "Stop a dispatch, or one channel of it: two seconds later nothing of it leaves.",
                "Stopped",
                404,
                409,
                410,
                *_WRITING,
                parameters=[_NAME],
                requestBody=_body(_object({"channel": TEXT}, optional=("channel",)), required=False),
            )
        },
    },
    "components": {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "todoke key create"}},
        "schemas": _SCHEMAS,
    },
}
