"""Who stands in two batches: one cut without the database, and one that it had and that nobody here had read of.

Exactly one of the two calls them from now on. Where the other batch is in nobody's hands, its members who are still to
be called are moved into the one that was cut; where it has begun, or knows what became of them, those of the cut one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dispatcher import binary
from dispatcher import outcomes as states
from dispatcher.audience import Longs
from dispatcher.emergency.ledger import Batch
from dispatcher.model import BatchState, Outcome
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Record as Row
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Row]

_HOLD = sql("dispatcher", "emergency_hold")
_STANDING = sql("dispatcher", "emergency_standing")
_MOVE = sql("dispatcher", "emergency_move")
Flags = NDArray[np.bool_]
_NOBODY = np.array([], np.int64)
_STILL = (Outcome.PENDING, Outcome.RETRY)


async def settle(connection: Connection, dispatch: str, cut: Sequence[Batch], known: Collection[int]) -> None:
    """Before `cut` is added, by whoever holds the dispatch's row: so there come no other batches meanwhile.

    `known` are those batches of the database of which the journal tells what became.
    """
    ours: dict[str, list[Longs]] = {}
    for batch in cut:
        ours.setdefault(batch.kept.channel, []).append(batch.members)
    sought, channels = _sorted(ours), sorted(ours)
    theirs: dict[str, list[Longs]] = {channel: [] for channel in channels}
    await connection.execute(_HOLD, dispatch, channels)
    for row in await connection.fetch(_STANDING, dispatch, channels, list(known)):
        theirs[row["channel"]].append(await _settle(connection, dispatch, row, sought[row["channel"]]))
    called = _sorted(theirs)
    for batch in cut:
        there = _among(batch.members, called[batch.kept.channel])
        batch.outcomes = states.marked(batch.outcomes, _still(batch.outcomes, there), Outcome.MOVED)


async def _settle(connection: Connection, dispatch: str, row: Row, ours: Longs) -> Longs:
    """Who of ours stays with this batch of the database; all others are moved out of it."""
    members, outcomes = binary.bigints(row["members"]), states.refined(row["outcomes"], row["proofs"])
    shared = _among(members, ours)
    idle = row["state"] == BatchState.DUE or (row["state"] == BatchState.CLAIMED and row["started"] == 0)
    moved = _still(outcomes, shared) if idle else []
    if moved:
        left = states.marked(row["outcomes"], moved, Outcome.MOVED)
        through = states.all_final(states.refined(left, row["proofs"]))
        await connection.execute(_MOVE, dispatch, row["number"], left, BatchState.DONE if through else BatchState.DUE)
    shared[moved] = False
    staying: Longs = members[shared & (np.frombuffer(outcomes, np.uint8) != Outcome.MOVED)]
    return staying


def _sorted(members: Mapping[str, Sequence[Longs]]) -> dict[str, Longs]:
    return {channel: np.sort(np.concatenate([_NOBODY, *parts])) for channel, parts in members.items()}


def _among(members: Longs, sought: Longs) -> Flags:
    """Which of the members are sought: of a few among a million, thousands of times, and so never by sorting both."""
    if not len(sought):
        return np.zeros(len(members), np.bool_)
    found: Flags = sought[np.searchsorted(sought, members) % len(sought)] == members
    return found


def _still(outcomes: bytes, among: Flags) -> list[int]:
    """Positions among these whom a call is still to be made to."""
    found: list[int] = np.flatnonzero(among & np.isin(np.frombuffer(outcomes, np.uint8), _STILL)).tolist()
    return found
