"""Who holds an order: read from the record of every dispatch that belongs to it, for the update that changes its area.

An update has three audiences: newly inside, still inside, no longer inside. Inside now is what its area matches; who
was inside is no question of where anybody lived, but of whom the order reached: whoever has it, and has not been told
since that it no longer holds. In doubt about a person who is inside the full order is sent again, and in doubt about
one who is not, that it no longer holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from dispatcher.audience import Longs
from dispatcher.history import known_outcomes
from dispatcher.model import DispatchState, Outcome, Relation, Standing
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_FAMILY = sql("dispatcher", "dispatch_family")
_TOLD = sql("dispatcher", "plan_holders")

_NOBODY = np.empty(0, np.int64)

HAVE_IT = (Outcome.IN_FLIGHT, Outcome.AMBIGUOUS, Outcome.UNKNOWN, Outcome.ACCEPTED, Outcome.DELIVERED)
"""Of these a person is taken to have read the message."""
KNOW_IT = (Outcome.ACCEPTED, Outcome.DELIVERED)
"""Of these they have been released for certain."""


@dataclass(slots=True)
class Holders:
    """`have` the order: ascending, each once. `may_have` it, each on the channels on which they may."""

    have: Longs = field(default_factory=lambda: _NOBODY)
    may_have: dict[str, Longs] = field(default_factory=dict)

    def ordered(self, reached: Longs, perhaps: Mapping[str, Longs]) -> None:
        """The order, or an update of it, was sent to these."""
        self.have = np.union1d(self.have, reached)
        for channel, members in perhaps.items():
            self.may_have[channel] = np.union1d(self.may_have.get(channel, _NOBODY), members)

    def let_go(self, perhaps: Longs, surely: Longs) -> None:
        """These were told, perhaps or surely, that it no longer holds for them."""
        self.have = np.setdiff1d(self.have, perhaps)
        self.may_have = {channel: np.setdiff1d(members, surely) for channel, members in self.may_have.items()}

    def as_planned(self, planned: Mapping[Standing, Longs]) -> None:
        """Whoever stands in a batch of this very update keeps the audience they were planned in."""
        inside = np.concatenate([planned[Standing.NEW], planned[Standing.STILL]])
        self.let_go(planned[Standing.NEW], inside)
        self.ordered(planned[Standing.STILL], {})

    def anybody(self) -> Longs:
        """Everybody who may have it on any channel, ascending, each once."""
        return np.unique(np.concatenate([_NOBODY, *self.may_have.values()]))


async def holders(pool: Pool, dispatch: str, *, but: str | None) -> Holders:
    """Who has the order that `dispatch` gives or belongs to, by the record of all dispatches but `but`."""
    found = Holders()
    for each in await pool.fetch(_FAMILY, dispatch, but):
        if each["relation"] != Relation.CORRECTS:
            batches = await pool.fetch(_TOLD, each["id"])
            await asyncio.to_thread(_follow, found, each, batches)
    return found


async def planned_before(pool: Pool, dispatch: str) -> dict[Standing, Longs]:
    """Who stands in a batch of this update already, by audience: somebody else began to plan it."""
    batches = await pool.fetch(_TOLD, dispatch)
    return {
        standing: _all(np.array(batch["members"], np.int64) for batch in batches if batch["audience"] == standing)
        for standing in Standing
    }


def _follow(found: Holders, dispatch: Record, batches: Sequence[Record]) -> None:
    goes_on = DispatchState(dispatch["state"]).open
    told = [_Told.of(batch, goes_on=goes_on) for batch in batches]
    lifts = dispatch["relation"] == Relation.LIFTS
    released = [batch["audience"] == Standing.RELEASED or lifts for batch in batches]
    ended = [each for each, ends in zip(told, released, strict=True) if ends]
    found.let_go(_all(each.perhaps for each in ended), _all(each.surely for each in ended))
    orders = [each for each, ends in zip(told, released, strict=True) if not ends]
    channels = {each.channel for each in orders}
    found.ordered(
        _all(each.reached for each in orders),
        {name: _all(each.perhaps for each in orders if each.channel == name) for name in channels},
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """The members of a batch by how certain it is that they have its message: `perhaps` includes all the others."""

    channel: str
    reached: Longs
    surely: Longs
    perhaps: Longs

    @classmethod
    def of(cls, batch: Record, *, goes_on: bool) -> _Told:
        """What is still to be sent may be: in a dispatch that goes on, or by whoever holds the batch."""
        members, known = np.array(batch["members"], np.int64), known_outcomes(batch)
        reached = np.isin(known, HAVE_IT)
        perhaps = reached | (known == Outcome.UNDELIVERED)
        if goes_on or batch["state"] == "claimed":
            perhaps |= known < Outcome.SUPPRESSED
        return cls(batch["channel"], members[reached], members[np.isin(known, KNOW_IT)], members[perhaps])


def _all(parts: Iterable[Longs]) -> Longs:
    return np.concatenate([_NOBODY, *parts])
