"""Drafting: whom an event concerns now, on which channel, in which words. Changes nothing.

The planner writes a draft down as batches; `match` and the console only count it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dispatcher import outcomes as states
from dispatcher.audience import Audience, Floats, Longs, Match, Portions, Whereabouts
from dispatcher.events import Event
from dispatcher.gazetteer import board as shelter_board
from dispatcher.model import Delivery, EventClass, Mode, Outcome, Relation, ShelterChoice, Standing
from dispatcher.routing import NO_SHELTER, Variants, narrowed, restricted, route
from dispatcher.texts import Composer, ShelterInfo
from dispatcher.updating import Holders, holders, planned_before
from geo.area import Area
from geo.distance import rounded_distance
from geo.shelters import ShelterBoard
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_REACHED = sql("dispatcher", "plan_reached")

DRILL_TOPIC = "drill"
_MAY_HAVE_GOT_IT = frozenset(
    {Outcome.IN_FLIGHT, Outcome.AMBIGUOUS, Outcome.UNKNOWN, Outcome.ACCEPTED, Outcome.UNDELIVERED, Outcome.DELIVERED}
)


_FEW_TEXTS = 64
"""Different texts on a shared channel among the first people: at LINE's 200 calls a second, a third of one."""


@dataclass(frozen=True, slots=True)
class Town:
    """What texts need to know of the town: its time zone and how a shelter's page is addressed."""

    name: str
    timezone: tzinfo
    shelter_url: str
    """A template with `{lat}` and `{lon}`."""

    def shelter_info(self, shelters: ShelterBoard, position: int) -> ShelterInfo:
        """What a text can say of the shelter at `position` of the board."""
        lat, lon = float(shelters.lats[position]), float(shelters.lons[position])
        url = self.shelter_url.replace("{lat}", f"{lat:.6f}").replace("{lon}", f"{lon:.6f}")
        return ShelterInfo(shelters.ids[position], shelters.names[position], url)


@dataclass(slots=True)
class Plan:
    """Who gets what, before it is cut: one row a subscriber, and per channel the rows it carries."""

    match: Match
    routed: dict[str, Longs]
    variants: dict[str, Variants]
    """What differs by shelter and distance, per channel: a short SMS may name none where LINE does."""
    shelters: ShelterBoard
    standing: Standing | None = None
    """Which audience of an update it is; None where there are no audiences."""

    @property
    def audience(self) -> int:
        """People who get anything at all on any channel."""
        return len(self.people)

    @property
    def people(self) -> Longs:
        """Their numbers, ascending."""
        return self.match.subscribers[_reached_rows(self.match, self.routed)]

    def texts(self, channel: str) -> int:
        """How many different texts the channel carries."""
        rows, variants = self.routed.get(channel, np.empty(0, np.int64)), self.variants[channel]
        columns = np.stack([self.match.languages[rows], variants.shelters[rows], variants.distances[rows]])
        return int(np.unique(columns, axis=1).shape[1])


class Drafter:
    """`kinds` maps every channel to the kind of contact it writes to."""

    def __init__(self, pool: Pool, audience: Audience, kinds: Mapping[str, str]) -> None:
        self._pool = pool
        self._audience = audience
        self._kinds = kinds

    async def drafts(self, event: Event, composer: Composer, *, parent: str | None) -> list[Plan]:
        """Whom the event concerns among everything committed before this call: one plan, or one an audience."""
        shelters = await self._caught_up(event)
        if parent is not None and (event.standings or _refers_back(event)):
            return await self._by_record(event, composer, shelters, parent)
        match = await asyncio.to_thread(self._match, event)
        return [await self._plan(event, composer, shelters, match)]

    async def portions(
        self,
        event: Event,
        composer: Composer,
        *,
        parent: str | None,
        shared: Iterable[str],
        dispatch: str | None = None,
        counted: Callable[[int], None] = lambda _people: None,
    ) -> AsyncIterator[Plan]:
        """The same people in portions, each person in one: a small one first, so that its sending can begin.

        Before the first one `counted` is told how many people are in the area, as `count` counts them.

        `shared` names the channels where one call serves many. If already the first few people need many
        different texts there, it is one portion after all: people of different portions share no call. An update's
        audiences are a portion each. `dispatch` is the one that is planned, whose own record says nothing of before.
        """
        shelters = await self._caught_up(event)
        if parent is not None and (event.standings or _refers_back(event)):
            for plan in await self._by_record(event, composer, shelters, parent, dispatch, counted):
                yield plan
            return
        if event.shelters is ShelterChoice.CAPACITY:
            everybody = await asyncio.to_thread(self._match, event)
            counted(len(everybody))
            yield await self._plan(event, composer, shelters, everybody)
            return
        matches = await asyncio.to_thread(self._portions, event)
        counted(matches.people)
        first = await self._plan(event, composer, shelters, await asyncio.to_thread(next, matches))
        if any(first.texts(channel) > _FEW_TEXTS for channel in shared):
            yield await self._plan(event, composer, shelters, await asyncio.to_thread(self._match, event))
            return
        yield first
        while (match := await asyncio.to_thread(next, matches, None)) is not None:
            yield await self._plan(event, composer, shelters, match)

    async def count(self, event: Event) -> int | None:
        """How many people are in its area and have its topics now; None where the record says whom it concerns."""
        if _refers_back(event):
            return None
        await self._audience.catch_up()
        return await asyncio.to_thread(lambda: self._portions(event).people)

    async def for_those(self, event: Event, composer: Composer, here: Whereabouts) -> Plan:
        """What the event says to the people of `here`, each by the first of their places there, as far as it is for them."""
        shelters = (await shelter_board(self._pool)).for_hazard(event.hazard)
        people, first = np.unique(here.subscribers, return_index=True)
        match = await self._audience.among(people, topics=_topics(event))
        if event.mode is Mode.DRILL:
            drill = await self._audience.among(people, topics=(DRILL_TOPIC,))
            match = narrowed(match, restricted(match, drill.subscribers))
        at = first[np.searchsorted(people, match.subscribers)]
        match = replace(match, places=here.places[at], lons=here.lons[at], lats=here.lats[at])
        plan = await self._plan(event, composer, shelters, match)
        return replace(plan, standing=Standing.NEW) if event.standings else plan

    async def draft_now(self, event: Event, composer: Composer, shelters: ShelterBoard) -> Plan:
        """Whom the event concerns as far as is known in memory, when there is no database to ask; `shelters` are all."""
        match = await asyncio.to_thread(self._match, event)
        return await self._plan(event, composer, shelters.for_hazard(event.hazard), match)

    async def _caught_up(self, event: Event) -> ShelterBoard:
        """Every change committed before now is seen; gives the shelters that are open and fit for the hazard."""
        await self._audience.catch_up()
        return (await shelter_board(self._pool)).for_hazard(event.hazard)

    async def _plan(self, event: Event, composer: Composer, shelters: ShelterBoard, match: Match) -> Plan:
        """In a thread: with a whole city, each step takes longer than the event loop may stand still."""

        def plan() -> Plan:
            routed = route(match, self._wanted(event), event.delivery)
            return Plan(match, routed, _variants(match, routed, composer, shelters, event), shelters)

        return await asyncio.to_thread(plan)

    async def _by_record(
        self,
        event: Event,
        composer: Composer,
        shelters: ShelterBoard,
        parent: str,
        dispatch: str | None = None,
        counted: Callable[[int], None] = lambda _people: None,
    ) -> list[Plan]:
        """What depends on whom earlier dispatches reached: an update's audiences, or everybody they may have reached."""
        if not event.standings:
            return [await self._back_to(event, composer, shelters, parent)]
        holding = await holders(self._pool, parent, but=dispatch)
        match = await asyncio.to_thread(self._match, event)
        counted(len(match))
        if dispatch is not None:
            planned = await planned_before(self._pool, dispatch)
            holding.as_planned(planned)
            match = narrowed(match, np.flatnonzero(~np.isin(match.subscribers, planned[Standing.RELEASED])))
        outside = await asyncio.to_thread(lambda: np.setdiff1d(holding.anybody(), match.subscribers))
        beyond = await self._who_still_ask(event, outside)
        return await asyncio.to_thread(self._audiences, event, composer, shelters, holding, (match, beyond))

    def _audiences(
        self, event: Event, composer: Composer, shelters: ShelterBoard, holding: Holders, people: tuple[Match, Match]
    ) -> list[Plan]:
        """An update's plans, in the order of `Standing`: each person in one. `people`: inside, and beyond."""
        match, beyond = people
        sent = _shelters_for(match, route(match, self._wanted(event), event.delivery), shelters, event)
        had = np.isin(match.subscribers, holding.have)

        def inside(standing: Standing, rows: Longs) -> Plan:
            part, theirs = narrowed(match, rows), Variants(sent.shelters[rows], sent.distances[rows])
            routed = route(part, self._wanted(event), event.delivery)
            told = {channel: _told(part, composer, theirs, channel, standing) for channel in event.channels}
            return Plan(part, routed, told, shelters, standing)

        back = _routed_back(beyond, self._wanted(event), event.delivery, holding.may_have)
        unsent = dict.fromkeys(event.channels, Variants.none(len(beyond)))
        return [
            inside(Standing.NEW, np.flatnonzero(~had)),
            inside(Standing.STILL, np.flatnonzero(had)),
            Plan(beyond, back, unsent, shelters, Standing.RELEASED),
        ]

    async def _who_still_ask(self, event: Event, subscribers: Longs) -> Match:
        """Those of `subscribers` who still have the event's topics, and in a drill stand on its list."""
        match = await self._audience.among(subscribers, topics=_topics(event))
        if event.mode is Mode.LIVE:
            return match
        drill = await self._audience.among(subscribers, topics=(DRILL_TOPIC,))
        return narrowed(match, restricted(match, drill.subscribers))

    async def _back_to(self, event: Event, composer: Composer, shelters: ShelterBoard, parent: str) -> Plan:
        match, routed = await self._possibly_reached(event, parent)
        variants = await asyncio.to_thread(_variants, match, routed, composer, shelters, event)
        return Plan(match, routed, variants, shelters)

    def _portions(self, event: Event) -> Portions:
        """A drill's people are few, and matched at once."""
        if event.mode is Mode.DRILL:
            match = self._match(event)
            return Portions(len(match), iter([match]))
        return self._audience.portions(_area(event), topics=_topics(event))

    def _match(self, event: Event) -> Match:
        match = self._audience.match(_area(event), topics=_topics(event))
        if event.mode is Mode.LIVE:
            return match
        drill = self._audience.match(_area(event), topics=(DRILL_TOPIC,))
        return narrowed(match, restricted(match, drill.subscribers))

    def _wanted(self, event: Event) -> dict[str, str]:
        return {name: self._kinds[name] for name in event.channels}

    async def _possibly_reached(self, event: Event, parent: str) -> tuple[Match, dict[str, Longs]]:
        """Everybody whom the parent may have reached, each on the channel on which it may have."""
        members = _reached(await self._pool.fetch(_REACHED, parent))
        everybody = np.unique(np.concatenate([np.empty(0, np.int64), *members.values()]))
        match = await self._audience.among(everybody)
        kinds = self._wanted(event)
        reachable = route(match, kinds, Delivery.ALL)
        routed = {
            channel: np.intersect1d(reachable[channel], restricted(match, members[channel]))
            for channel in kinds
            if channel in members
        }
        return match, routed


def _area(event: Event) -> Area:
    if event.area is None:
        raise ValueError("an event without an area concerns nobody")
    return event.area


def _refers_back(event: Event) -> bool:
    """Whether its people are those of the dispatch it refers to."""
    return event.relation in {Relation.CORRECTS, Relation.LIFTS}


def _topics(event: Event) -> tuple[str, ...]:
    return event.topics if event.event_class is EventClass.TOURISM else ()


def _variants(
    match: Match, routed: Mapping[str, Longs], composer: Composer, shelters: ShelterBoard, event: Event
) -> dict[str, Variants]:
    """The open shelter of everybody whose text names one, and how far it is said to be."""
    sent = _shelters_for(match, routed, shelters, event)
    return {channel: _told(match, composer, sent, channel, Standing.NEW) for channel in event.channels}


def _shelters_for(match: Match, routed: Mapping[str, Longs], shelters: ShelterBoard, event: Event) -> Variants:
    somewhere = np.isfinite(match.lons)
    if event.shelters is ShelterChoice.CAPACITY:
        # Who is told nothing takes no place.
        return _sent_to(match, somewhere & _reached_rows(match, routed), shelters.shared)
    return _sent_to(match, somewhere, shelters.nearest)


def _sent_to(
    match: Match, who: NDArray[np.bool_], choose: Callable[[Floats, Floats], tuple[Longs, Floats]]
) -> Variants:
    sent = Variants.none(len(match))
    positions, metres = choose(match.lons[who], match.lats[who])
    if (positions >= 0).any():
        sent.shelters[who] = positions
        sent.distances[who] = rounded_distance(metres)
    return sent


def _reached_rows(match: Match, routed: Mapping[str, Longs]) -> NDArray[np.bool_]:
    """Who gets anything at all on any channel."""
    reached = np.zeros(len(match), dtype=bool)
    for rows in routed.values():
        reached[rows] = True
    return reached


def _routed_back(
    match: Match, kinds: Mapping[str, str], delivery: Delivery, members: Mapping[str, Longs]
) -> dict[str, Longs]:
    """Everybody on the channels on which an order may have reached them; whom none of these reaches now, as usual."""
    reachable, same = route(match, kinds, Delivery.ALL), dict[str, Longs]()
    told = np.zeros(len(match), dtype=bool)
    for channel, rows in reachable.items():
        mine = np.intersect1d(rows, restricted(match, members.get(channel, np.empty(0, np.int64))))
        same[channel] = mine[~told[mine]] if delivery is Delivery.FIRST_REACHABLE else mine
        told[mine] = True
    usual = route(match, kinds, delivery)
    return {channel: np.union1d(same[channel], rows[~told[rows]]) for channel, rows in usual.items()}


def _told(match: Match, composer: Composer, sent: Variants, channel: str, standing: Standing) -> Variants:
    """Only what the text of each reader's language says on this channel makes a variant."""
    named = _by_language(match, lambda language: composer.uses_shelter(language, channel, standing))
    told = _by_language(match, lambda language: composer.uses_distance(language, channel, standing))
    return Variants(
        np.where(named, sent.shelters, NO_SHELTER).astype(np.int32),
        np.where(told, sent.distances, 0).astype(np.int32),
    )


def _by_language(match: Match, question: Callable[[str], bool]) -> NDArray[np.bool_]:
    """The answer for everybody, asked once a language."""
    answers = np.array([question(name) for name in match.language_names], dtype=bool)
    return answers[match.languages]


def _reached(rows: Iterable[Record]) -> dict[str, Longs]:
    """Per channel, the members whom their batch may have reached."""
    found: dict[str, list[int]] = {}
    for row in rows:
        outcomes = states.refined(row["outcomes"], row["proofs"])
        under_way = row["started"] if row["state"] == "claimed" else 0
        found.setdefault(row["channel"], []).extend(
            member
            for position, (member, byte) in enumerate(zip(row["members"], outcomes, strict=True))
            if byte in _MAY_HAVE_GOT_IT or (position < under_way and byte < Outcome.SUPPRESSED)
        )
    return {channel: np.array(members, np.int64) for channel, members in found.items()}
