"""Whom an order reaches, and what its sending takes: counted from the plan itself, as planning would write it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from channels.contract import Limit
from console.orders.desk import Desk
from dispatcher.counting import Count, count
from dispatcher.drafting import Plan
from dispatcher.events import Event
from dispatcher.model import Delivery, Standing
from dispatcher.routing import NO_SHELTER, route
from dispatcher.texts import Composer


@dataclass(slots=True)
class Needs:
    """Of one channel: people, units as they are billed, and tokens on each limit of each lane."""

    people: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    units: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    lanes: dict[str, tuple[Limit, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reach:
    """`by`: how many people are reached by exactly these channels; by none under `()`."""

    count: Count
    by: Mapping[tuple[str, ...], int]
    needs: Mapping[str, Needs]


async def reach_of(desk: Desk, event: Event) -> Reach:
    """Whom the event would reach among everything committed before this call."""
    composer = desk.reader.composer(event)
    plans = await desk.drafter.drafts(event, composer, parent=event.parent)
    return await asyncio.to_thread(_reach, desk, event, composer, plans)


def _reach(desk: Desk, event: Event, composer: Composer, plans: Sequence[Plan]) -> Reach:
    needs = {channel: Needs() for channel in event.channels}
    together = Counter[tuple[str, ...]]()
    for plan in plans:
        together.update(_by_channels(desk, event, plan))
        for channel, rows in plan.routed.items():
            if len(rows):
                _add(desk, composer, plan, channel, needs[channel])
    return Reach(count(*plans), dict(together), needs)


def _by_channels(desk: Desk, event: Event, plan: Plan) -> Counter[tuple[str, ...]]:
    """Of what reaches people, not of what is used: whom `first_reachable` spares is reachable all the same."""
    kinds = {name: desk.channels[name].contact for name in event.channels}
    reachable = route(plan.match, kinds, Delivery.ALL)
    codes = np.zeros(len(plan.match), np.int64)
    for bit, rows in enumerate(reachable.values()):
        codes[rows] |= 1 << bit
    found = np.bincount(codes, minlength=1)
    return Counter(
        {
            tuple(name for bit, name in enumerate(reachable) if code >> bit & 1): int(people)
            for code, people in enumerate(found)
            if people
        }
    )


def _add(desk: Desk, composer: Composer, plan: Plan, channel: str, needs: Needs) -> None:
    way = desk.channels[channel]
    groups, sizes = _groups(plan, channel, way.contact)
    for (lane, language, shelter, distance), people in zip(groups.T.tolist(), sizes.tolist(), strict=True):
        name, reader = plan.match.lane_names[lane], plan.match.language_names[language]
        info = desk.town.shelter_info(plan.shelters, shelter) if shelter != NO_SHELTER else None
        message = composer.compose(channel, reader, info, distance or None, plan.standing or Standing.NEW)
        cost = way.cost(message)
        calls = -(-people // way.call_size)
        needs.people += people
        needs.languages[reader] += people
        needs.units += people * (cost if way.call_size == 1 else 1)
        needs.lanes.setdefault(name, way.lane(name).limits)
        for limit in needs.lanes[name]:
            needs.tokens[limit.key] += calls * cost


def _groups(plan: Plan, channel: str, contact: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Columns of lane, language, shelter and distance, and how many people share each."""
    rows, variants = plan.routed[channel], plan.variants[channel]
    columns = np.stack(
        [
            plan.match.lanes[contact][rows].astype(np.int64),
            plan.match.languages[rows].astype(np.int64),
            variants.shelters[rows].astype(np.int64),
            variants.distances[rows].astype(np.int64),
        ]
    )
    return np.unique(columns, axis=1, return_counts=True)
