"""Checks as one types: everything that keeps a draft from being sent, what it should say besides, and its lengths."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels.contract import Message
from console.orders.content import content_hash
from console.orders.desk import Desk
from dispatcher.event_fields import WARNINGS
from dispatcher.events import Event
from dispatcher.gazetteer import board
from dispatcher.model import Relation, Standing
from dispatcher.texts import FARTHEST, Composer, ShelterInfo
from words.languages import JAPANESE
from words.problem import Problem, Refused
from words.sql import sql
from words.terms import HAZARDS, without_readings

_CLOCK = sql("console.orders", "clock")
_TIME = re.compile(r"\{issued_at\}|\d{1,2}\s*時|\d{1,2}[::]\d{2}")
_ASKS = re.compile(r"ください|下さい|ましょう|せよ|なさい|[げれてえけめ]ろ|しろ")
"""How Japanese asks somebody to do something: ください and what is shorter."""


@dataclass(frozen=True, slots=True)
class Preview:
    """One message as a reader gets it. `units` as the channel's provider counts: an SMS's segments; 1 elsewhere."""

    channel: str
    language: str
    standing: Standing
    shelter: str | None
    message: Message
    characters: int
    units: int


@dataclass(frozen=True, slots=True)
class Checks:
    """`problems` keep it from being submitted; `advice` does not. `event` and `hash` are None while there are problems."""

    problems: tuple[Problem, ...]
    advice: tuple[Problem, ...]
    previews: tuple[Preview, ...]
    event: Event | None
    hash: str | None


async def check(desk: Desk, document: Mapping[str, Any], *, start_at: datetime | None = None) -> Checks:
    """Everything that can be said of the document now, complete or not. Raises nothing of what an officer wrote."""
    now = start_at or await desk.pool.fetchval(_CLOCK)
    try:
        event = await desk.reader.parsed(document, now=now)
    except Refused as refusal:
        return Checks(refusal.problems, (), (), None, None)
    problems = (*await desk.reader.text_problems(event), *missing(event))
    advice = tuple(advised(event))
    shown = tuple(await previews(desk, event))
    if problems:
        return Checks(problems, advice, shown, None, None)
    return Checks((), advice, shown, event, content_hash(event, start_at))


def missing(event: Event) -> Iterator[Problem]:
    """What an order has to name, where and from when, that its Japanese text does not."""
    if event.event_class not in WARNINGS or event.relation in {Relation.CORRECTS, Relation.LIFTS}:
        return
    body = event.texts[JAPANESE].body
    names = [name for name in event.area_name.values() if name]
    if "{area_name}" not in body and not any(name in body for name in names):
        yield Problem(
            "text.no_area",
            "/texts/ja/body",
            "どの区域のことか書かれていません。「{area_name}」と書けば区域の名前が入ります。",
            "The text does not say for which area. Write {area_name} to have its name filled in.",
        )
    if _TIME.search(body) is None:
        yield Problem(
            "text.no_time",
            "/texts/ja/body",
            "発令の時刻が書かれていません。「{issued_at}」と書けば自動で入ります。",
            "The text does not say since when. Write {issued_at} to have the time filled in.",
        )
    if _ASKS.search(without_readings(body)) is None:
        yield Problem(
            "text.no_action",
            "/texts/ja/body",
            "何をすればよいか書かれていません。「〜してください」のように、とるべき行動を書いてください。",
            "The text does not say what to do. Write it as a request, such as 避難してください.",
        )


def advised(event: Event) -> Iterator[Problem]:
    """What is better said, and may be left out."""
    if event.event_class not in WARNINGS or event.relation in {Relation.CORRECTS, Relation.LIFTS}:
        return
    text = event.texts[JAPANESE]
    whole = without_readings(text.subject + text.body)
    if event.hazard is not None and not _names_hazard(whole, event.hazard):
        ja, en = HAZARDS[event.hazard]["ja"], HAZARDS[event.hazard]["en"]
        yield Problem(
            "text.no_hazard",
            "/texts/ja/body",
            f"何の危険か（{ja}）が書かれていません。書くと伝わりやすくなります。",
            f"The text does not name the hazard ({en}). People understand better when it does.",
        )
    if event.issuer and event.issuer not in whole:
        yield Problem(
            "text.no_issuer",
            "/texts/ja/body",
            f"発令者（{event.issuer}）が書かれていません。",
            f"The text does not name who gives the order ({event.issuer}).",
        )


def _names_hazard(text: str, hazard: str) -> bool:
    """Any part of the legal name will do: 「土石流」 is one of three."""
    return any(part in text for part in re.split("[、及び]+", HAZARDS[hazard]["ja"]) if part)


async def previews(desk: Desk, event: Event) -> list[Preview]:
    """Each message without a shelter, and with the first shelter that is open and fit where its text names one."""
    shelters = (await board(desk.pool)).for_hazard(event.hazard)
    info = desk.town.shelter_info(shelters, 0) if len(shelters) else None
    composer = desk.reader.composer(event)
    return [
        preview
        for standing in (Standing.NEW, *event.standings[1:])
        for channel in event.channels
        for language in event.texts_for(standing)
        for preview in _shown(desk, composer, channel, language, standing, info)
    ]


def _shown(
    desk: Desk, composer: Composer, channel: str, language: str, standing: Standing, info: ShelterInfo | None
) -> Iterator[Preview]:
    variants = [None, info] if info and composer.uses_shelter(language, channel, standing) else [None]
    for shelter in variants:
        message = composer.compose(channel, language, shelter, FARTHEST[0] if shelter else None, standing)
        units = desk.channels[channel].cost(message)
        length = len((message.subject + message.body).encode("utf-16-le")) // 2
        yield Preview(channel, language, standing, shelter.name if shelter else None, message, length, units)
