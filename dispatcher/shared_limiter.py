"""Limits shared by several processes over Redis or Valkey: one script reserves the next slot of every key.

Nobody trusts it blindly. A call that fails or takes more than CALL_SECONDS sends this process back
to its own share, at once; only HEALTHY_SECONDS of answered pings bring it back. The sum stays
within the limit because the shares never overlap: whoever asks is *present* for LEASE_SECONDS, the
script gives out the shares of those present only, and a process begins to use its own share when
its lease, and every slot another could have been given on it, is over.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from importlib import resources
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from channels.contract import Limit
from dispatcher import metrics
from dispatcher.background import Agent
from dispatcher.limiter import HEADROOM, HORIZON_SECONDS, LATENESS_SECONDS, LEEWAY_SECONDS, MemoryLimiter
from dispatcher.server_clock import ServerClock
from dispatcher.waiting_line import Granted, WaitingLine, Window

CALL_SECONDS = 0.1
HEALTHY_SECONDS = 5.0
LEASE_SECONDS = 0.07
GUARD_SECONDS = 0.02
"""A question older than this is refused by the script: nobody is present who may have given up meanwhile."""

_BEAT_SECONDS = 0.02
_PROBE_SECONDS = 0.25
_LONGEST_WAIT = 0.1
"""Before asking again, however far the next slot: the way to take them may change."""
_OPEN_SECONDS = 1.0
_MOST_STALE = 10

_RESERVE = resources.files("dispatcher").joinpath("lua", "reserve.lua").read_text(encoding="utf-8")
_PREFIX = "{todoke}:"
"""Braces: on a cluster the keys of one call live on one node."""

log = structlog.get_logger(__name__)


class SharedLimiter:
    """Open it as a context. `url` is Redis' or Valkey's, less than GUARD_SECONDS away.

    Gives nothing before `shared_among` has said how many there are: the others may be on shares of their own.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._process = uuid4().hex
        self._processes = 0
        self._redis = self._client()
        self._sha = ""
        self._turn = asyncio.Lock()
        self._clock = ServerClock()
        self._known: dict[str, str] = {}
        self._asked_at = 0.0
        self._stale = 0
        self._alone: MemoryLimiter | None = None
        self._closed_until = 0.0
        self._healthy_since: float | None = None
        self._lines: dict[tuple[Limit, ...], WaitingLine] = {}
        self._paces: dict[str, float] = {}
        self._agent = Agent("shared limits", self._tick, every=_BEAT_SECONDS)

    @property
    def shared(self) -> bool:
        """Whether slots come from Redis now, not from our own share."""
        return self._alone is None

    def shared_among(self, processes: int) -> None:
        self._processes = max(1, processes)
        if self._alone is not None:
            self._alone.shared_among(self._processes)

    def slow(self, key: str, share: float) -> None:
        self._paces[key] = share
        if self._alone is not None:
            self._alone.slow(key, share)

    def line(self, limits: Sequence[Limit]) -> WaitingLine:
        line = self._lines.get(key := tuple(limits))
        if line is None:
            line = self._lines[key] = WaitingLine(
                lambda costs: self.grant(key, costs), time.monotonic, lambda _slot: None
            )
        return line

    async def grant(self, limits: Sequence[Limit], costs: Sequence[int]) -> Granted:
        """Windows for as many of `costs` as begin within the horizon; answers within CALL_SECONDS."""
        closed = self._closed_until - time.monotonic() if self._processes else HORIZON_SECONDS
        if closed > 0:
            return Granted([], min(closed, _LONGEST_WAIT))
        granted = self._alone.grant(limits, costs) if self._alone is not None else await self._reserve(limits, costs)
        return Granted(granted.windows, min(granted.again_in, _LONGEST_WAIT))

    # -- open, close, and the pulse ----------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Join the others, or begin alone when Redis does not answer: never raises for that."""
        if (trouble := await self._ping(_OPEN_SECONDS)) is not None:
            self._fall_back(trouble)
        await self._agent.__aenter__()

    async def close(self) -> None:
        """Leave, so that the others need not keep our share for us."""
        await self._agent.__aexit__(None, None, None)
        if self.shared:
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    await self._redis.zrem(_PREFIX + "present", self._process)
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("limits_not_left", error=type(error).__name__)
        await self._redis.aclose()

    async def _tick(self) -> None:
        if self._alone is not None:
            if self._healthy_since is None:
                await self._reconnect()
            await self._probe()
            await asyncio.sleep(_PROBE_SECONDS)
        elif self._processes and time.monotonic() >= max(self._asked_at + _BEAT_SECONDS, self._closed_until):
            await self._reserve((), ())

    # -- together ----------------------------------------------------------------------------------

    async def _reserve(self, limits: Sequence[Limit], costs: Sequence[int]) -> Granted:
        """One question at a time, so that after a failure no other of ours can still be on its way."""
        async with self._turn:
            if self._alone is not None:
                return Granted([], 0.0)
            self._asked_at = asked_at = time.monotonic()
            try:
                async with asyncio.timeout(CALL_SECONDS):
                    reply = await self._evaluate(limits, costs, asked_at)
            except (RedisError, OSError, TimeoutError) as error:
                self._fall_back(type(error).__name__)
                return Granted([], 0.0)
        return self._read(limits, reply, asked_at)

    async def _evaluate(self, limits: Sequence[Limit], costs: Sequence[int], asked_at: float) -> Any:
        keys = [_PREFIX + "present", *(f"{_PREFIX}limit:{limit.key}" for limit in limits)]
        words = [*self._circumstances(asked_at)]
        for limit in limits:
            rate = limit.rate * self._paces.get(limit.key, 1.0)
            words += [repr(float(rate)), str(limit.burst), self._known.get(limit.key, "")]
        words += map(str, costs)
        try:
            return await self._redis.evalsha(self._sha, len(keys), *keys, *words)
        except NoScriptError:
            self._sha = await self._redis.script_load(_RESERVE)
            return await self._redis.evalsha(self._sha, len(keys), *keys, *words)

    def _circumstances(self, asked_at: float) -> tuple[str, ...]:
        asked = _micros(self._clock.there(asked_at)) if self._clock.known else 0
        times = (LEEWAY_SECONDS, HORIZON_SECONDS, LEASE_SECONDS, GUARD_SECONDS)
        return str(asked), self._process, str(self._processes), *(str(_micros(each)) for each in times), str(HEADROOM)

    def _read(self, limits: Sequence[Limit], reply: Any, asked_at: float) -> Granted:
        now, again_in, slots, nexts = reply
        self._clock.heard(asked_at=asked_at, server=now / 1e6, answered_at=time.monotonic())
        if again_in < 0:
            self._too_late()
            return Granted([], 0.0)
        self._stale = 0
        self._known.update((limit.key, known.decode()) for limit, known in zip(limits, nexts, strict=True))
        return Granted([self._window(slot / 1e6) for slot in slots], again_in / 1e6)

    def _window(self, slot: float) -> Window:
        """Never before the slot, never later than LATENESS_SECONDS after it, wherever exactly the server's clock is."""
        return Window(self._clock.latest(slot), self._clock.earliest(slot) + LATENESS_SECONDS)

    def _too_late(self) -> None:
        self._stale += 1
        if self._stale >= _MOST_STALE:
            self._fall_back("every question takes too long on its way")

    # -- alone -------------------------------------------------------------------------------------

    def _fall_back(self, reason: str) -> None:
        """Use our own share when nobody can be given it any more; its buckets are empty now, and fill until then."""
        self._alone = MemoryLimiter()
        self._alone.shared_among(max(1, self._processes))
        for key, share in self._paces.items():
            self._alone.slow(key, share)
        for limits in self._lines:
            self._alone.grant(limits, [])
        self._closed_until = self._asked_at + GUARD_SECONDS + LEASE_SECONDS + HORIZON_SECONDS
        self._healthy_since = None
        self._stale = 0
        metrics.LIMITER_FALLBACKS.inc()
        log.warning("limits_not_shared", reason=reason, processes=self._processes)

    async def _probe(self) -> None:
        trouble = await self._ping(CALL_SECONDS)
        now = time.monotonic()
        if trouble is not None:
            self._healthy_since = None
        elif self._healthy_since is None:
            self._healthy_since = now
        elif now - self._healthy_since >= HEALTHY_SECONDS:
            self._come_back(now)

    def _come_back(self, now: float) -> None:
        """Ask Redis again when the last slot of our own is over; every key as one never seen."""
        self._alone = None
        self._known.clear()
        self._closed_until = now + HORIZON_SECONDS
        log.info("limits_shared_again", processes=self._processes)

    async def _ping(self, seconds: float) -> str | None:
        """What is wrong, or None; a healthy answer tells the server's time."""
        asked_at = time.monotonic()
        try:
            async with asyncio.timeout(seconds):
                whole, micros = await self._redis.time()
        except (RedisError, OSError, TimeoutError) as error:
            return type(error).__name__
        self._clock.heard(asked_at=asked_at, server=whole + micros / 1e6, answered_at=time.monotonic())
        return None

    async def _reconnect(self) -> None:
        """A connection with an answer outstanding is worth nothing."""
        old, self._redis = self._redis, self._client()
        await old.aclose()

    def _client(self) -> Redis:
        return Redis.from_url(self._url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=_OPEN_SECONDS)


def _micros(seconds: float) -> int:
    return round(seconds * 1e6)
