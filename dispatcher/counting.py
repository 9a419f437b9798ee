"""Counting: how many people an event or an area concerns, by channel, language and shelter. Nothing is written.

An event is drafted whole and counted; an area that somebody is drawing is counted in columns, in milliseconds.
All numbers are exact, of the people as well as of the shelters' shares.
"""

from __future__ import annotations

import asyncio
from collections import Counter as Sums
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dispatcher.audience import Counted, Tally
from dispatcher.drafting import Plan
from dispatcher.gazetteer import board as shelter_board
from dispatcher.model import Standing
from dispatcher.routing import NO_SHELTER
from geo.area import Area
from geo.shelters import ShelterBoard, ShelterStatus
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_MARK = sql("dispatcher", "shelter_mark")
_RECEIVING = [status.value for status in ShelterStatus if status.receives]


@dataclass(frozen=True, slots=True)
class ShelterShare:
    """People sent to one shelter."""

    id: str
    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Count:
    """`people` have a place inside; `audience` of them are reached on some channel. Languages and shelters count these.

    An update also reaches people who are no longer inside: `audiences` says how many by `Standing`, empty elsewhere.
    """

    people: int
    audience: int
    channels: dict[str, int]
    languages: dict[str, int]
    shelters: list[ShelterShare]
    audiences: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Survey:
    """The count of an area. `reach`: how many people are reached by exactly these channels; by none under `()`.

    `fond`: how many of its people chose any of the topics asked for.
    """

    count: Count
    reach: dict[tuple[str, ...], int]
    fond: int


class Counter:
    """Counts areas while they are drawn. `kinds` maps every channel to the kind of contact it writes to.

    The audience answers as of its last `catch_up`, which is a second ago at most where it is followed. The first
    count after people or shelters changed a lot works out the nearest shelters anew, and takes longer than the next.
    """

    def __init__(self, pool: Pool, audience: Counted, kinds: Mapping[str, str]) -> None:
        self._pool = pool
        self._audience = audience
        self._channels = kinds
        self._kinds = tuple(dict.fromkeys(kinds.values()))
        self._board: tuple[str, ShelterBoard] | None = None

    async def survey(self, area: Area, *, hazard: str | None = None, topics: Sequence[str] = ()) -> Survey:
        """Everybody with a place inside `area`, each with the nearest shelter that is open and fit for the hazard."""
        board = (await self._current_board()).for_hazard(hazard)
        tally = await asyncio.to_thread(self._audience.tally, area, self._kinds, board, topics=topics)
        return _survey(tally, self._channels, board)

    async def _current_board(self) -> ShelterBoard:
        """Read only when it is another: two thousand shelters take longer to read than everybody to count."""
        mark = await self._pool.fetchval(_MARK, _RECEIVING)
        if self._board is None or self._board[0] != mark:
            self._board = mark, await shelter_board(self._pool)
        return self._board[1]


def count(*plans: Plan) -> Count:
    """Shelters by load, the fullest first; whoever's text names none is in no shelter's share. Each person in one plan."""
    counts = [_count(plan) for plan in plans]
    return counts[0] if len(counts) == 1 else _together(counts, [plan.standing for plan in plans])


def _together(counts: Sequence[Count], standings: Sequence[Standing | None]) -> Count:
    pairs = list(zip(standings, counts, strict=True))
    shares = Sums[tuple[str, str]]()
    for each in counts:
        shares.update({(share.id, share.name): share.people for share in each.shelters})
    return Count(
        people=sum(each.people for standing, each in pairs if standing is not Standing.RELEASED),
        audience=sum(each.audience for each in counts),
        channels=dict(_sums(each.channels for each in counts)),
        languages=dict(_sums(each.languages for each in counts).most_common()),
        shelters=[ShelterShare(*shelter, people) for shelter, people in shares.most_common()],
        audiences={standing.value: each.audience for standing, each in pairs if standing is not None},
    )


def _sums(parts: Iterable[Mapping[str, int]]) -> Sums[str]:
    """Also of what is 0."""
    sums = Sums[str]()
    for part in parts:
        sums.update(part)
    return sums


def _count(plan: Plan) -> Count:
    reached = np.zeros(len(plan.match), dtype=bool)
    shelters = np.full(len(plan.match), NO_SHELTER, np.int32)
    for channel, rows in plan.routed.items():
        reached[rows] = True
        shelters[rows] = np.maximum(shelters[rows], plan.variants[channel].shelters[rows])
    languages = np.bincount(plan.match.languages[reached], minlength=len(plan.match.language_names))
    told = shelters[reached]
    return Count(
        people=len(plan.match),
        audience=int(reached.sum()),
        channels={channel: len(rows) for channel, rows in plan.routed.items()},
        languages=_by_name(languages, plan.match.language_names),
        shelters=_shares(np.bincount(told[told != NO_SHELTER], minlength=len(plan.shelters)), plan.shelters),
    )


def _survey(tally: Tally, channels: Mapping[str, str], board: ShelterBoard) -> Survey:
    together = tally.people.sum(axis=0)
    kinds = [[kind for bit, kind in enumerate(tally.kinds) if code >> bit & 1] for code in range(len(together))]
    reach = [tuple(channel for channel, kind in channels.items() if kind in reached) for reached in kinds]
    return Survey(
        Count(
            people=int(together.sum()),
            audience=int(together[1:].sum()),
            channels={
                channel: int(sum(people for people, by in zip(together, reach, strict=True) if channel in by))
                for channel in channels
            },
            languages=_by_name(tally.people[:, 1:].sum(axis=1), tally.languages),
            shelters=_shares(tally.shelters, board),
        ),
        {by: int(people) for people, by in zip(together, reach, strict=True) if people},
        tally.fond,
    )


def _by_name(totals: NDArray[np.int64], names: Sequence[str]) -> dict[str, int]:
    """The most frequent first."""
    return {names[i]: int(totals[i]) for i in np.argsort(-totals, kind="stable") if totals[i]}


def _shares(totals: NDArray[np.int64], board: ShelterBoard) -> list[ShelterShare]:
    """The fullest first."""
    order = np.argsort(-totals, kind="stable")
    return [ShelterShare(board.ids[i], board.names[i], int(totals[i])) for i in order if totals[i]]
