"""The board of shelters as a page, for whoever stands in a gymnasium with a telephone in their hand."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from console.shelters import board as boards
from console.shelters.board import CHOICES, MAY_SAY, MOST, Board
from console.web.forms import each, field, query
from console.web.guard import needs, officer_of
from console.web.language import language_of
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import status_of
from geo.shelters import HAZARDS, ShelterStatus
from words.problem import Problem, Refused

routes = web.RouteTableDef()
_FILTERS = ("words", "status", "hazard")


@routes.get("/shelters")
@needs()
async def show(request: web.Request) -> web.Response:
    return await _shown(request, _asked(request))


@routes.get("/shelters/rows")
@needs(quiet=True)
async def rows(request: web.Request) -> web.Response:
    """The part of the page that asks for itself."""
    asked = _asked(request)
    found = await boards.board(request.app[CONSOLE].pool, **asked)
    return page(request, "shelters/_rows.html", **_words(request, found, asked))


@routes.post("/shelters/status")
@needs(*MAY_SAY)
async def say(request: web.Request) -> web.Response:
    identifier = await field(request, "shelter")
    [status, seen] = each(ShelterStatus, [await field(request, "to"), await field(request, "seen")], "/status")
    asked = {name: await field(request, name) for name in _FILTERS}
    try:
        await boards.say(request.app[CONSOLE].pool, officer_of(request).id, identifier, status, seen=seen)
    except Refused as refused:
        return await _shown(request, asked, tuple(refused.problems))
    return see_other(_back(asked, identifier))


@routes.post("/shelters/all")
@needs(*MAY_SAY)
async def say_all(request: web.Request) -> web.Response:
    """For when a river rises: every site designated for it, at once."""
    [status] = each(ShelterStatus, [await field(request, "to")], "/status")
    if not await field(request, "sure"):
        return await _shown(request, dict.fromkeys(_FILTERS, ""), (_be_sure(),))
    hazard = await field(request, "fit")
    await boards.say_all(request.app[CONSOLE].pool, officer_of(request).id, hazard, status)
    return see_other(_back({"words": "", "status": "", "hazard": hazard}))


async def _shown(request: web.Request, asked: dict[str, str], problems: tuple[Problem, ...] = ()) -> web.Response:
    """The page; what cannot be asked for is said, and everything shown."""
    pool = request.app[CONSOLE].pool
    try:
        found = await boards.board(pool, **asked)
    except Refused as refused:
        problems, asked = (*problems, *refused.problems), dict.fromkeys(_FILTERS, "")
        found = await boards.board(pool)
    status = status_of(problems) if problems else 200
    return page(request, "shelters/board.html", status=status, problems=problems, **_words(request, found, asked))


def _words(request: web.Request, found: Board, asked: dict[str, str]) -> dict[str, Any]:
    ja = language_of(request) == "ja"
    return {
        "board": found,
        "asked": asked,
        "again": f"/shelters/rows?{urlencode(asked)}",
        "most": MOST,
        "hazards": HAZARDS,
        "statuses": list(ShelterStatus),
        "choices": CHOICES,
        "status_name": lambda status: status.ja if ja else _ENGLISH[status],
        "may_say": bool(officer_of(request).roles & set(MAY_SAY)),
    }


_ENGLISH = {
    ShelterStatus.UNOPENED: "not open",
    ShelterStatus.OPEN: "open",
    ShelterStatus.CROWDED: "crowded",
    ShelterStatus.FULL: "full",
    ShelterStatus.CLOSED: "closed",
}


def _asked(request: web.Request) -> dict[str, str]:
    return {name: query(request, name) for name in _FILTERS}


def _back(asked: dict[str, str], identifier: str = "") -> str:
    asked = {name: value for name, value in asked.items() if value}
    query = f"?{urlencode(asked)}" if asked else ""
    return f"/shelters{query}" + (f"#shelter-{quote(identifier)}" if identifier else "")


def _be_sure() -> Problem:
    return Problem(
        "shelter.sure",
        "/sure",
        "まとめて変えるには、確認の欄に印を付けてください。まだ何も変わっていません。",
        "Tick the box to change them all. Nothing has been changed yet.",
    )
