"""The sheet that is looked at before an order is submitted, and again before it is approved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from console.orders import problems
from console.orders.checks import advised, missing
from console.orders.content import content_hash, event_of, submitted_event
from console.orders.desk import Desk
from console.orders.forecast import Forecast, forecasts
from console.orders.model import Order
from console.orders.reach import reach_of
from dispatcher.bell import anybody_at_work
from dispatcher.counting import Count, Counter
from dispatcher.dispatches import check_sendable
from dispatcher.event_fields import WARNINGS
from dispatcher.events import Event
from dispatcher.gazetteer import boundary
from dispatcher.model import Mode
from words.languages import OWN_NAMES
from words.problem import Problem, Refused
from words.sql import sql

_SIMILAR = sql("console.orders", "similar")
_CLOCK = sql("console.orders", "clock")

FAR_MORE = 2.0
"""Times as many people as the last similar order reached: that is looked at twice."""
AT_LEAST = 100
"""People; below this a multiple says nothing."""
WHOLE_CITY = 0.8
"""Part of everybody in town."""
SMALL_HAZARDS = frozenset({"flood", "landslide", "storm_surge", "fire", "inland_flood"})
"""Never everywhere at once; an earthquake, a tsunami warning on a flat coast, ash may be."""


@dataclass(frozen=True, slots=True)
class Similar:
    """The last order of this class, mode and hazard."""

    dispatch: str
    at: datetime
    people: int

    def as_json(self) -> dict[str, Any]:
        return {"dispatch": self.dispatch, "at": self.at.isoformat(timespec="seconds"), "people": self.people}


@dataclass(frozen=True, slots=True)
class Sheet:
    """Everything on one page. `typed`: why the number of people has to be typed in; nothing where it need not be.

    `reach`: people by exactly these channels; by none under `()`. `seconds`: until the last message of the slowest
    channel is handed over, None where one stands still. `yen`: all channels together.
    """

    order: int
    version: int
    hash: str
    event: Event
    start_at: datetime | None
    count: Count
    reach: Mapping[tuple[str, ...], int]
    channels: tuple[Forecast, ...]
    seconds: float | None
    yen: int
    similar: Similar | None
    town: int | None
    """People in all of the town; None where its boundary is not known."""
    typed: tuple[Problem, ...]
    advice: tuple[Problem, ...]

    @property
    def people(self) -> int:
        """What is typed in."""
        return self.count.people

    @property
    def unreachable(self) -> int:
        """People inside whom no channel of this order reaches."""
        return self.reach.get((), 0)

    def as_json(self) -> dict[str, Any]:
        """The figures, as they are kept with the submission: promised, to be compared with what became of it."""
        return {
            "people": self.count.people,
            "audience": self.count.audience,
            "audiences": self.count.audiences,
            "unreachable": self.unreachable,
            "languages": self.count.languages,
            "channels": {
                each.channel: {"people": each.people, "units": each.units, "seconds": each.seconds, "yen": each.yen}
                for each in self.channels
            },
            "seconds": self.seconds,
            "yen": self.yen,
            "similar": self.similar.as_json() if self.similar else None,
            "typed": [problem.code for problem in self.typed],
        }


async def sheet(desk: Desk, order: Order) -> Sheet:
    """The sheet of what was submitted, or else of the present version.

    Raises Refused with everything that keeps it from being sent.
    """
    event = await event_as_it_stands(desk, order)
    reach = await reach_of(desk, event)
    channels = await forecasts(desk, event, reach.needs)
    similar, town = await _similar(desk, event), await _town(desk, event)
    seconds = [each.seconds for each in channels]
    return Sheet(
        order=order.id,
        version=order.version.number,
        hash=order.hash or content_hash(event, order.start_at),
        event=event,
        start_at=order.start_at,
        count=reach.count,
        reach=reach.by,
        channels=channels,
        seconds=None if None in seconds else max((s for s in seconds if s is not None), default=0.0),
        yen=sum(each.yen for each in channels),
        similar=similar,
        town=town,
        typed=tuple(_to_be_typed(event, reach.count.people, similar, town)),
        advice=(*advised(event), *await _advice(desk, event, reach.count, channels)),
    )


async def event_as_it_stands(desk: Desk, order: Order) -> Event:
    """What was submitted, or else what the present version would send. Raises Refused."""
    async with desk.pool.acquire() as connection:
        if order.hash is not None:
            return await submitted_event(connection, order.id, order.hash, order.start_at)
    return await sendable(desk, order)


async def sendable(desk: Desk, order: Order) -> Event:
    """What the present version would send. Raises Refused with everything that keeps it from that."""
    event = await event_of(desk, order)
    found = list(missing(event))
    if event.valid_until <= await desk.pool.fetchval(_CLOCK):
        found.append(problems.expired())
    if found:
        raise Refused(found)
    await check_sendable(desk.pool, event)
    return event


async def _similar(desk: Desk, event: Event) -> Similar | None:
    row = await desk.pool.fetchrow(_SIMILAR, event.event_class, event.mode, event.hazard)
    return Similar(row["id"], row["approved_at"], row["people"]) if row is not None else None


async def _town(desk: Desk, event: Event) -> int | None:
    """Everybody in town, counted as areas are while they are drawn; only where it matters."""
    if event.mode is not Mode.LIVE or event.event_class not in WARNINGS or not desk.code:
        return None
    found = await boundary(desk.pool, desk.code)
    if found is None:
        return None
    kinds = {name: channel.contact for name, channel in desk.channels.items()}
    return (await Counter(desk.pool, desk.audience, kinds).survey(found[0])).count.people


def _to_be_typed(event: Event, people: int, similar: Similar | None, town: int | None) -> list[Problem]:
    found = []
    if similar is not None and people >= AT_LEAST and people > similar.people * FAR_MORE:
        found.append(_far_more(people, similar))
    if town and people >= AT_LEAST and people >= town * WHOLE_CITY and event.hazard in SMALL_HAZARDS:
        found.append(_whole_city(people, town))
    return found


def _far_more(people: int, similar: Similar) -> Problem:
    return Problem(
        "sheet.far_more",
        "/typed",
        f"前回の同じ種類の発令（{similar.people:,} 人）よりずっと多い {people:,} 人が対象です。"
        "間違いなければ、人数を入力してください。",
        f"It concerns {people:,} people, far more than the last such order ({similar.people:,}). "
        "If that is right, type the number.",
    )


def _whole_city(people: int, town: int) -> Problem:
    return Problem(
        "sheet.whole_city",
        "/typed",
        f"町の {town:,} 人のうち {people:,} 人、ほぼ全域が対象です。この災害で全域は普通ありません。"
        "間違いなければ、人数を入力してください。",
        f"It concerns {people:,} of the town's {town:,} people, nearly everybody, for a hazard that is hardly ever "
        "everywhere. If that is right, type the number.",
    )


async def _advice(desk: Desk, event: Event, count: Count, channels: tuple[Forecast, ...]) -> list[Problem]:
    found = [_over_quota(each) for each in channels if each.over_quota]
    found += [_held_up(each) for each in channels if each.troubles]
    unwritten = [language for language in count.languages if language not in event.texts]
    if unwritten:
        found.append(_unwritten(unwritten))
    if not count.audience:
        found.append(_nobody())
    if not await anybody_at_work(desk.pool):
        found.append(_nobody_at_work())
    return found


def _over_quota(forecast: Forecast) -> Problem:
    return Problem(
        "sheet.over_quota",
        f"/channels/{forecast.channel}",
        f"{forecast.channel} の今月の残りは {forecast.left:,} 通ですが、{forecast.units:,} 通が必要です。"
        "足りない分は届きません。ほかの手段も使ってください。",
        f"{forecast.channel} has {forecast.left:,} messages left this month, and this takes {forecast.units:,}. "
        "The rest will not arrive: use other channels as well.",
    )


def _held_up(forecast: Forecast) -> Problem:
    first = forecast.troubles[0]
    return Problem(f"sheet.{first.code}", f"/channels/{forecast.channel}", first.ja, first.en)


def _unwritten(languages: list[str]) -> Problem:
    names = "、".join(OWN_NAMES.get(language, language) for language in languages)
    return Problem(
        "sheet.unwritten",
        "/texts",
        f"{names} の文面がありません。その言語の人には、やさしい日本語（または日本語）と英語で届きます。",
        f"There is no text in {names}; these readers get easy Japanese (or Japanese) and English.",
    )


def _nobody() -> Problem:
    return Problem(
        "sheet.nobody",
        "/area",
        "この区域で届く人は一人もいません。区域と経路を確かめてください。",
        "Nobody in this area is reached. Check the area and the channels.",
    )


def _nobody_at_work() -> Problem:
    return Problem(
        "sheet.nobody_at_work",
        "",
        "いま送信する worker が動いていません。このままでは送られません。IT 担当者に連絡してください。",
        "No worker is running, so nothing will be sent. Tell your IT staff.",
    )
