"""From memory to a journal: each batch as it truly stands at the moment the database is given up on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

import numpy as np

from channels.contract import Channel
from dispatcher import outcomes as states
from dispatcher.audience import Longs
from dispatcher.batches import unpassed
from dispatcher.emergency.ledger import later, now
from dispatcher.emergency.memory import Known, Order
from dispatcher.emergency.records import InHand, Kept
from dispatcher.model import POLICIES, EventClass, Outcome

Sealed = Callable[[str, Longs], list[bytes]]
"""The sealed addresses of some people, by kind of contact; empty for whoever has none."""


class Leaving:
    """`session` is this process's. `in_hand`: what it and the others of its data directory have in hand or let go of a
    moment ago, none of whose calls is under way any more.
    """

    def __init__(
        self,
        channels: Mapping[str, Channel],
        in_hand: Iterable[InHand],
        session: int,
        sealed: Sealed,
    ) -> None:
        self._channels = channels
        self._in_hand = _latest(in_hand)
        self._session = session
        self._sealed = sealed

    def batches(self, order: Order) -> Iterator[Kept]:
        """What is not through, and what only this directory's processes know to be."""
        for each in sorted(filter(order.said, order.batches.values()), key=lambda batch: batch.number):
            claimed = self._in_hand.get((order.job.dispatch, each.number))
            if claimed is not None and claimed.attempt >= each.attempt:
                yield self._ours(each, claimed)
            elif not states.all_final(each.outcomes):
                yield self._as_seen(each)

    def _ours(self, known: Known, claimed: InHand) -> Kept:
        """Every call of it has ended, and its outcome is in the attempt's own record."""
        doubtful = Outcome.AMBIGUOUS in claimed.outcomes
        repeated = claimed.repeated
        if repeated is not None:
            # Who is doubtful and marked was about to be called again, and no call is under way.
            uncalled = [position for position, byte in enumerate(claimed.outcomes) if byte == Outcome.AMBIGUOUS]
            repeated = states.marked(repeated, uncalled, 0)
        return self._kept(
            known,
            claimed.outcomes,
            attempt=claimed.attempt,
            tries=claimed.tries,
            first_attempt_at=claimed.first_attempt_at or (claimed.claimed_at if doubtful else None),
            repeat_at=self._repeat_at(known, claimed.outcomes, claimed.repeat_at),
            exact=True,
            doubtful=False,
            repeated=repeated,
        )

    def _as_seen(self, known: Known) -> Kept:
        """What somebody else had begun may have been called."""
        outcomes, claimed = known.outcomes, known.state == "claimed"
        if claimed:
            outcomes = states.after_crash(
                outcomes, started=known.started, repeated=known.repeated, promise=_promise(known)
            )
        return self._kept(
            known,
            outcomes,
            attempt=known.attempt,
            tries=known.tries,
            first_attempt_at=known.first_attempt_at,
            repeat_at=self._repeat_at(known, outcomes, known.repeat_at),
            exact=False,
            doubtful=claimed and known.session != self._session,
            repeated=unpassed(known.repeated),
        )

    def _repeat_at(self, known: Known, outcomes: bytes, repeat_at: datetime | None) -> datetime | None:
        promise = _promise(known)
        if Outcome.AMBIGUOUS not in outcomes or not promise.repeats or (repeat_at is not None and repeat_at > now()):
            return repeat_at
        return later(promise.repeat_delay())

    def _kept(
        self,
        known: Known,
        outcomes: bytes,
        *,
        attempt: int,
        tries: int,
        first_attempt_at: datetime | None,
        repeat_at: datetime | None,
        exact: bool,
        doubtful: bool,
        repeated: bytes | None,
    ) -> Kept:
        return Kept(
            number=known.number,
            key=known.key,
            channel=known.channel,
            lane=known.lane,
            priority=known.priority,
            messages=known.messages.astype("<i4").tobytes(),
            members=known.members.astype("<i8").tobytes(),
            places=b"",
            outcomes=outcomes,
            attempt=attempt,
            tries=tries,
            first_attempt_at=first_attempt_at,
            repeat_at=repeat_at,
            exact=exact,
            doubtful=doubtful,
            counts_once=known.counts_once,
            repeated=repeated,
            sealed=[] if states.all_final(outcomes) else self.sealed(known.channel, known.members),
        )

    def counts_once(self, channel: str) -> bool:
        return self._channels[channel].repeatable

    def sealed(self, channel: str, members: Longs) -> list[bytes]:
        found = self._channels.get(channel)
        return self._sealed(found.contact, members) if found is not None else [b""] * len(members)


def _latest(told: Iterable[InHand]) -> dict[tuple[str, int], InHand]:
    """Of each batch its last attempt."""
    ordered = sorted(told, key=lambda each: each.attempt)
    return {(each.dispatch, each.number): each for each in ordered}


def _promise(known: Known) -> states.Promise:
    return states.Promise(POLICIES[EventClass.EVACUATION], known.counts_once)


def members_by_channel(known: Iterable[Known]) -> dict[str, Longs]:
    """Who stands in a batch, by channel."""
    found: dict[str, list[Longs]] = {}
    for batch in known:
        found.setdefault(batch.channel, []).append(batch.members)
    return {channel: np.concatenate(parts) for channel, parts in found.items()}
