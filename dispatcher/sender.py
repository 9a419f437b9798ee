"""The sender: for every lane where something is due, a pump claims batches and carries them through.

Lanes never wait for one another. While anything of a higher priority is due on a channel nothing
lower is claimed there, and what is under way stops after the calls already begun.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from math import ceil
from types import TracebackType
from typing import Self

import structlog

from channels.contract import Channel, Connects
from dispatcher import metrics
from dispatcher.attempt import Means
from dispatcher.audience import AddressBook
from dispatcher.background import DATABASE_TROUBLE, Agent
from dispatcher.batches import Claimed, LaneKey
from dispatcher.connections import Connections
from dispatcher.deferrals import Deferrals
from dispatcher.epoch import Epoch
from dispatcher.inspection import Quarantine
from dispatcher.limiter import Limiter
from dispatcher.one_call import OneCall
from dispatcher.pauses import Pauses
from dispatcher.providers import Providers
from dispatcher.run_of_calls import RunOfCalls
from dispatcher.store import Lease, Store

_CLAIMED_AT_ONCE = 8
"""Batches of one claim: they share its round trip, and stand idle together if this process dies at that moment."""

_STOPS_KNOWN_SECONDS = 5.0
"""Who has not heard for so long whether anything was stopped, because the loop stood still, asks before the next call."""

AHEAD_SECONDS = 0.2

_CLAIM_SECONDS = 10.0
"""A claim that failed this long ago has happened by now, or will not: its connection is gone."""

log = structlog.get_logger(__name__)


class Sender:
    """Claims, limits, sends and records for the channels it was given, until it is left."""

    def __init__(
        self,
        *,
        store: Store,
        addresses: AddressBook,
        channels: Mapping[str, Channel],
        limiter: Limiter,
        session: Lease,
        pauses: Pauses,
        providers: Providers,
        poll_seconds: float,
        call_seconds: float,
        lane_through: Callable[[], None],
        epoch: Epoch,
        quarantine: Quarantine,
    ) -> None:
        self._store = store
        self._channels = channels
        self._session = session
        self._epoch = epoch
        self._pauses = pauses
        self._providers = providers
        self._call_seconds = call_seconds
        self._lane_through = lane_through
        self._first_sends: set[str] = set()
        self._to_mark: list[str] = []
        self._in_hand: dict[tuple[str, int], Claimed] = {}
        self._deadlines: dict[tuple[str, int], float] = {}
        self._stopped: set[tuple[str, str]] = set()
        self._looked_at = time.monotonic()
        self._urgent: dict[str, int] = {}
        self._pumps: dict[LaneKey, _Pump] = {}
        self._unsure: dict[LaneKey, float] = {}
        """Lanes whose last claim failed, and when: it may have been committed all the same."""
        self._stopping = False
        self._lanes = Agent("sender", self._start_pumps, every=poll_seconds)
        self._stops = Agent("stops", self._look_for_stops, every=poll_seconds)
        self._marks = Agent("first sends", self._mark_first_sends, every=poll_seconds)
        self._means = {
            name: Means(
                store=store,
                addresses=addresses,
                limiter=limiter,
                pauses=pauses,
                providers=providers,
                deferrals=Deferrals(),
                channel=channel,
                connections=Connections(channel.at_once, channel.connect if isinstance(channel, Connects) else None),
                meters=metrics.Meters.of(name),
                call_seconds=call_seconds,
                may_call=self._may_call,
                message=store.message,
                quarantine=quarantine,
            )
            for name, channel in channels.items()
        }

    def wake(self) -> None:
        """Something became due."""
        self._lanes.wake()

    def look_for_stops(self) -> None:
        """Somebody pressed stop."""
        self._stops.wake()

    async def __aenter__(self) -> Self:
        await self._lanes.__aenter__()
        await self._stops.__aenter__()
        await self._marks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Graceful: nothing more is claimed or begun, calls under way end and are recorded."""
        self._stopping = True
        await self._lanes.__aexit__(kind, error, trace)
        pumps = [pump.task for pump in self._pumps.values()]
        if pumps:
            _, late = await asyncio.wait(pumps, timeout=self._call_seconds + 2)
            for pump in late:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
        await self._stops.__aexit__(kind, error, trace)
        await self._marks.__aexit__(kind, error, trace)

    # -- lanes -----------------------------------------------------------------------------------

    async def _start_pumps(self) -> None:
        await self._give_back_what_was_lost()
        busy = await self._store.busy_lanes()
        self._urgent = {}
        for key in busy:
            self._urgent[key.channel] = min(key.priority, self._urgent.get(key.channel, key.priority))
        for key, due in busy.items():
            if due and key.channel in self._channels:
                self._start_pump(key)

    def _start_pump(self, key: LaneKey) -> None:
        pump = self._pumps.get(key)
        if pump is not None:
            pump.nudge()
        elif self.may_claim(key) and key.priority <= self._urgent[key.channel]:
            self._pumps[key] = _Pump(self, key, self._channels[key.channel])

    async def _give_back_what_was_lost(self) -> None:
        """Without a pump nothing of a lane is in hand here: whatever our session holds of it nobody would ever call."""
        for lane, failed_at in list(self._unsure.items()):
            if lane in self._pumps or not self._session.alive or self._epoch.replaced:
                continue
            asked_at = time.monotonic()
            await self._store.give_back(lane, self._session.number)
            if asked_at - failed_at >= _CLAIM_SECONDS:
                del self._unsure[lane]

    def may_claim(self, lane: LaneKey) -> bool:
        return self._may_work(lane) and self._providers.admits(lane)

    def _may_work(self, lane: LaneKey) -> bool:
        alive = self._session.alive and not self._epoch.replaced
        return not self._stopping and alive and not self._pauses.hold(lane)

    async def claim(self, lane: LaneKey, most: int) -> list[Claimed]:
        """Some batches of a lane, one of them where its provider is sick."""
        probe = self._providers.probes(lane)
        most = 1 if probe else min(most, _CLAIMED_AT_ONCE)
        try:
            claimed = await self._store.claim(lane, self._session.number, most)
        except BaseException:
            self._unsure[lane] = time.monotonic()
            raise
        for batch in claimed:
            batch.probe = probe
        return claimed

    async def carry(self, batch: Claimed) -> None:
        """Carry one batch through, known by its name to the stop watch meanwhile."""
        name = batch.dispatch, batch.number
        self._in_hand[name] = batch
        self._deadlines[name] = time.monotonic() + (batch.valid_until - batch.claimed_at).total_seconds()
        try:
            self._note_first_send(batch.dispatch)
            means = self._means[batch.lane.channel]
            attempt = OneCall if means.channel.call_size > 1 else RunOfCalls
            await attempt(batch, means).run()
        finally:
            del self._in_hand[name], self._deadlines[name]

    def forget(self, lane: LaneKey, *, useful: bool) -> None:
        """A pump has ended. One that found nothing to claim is started again by the poll only, not at once."""
        del self._pumps[lane]
        if useful:
            self.wake()
            self._lane_through()

    # -- permission ------------------------------------------------------------------------------

    def _may_call(self, batch: Claimed) -> bool:
        """Asked immediately before every call."""
        return (
            self._may_work(batch.lane)
            and batch.session == self._session.number
            and time.monotonic() - self._looked_at < _STOPS_KNOWN_SECONDS
            and not (self._stopped and (batch.dispatch, batch.lane.channel) in self._stopped)
            and time.monotonic() < self._deadlines[batch.dispatch, batch.number]
            and self._urgent.get(batch.lane.channel, batch.lane.priority) >= batch.lane.priority
        )

    async def _look_for_stops(self) -> None:
        """Known within one poll, and at once when the bell rings; never later than two seconds."""
        asked_at = time.monotonic()
        in_hand = {(batch.dispatch, batch.lane.channel) for batch in self._in_hand.values()}
        self._stopped = await self._store.stopped(in_hand) if in_hand else set()
        self._looked_at = asked_at

    # -- first sends -----------------------------------------------------------------------------

    def _note_first_send(self, dispatch: str) -> None:
        if dispatch not in self._first_sends:
            self._first_sends.add(dispatch)
            self._to_mark.append(dispatch)
            self._marks.wake()

    async def _mark_first_sends(self) -> None:
        """Beside the sending: the planner, which goes on writing, holds the dispatch's row most of the time."""
        while self._to_mark:
            await self._store.first_send(self._to_mark[0])
            del self._to_mark[0]


def width(channel: Channel, lane: str) -> int:
    """How many batches of a lane are in hand at once.

    Where a batch is one call: one for each connection, and as many being claimed, begun or recorded
    meanwhile as the limit takes in AHEAD_SECONDS, so that a slow commit costs no slot.
    """
    if channel.call_size == 1:
        return 1
    rules = channel.lane(lane)
    if not channel.repeatable:
        return rules.at_once
    rate = min((limit.rate for limit in rules.limits), default=0.0)
    return rules.at_once + min(rules.at_once, ceil(rate * AHEAD_SECONDS))


class _Pump:
    """Keeps one lane's batches moving, as many at once as its rules allow."""

    def __init__(self, sender: Sender, lane: LaneKey, channel: Channel) -> None:
        self._sender = sender
        self._lane = lane
        self._width = width(channel, lane.lane)
        self._more = asyncio.Event()
        self._useful = False
        self.task = asyncio.create_task(self._run(), name=f"pump {lane}")

    def nudge(self) -> None:
        self._more.set()

    async def _run(self) -> None:
        running: set[asyncio.Task[None]] = set()
        try:
            while await self._fill(running) or running:
                await self._wait(running)
        except DATABASE_TROUBLE as trouble:
            log.warning("pump_interrupted", lane=str(self._lane), error=type(trouble).__name__)
        except Exception:
            metrics.AGENT_ERRORS.labels("pump").inc()
            log.exception("pump_failed", lane=str(self._lane))
        except asyncio.CancelledError:
            for attempt in running:
                attempt.cancel()
            raise
        finally:
            await asyncio.gather(*running, return_exceptions=True)
            self._sender.forget(self._lane, useful=self._useful)

    async def _fill(self, running: set[asyncio.Task[None]]) -> bool:
        """Claim until the lane is full or nothing is due; True if anything was claimed."""
        claimed = False
        self._more.clear()
        while (room := self._room(running)) and self._sender.may_claim(self._lane):
            batches = await self._sender.claim(self._lane, room)
            if not batches:
                break
            running |= {asyncio.create_task(self._sender.carry(batch)) for batch in batches}
            claimed = self._useful = True
        return claimed

    def _room(self, running: set[asyncio.Task[None]]) -> int:
        """How many batches to claim; none until a claim is worth its round trip."""
        room = self._width - len(running)
        return room if room >= min(self._width, _CLAIMED_AT_ONCE) else 0

    async def _wait(self, running: set[asyncio.Task[None]]) -> None:
        """Until a batch is through or, where there is room for others, something new is due in the lane."""
        if self._room(running):
            await self._wait_for_more(running)
        else:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for attempt in [attempt for attempt in running if attempt.done()]:
            running.discard(attempt)
            attempt.result()

    async def _wait_for_more(self, running: set[asyncio.Task[None]]) -> None:
        more = asyncio.create_task(self._more.wait())
        try:
            await asyncio.wait({*running, more}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            more.cancel()
