"""The record of what officers do, to be read by those who watch over it."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any
from urllib.parse import urlencode

from aiohttp import web

from console.audit import reading
from console.audit.reading import GROUPS, MAY_READ, Filter
from console.web.dispatches.watching import SLOW_SECONDS
from console.web.forms import field, query
from console.web.guard import needs, officer_of
from console.web.pages import page
from console.web.parts import CONSOLE
from console.web.problems import status_of
from words.problem import Problem, Refused

routes = web.RouteTableDef()
_FIELDS = ("group", "login", "subject", "since", "until", "before")
_DIGITS = 18


@routes.get("/record")
@needs(*MAY_READ)
async def show(request: web.Request) -> web.Response:
    asked = {name: query(request, name) for name in _FIELDS}
    pool, zone = request.app[CONSOLE].pool, request.app[CONSOLE].desk.town.timezone
    problems: tuple[Problem, ...] = ()
    try:
        found = await reading.read(pool, _filter(asked, zone))
    except Refused as refused:
        problems, asked = tuple(refused.problems), dict.fromkeys(_FIELDS, "")
        found = await reading.read(pool, Filter())
    older = asked | {"before": str(found.before)} if found.before is not None else None
    shown: dict[str, Any] = {
        "found": found,
        "asked": asked,
        "groups": GROUPS,
        "older": urlencode({name: value for name, value in older.items() if value}) if older else None,
    }
    return page(
        request, "record/record.html", status=status_of(problems) if problems else 200, problems=problems, **shown
    )


@routes.post("/record/export")
@needs(*MAY_READ)
async def export(request: web.Request) -> web.StreamResponse:
    """Streamed; who takes nothing for ten seconds is let go."""
    pool, zone = request.app[CONSOLE].pool, request.app[CONSOLE].desk.town.timezone
    chosen = _filter({name: (await field(request, name))[:100] for name in _FIELDS} | {"before": ""}, zone)
    await reading.begin_export(pool, officer_of(request).id, chosen)
    response = web.StreamResponse(
        headers={"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": 'attachment; filename="record.csv"'}
    )
    await response.prepare(request)
    try:
        async for piece in reading.exported(pool, chosen):
            async with asyncio.timeout(SLOW_SECONDS):
                await response.write(piece.encode())
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    return response


def _filter(asked: dict[str, str], zone: tzinfo) -> Filter:
    """Days are the town's; the last one is within. Raises Refused."""
    since, until = (_day(asked[name], f"/{name}") for name in ("since", "until"))
    before = asked["before"]
    if before and not (before.isascii() and before.isdecimal() and len(before) <= _DIGITS):
        raise Refused(_unreadable("/before"))
    return Filter(
        group=asked["group"],
        login=asked["login"].strip(),
        subject=asked["subject"].strip(),
        since=datetime.combine(since, time(), zone) if since else None,
        until=datetime.combine(until + timedelta(days=1), time(), zone) if until else None,
        before=int(before) if before else None,
    )


def _day(given: str, where: str) -> date | None:
    if not given:
        return None
    try:
        day = date.fromisoformat(given)
    except ValueError:
        raise Refused(_unreadable(where)) from None
    if not date(2000, 1, 1) <= day <= date(9000, 1, 1):
        raise Refused(_unreadable(where))
    return day


def _unreadable(where: str) -> Problem:
    return Problem(
        "record.filter",
        where,
        "日付は 2026-11-24 の形で入力してください。絞り込まずに表示しています。",
        "Give a day as 2026-11-24. Everything is shown, unfiltered.",
    )
