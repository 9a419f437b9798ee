"""Step 2: what it says. Checked while it is written, and kept as a version of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from console.accounts import Role
from console.orders import book
from console.orders.checks import Checks, check
from console.orders.model import Author, Order
from console.orders.prefill import is_prepared, prepared_texts, usual
from console.orders.waiting import names
from console.web.forms import field, number
from console.web.guard import needs, officer_of
from console.web.orders.acting import typed_number
from console.web.orders.where import WRITERS
from console.web.orders.writing import TEXTS, TOURISM, fields_of, local_time, written
from console.web.pages import page, see_other
from console.web.parts import CONSOLE, Console
from console.web.problems import answer, is_program, status_of
from dispatcher.digest import digest
from words.languages import JAPANESE, LANGUAGES
from words.problem import Problem, Refused
from words.terms import HAZARDS, LEVELS

routes = web.RouteTableDef()
NEWER = "order.newer_version"


@dataclass(frozen=True, slots=True)
class Change:
    """A field that somebody else wrote otherwise."""

    place: str
    theirs: str
    mine: str


@routes.get("/orders/{id:[0-9]+}/what")
@needs(*WRITERS)
async def show(request: web.Request) -> web.Response:
    order = await book.read(_console(request).pool, number(request))
    if not order.state.editable:
        return see_other(f"/orders/{order.id}")
    return await what_page(request, order, order.version.document)


@routes.post("/orders/{id:[0-9]+}/what")
@needs(*WRITERS)
async def save(request: web.Request) -> web.Response:
    """A new version, unless nothing was changed; then on to the sheet, or back here."""
    order = await book.read(_console(request).pool, number(request))
    document = await _written(request, order)
    if (filled := await _filled(request, document)) is not None:
        return await what_page(request, order, filled)
    try:
        if document != order.version.document or not order.state.editable:
            await _keep(request, order, document)
    except Refused as refused:
        if is_program(request):
            return answer(request, refused.problems)
        now = await book.read(_console(request).pool, order.id)
        return await what_page(request, now, document, found=refused.problems)
    return see_other(f"/orders/{order.id}/{'what' if await field(request, 'do') == 'save' else 'check'}")


@routes.post("/orders/{id:[0-9]+}/checks")
@needs(*WRITERS)
async def checks(request: web.Request) -> web.Response:
    """What is to be said of it while it is written; nothing is kept."""
    order = await book.read(_console(request).pool, number(request))
    return page(request, "orders/checks.html", **await _checked(request, order, await _written(request, order)))


@routes.post("/orders/{id:[0-9]+}/prepared")
@needs(*WRITERS)
async def prepare(request: web.Request) -> web.Response:
    """The texts prepared for another hazard or level, unless somebody wrote others; nothing is kept."""
    console = _console(request)
    order = await book.read(console.pool, number(request))
    document = await _written(request, order)
    hazard, _, level = (await field(request, "prepared_for")).partition("/")
    before = document | {"hazard": hazard, "level": int(level) if level in map(str, LEVELS) else None}
    untouched = await is_prepared(console.desk, before)
    if untouched:
        document = {key: value for key, value in document.items() if key not in TEXTS}
        document |= await prepared_texts(console.desk, document)
    return page(request, "orders/texts.html", **_texts(document), kept=not untouched)


async def _filled(request: web.Request, document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The prepared texts, or room for another language, where that is all that was asked for."""
    do, language = await field(request, "do"), await field(request, "another")
    if do == "prepare":
        return {**document, **await prepared_texts(_console(request).desk, document)}
    if do == "another" and language in LANGUAGES:
        return {**document, TEXTS[0]: {language: {"subject": "", "body": ""}} | dict(_by_language(document, TEXTS[0]))}
    return None


async def what_page(
    request: web.Request, order: Order, document: Mapping[str, Any], *, found: Sequence[Problem] = ()
) -> web.Response:
    console = _console(request)
    theirs = _changes(order, document) if any(each.code == NEWER for each in found) else ()
    shown = usual(console.desk, document, order.now)
    author = order.version.author
    return page(
        request,
        "orders/what.html",
        status=status_of(found) if found else 200,
        order=order,
        mode=order.mode,
        found=found,
        theirs=theirs,
        other=(await names(console.pool, [author.officer])).get(author.officer or 0, author.key),
        hazards=HAZARDS,
        levels=LEVELS,
        may_warn=Role.AUTHOR in officer_of(request).roles,
        channels=list(console.desk.channels),
        until=local_time(shown["valid_until"], console.desk.town.timezone),
        kept=False,
        **_texts(shown),
        **await _checked(request, order, shown),
    )


def _texts(document: Mapping[str, Any]) -> dict[str, Any]:
    """What the part of the page with the texts wants."""
    kinds = [key for key in TEXTS if document.get(key)] or [TEXTS[0]]
    tags = {JAPANESE: None} | {tag: None for key in kinds for tag in _by_language(document, key)}
    return {
        "document": document,
        "values": fields_of(document),
        "kinds": kinds,
        "languages": [tag for tag in LANGUAGES if tag in tags],
        "others": [tag for tag in LANGUAGES if tag not in tags],
        "kind": TOURISM if document.get("class") == TOURISM else str(document.get("level") or ""),
        "shelter_names": document.get("class") != TOURISM,
    }


def _by_language(document: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    texts = document.get(key, {})
    return texts if isinstance(texts, Mapping) else {}


async def _checked(request: web.Request, order: Order, document: Mapping[str, Any]) -> dict[str, Any]:
    found: Checks = await check(_console(request).desk, document, start_at=order.start_at)
    languages = list(dict.fromkeys(each.language for each in found.previews))
    return {"checks": found, "preview_languages": languages}


def _changes(order: Order, document: Mapping[str, Any]) -> list[Change]:
    """Where the version that is kept says something else than what was filled in; of an area, only that it does."""
    theirs, mine = fields_of(_outlined(order.version.document)), fields_of(_outlined(document))
    places = dict.fromkeys([*theirs, *mine])
    return [
        Change(place, theirs.get(place, ""), mine.get(place, ""))
        for place in places
        if theirs.get(place) != mine.get(place)
    ]


def _outlined(document: Mapping[str, Any]) -> dict[str, Any]:
    return {key: digest({key: value})[:8] if key == "area" else value for key, value in document.items()}


async def _written(request: web.Request, order: Order) -> dict[str, Any]:
    """What was filled in, over the version that it was begun with."""
    after, begun = await field(request, "after"), order.version
    if after != str(begun.number):
        known = await book.versions(_console(request).pool, order.id)
        begun = next((each for each in known if str(each.number) == after), begun)
    return written(await request.post(), begun.document, _console(request).desk.town.timezone)


def _console(request: web.Request) -> Console:
    return request.app[CONSOLE]


async def _keep(request: web.Request, order: Order, document: Mapping[str, Any]) -> None:
    await book.revise(
        _console(request).desk,
        order.id,
        Author(officer_of(request).id),
        document,
        after=await typed_number(request, "after") or 0,
        start_at=order.start_at,
    )
