"""Subscribers: how many there are, and one person for whoever says why they ask.

An address is typed into a form that is posted: it stands in no address bar, no history and no log.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from console.people import search as people
from console.people.counts import Counting
from console.people.search import MAY_SEARCH, Holder
from console.report import labels
from console.report.person import Answer
from console.report.telling import told
from console.watch.listing import Filter, listed
from console.web.dispatches.common import words
from console.web.forms import field
from console.web.guard import needs, officer_of
from console.web.language import language_of
from console.web.pages import page
from console.web.parts import CONSOLE
from console.web.problems import status_of
from words.languages import OWN_NAMES
from words.problem import Problem, Refused, Tongue

routes = web.RouteTableDef()
COUNTING = web.AppKey("counting", Counting)
_FIELDS = ("address", "reason", "subscriber", "dispatch")
_KINDS = {"line": "line", "phone": "sms", "email": "email"}
"""The channel that is meant by a kind of contact."""


@routes.get("/subscribers")
@needs()
async def show(request: web.Request) -> web.Response:
    return await _shown(request)


@routes.post("/subscribers/search")
@needs(*MAY_SEARCH)
async def search(request: web.Request) -> web.Response:
    console, asked = request.app[CONSOLE], await _asked(request)
    try:
        found = await people.search(
            console.pool, console.parts.vault, officer_of(request).id, asked["address"], asked["reason"]
        )
    except Refused as refused:
        return await _shown(request, asked, problems=refused.problems)
    return await _shown(request, asked, found=found)


@routes.post("/subscribers/why")
@needs(*MAY_SEARCH)
async def why(request: web.Request) -> web.Response:
    console, asked = request.app[CONSOLE], await _asked(request)
    desk = console.desk
    try:
        answer = await people.why(
            console.pool,
            console.parts.vault,
            officer_of(request).id,
            asked["dispatch"].strip(),
            asked["subscriber"].strip(),
            asked["reason"],
            contacts={name: channel.contact for name, channel in desk.channels.items()},
            zone=desk.town.timezone,
        )
    except Refused as refused:
        return await _shown(request, asked, problems=refused.problems)
    return await _shown(request, asked, answer=answer)


async def _asked(request: web.Request) -> dict[str, str]:
    return {name: (await field(request, name))[:300] for name in _FIELDS}


async def _shown(
    request: web.Request,
    asked: dict[str, str] | None = None,
    *,
    found: list[Holder] | None = None,
    answer: Answer | None = None,
    problems: list[Problem] | tuple[Problem, ...] = (),
) -> web.Response:
    console, tongue = request.app[CONSOLE], language_of(request)
    counts = await request.app[COUNTING].counts()
    shown: dict[str, Any] = {
        "counts": counts,
        "kind_name": lambda kind: _kind(kind, tongue),
        "named_kinds": [(_kind(kind, tongue), people) for kind, people in counts.kinds.items()],
        "named_languages": [(OWN_NAMES.get(name, name), people) for name, people in counts.languages.items()],
        "asked": asked or dict.fromkeys(_FIELDS, ""),
        "found": found,
        "answer": answer,
        "lines": list(told(answer, console.desk.town.timezone)) if answer is not None else [],
        "recent": (await listed(console.pool, Filter())).rows,
        "may_search": bool(officer_of(request).roles & set(MAY_SEARCH)),
        "problems": tuple(problems),
        **words(tongue),
    }
    return page(request, "people/people.html", status=status_of(shown["problems"]) if problems else 200, **shown)


def _kind(kind: str, tongue: Tongue) -> str:
    name = labels.channel(_KINDS.get(kind, kind))
    return name.ja if tongue == "ja" else name.en
