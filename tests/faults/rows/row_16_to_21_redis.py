"""Rows 16 to 19 and 21: Redis is flushed, gone, frozen, replaced by an older state, or out of one worker's reach."""

from __future__ import annotations

import asyncio

from redis.asyncio import Redis

from tests.faults.redis_trouble import WORKERS, sent_meanwhile
from tests.faults.row import Figure, row
from tests.faults.stage import Stage

NOBODY = "redis://127.0.0.1:1"
"""Port 1 is reserved (tcpmux), and nobody listens there."""


@row(16, "Redis is flushed every two seconds")
async def redis_flushed(stage: Stage) -> list[Figure]:
    valkey = await stage.valkey()

    async def flush() -> None:
        while True:
            await asyncio.sleep(2)
            await valkey.flush()

    return await sent_meanwhile(stage, [valkey.url] * WORKERS, flush, least_share=0.8)


@row(17, "Redis is away for the whole run")
async def redis_away(stage: Stage) -> list[Figure]:
    """Each worker keeps to its even share of the limit × 0.85, rounded down to whole calls: 11 of 13⅓ here."""

    async def nothing() -> None:
        return

    return await sent_meanwhile(stage, [NOBODY] * WORKERS, nothing, least_share=0.75)


@row(18, "Redis stands still: frozen, and by CLIENT PAUSE")
async def redis_stands_still(stage: Stage) -> list[Figure]:
    """Frozen by SIGSTOP it is as still as under DEBUG SLEEP, which servers refuse unless they are set up for it."""
    valkey = await stage.valkey()

    async def stand_still() -> None:
        await asyncio.sleep(2)
        await valkey.pause(2)
        await asyncio.sleep(6)
        async with Redis.from_url(valkey.url) as redis:
            await redis.client_pause(1500)

    return await sent_meanwhile(stage, [valkey.url] * WORKERS, stand_still, least_share=0.7, stalls=True)


@row(19, "Redis fails over to a primary that is older, and to one that is empty")
async def redis_fails_over(stage: Stage) -> list[Figure]:
    valkey = await stage.valkey()

    async def fail_over() -> None:
        while True:
            await _turn_back(valkey.url, seconds=0.5)
            await asyncio.sleep(2)
            await valkey.kill()
            await valkey.start()
            await asyncio.sleep(7)

    return await sent_meanwhile(stage, [valkey.url] * WORKERS, fail_over, least_share=0.7)


@row(21, "one worker cannot reach Redis")
async def redis_out_of_reach(stage: Stage) -> list[Figure]:
    valkey = await stage.valkey()
    proxy = await stage.proxy(valkey.host, valkey.port)
    through = f"redis://{proxy.host}:{proxy.port}"

    async def cut_off() -> None:
        await asyncio.sleep(2)
        proxy.drop()
        await asyncio.sleep(3)
        proxy.heal()
        await asyncio.sleep(6)
        proxy.reset()
        await asyncio.sleep(2)
        proxy.heal()

    urls = [through] + [valkey.url] * (WORKERS - 1)
    return await sent_meanwhile(stage, urls, cut_off, least_share=0.8)


async def _turn_back(url: str, *, seconds: float) -> None:
    """Redis then holds what it held so long ago, as a replica that had fallen behind."""
    async with Redis.from_url(url) as redis:
        before = {key: await redis.dump(key) for key in await redis.keys("*")}
        await asyncio.sleep(seconds)
        async with redis.pipeline(transaction=True) as pipe:
            pipe.flushall()
            for key, value in before.items():
                if value is not None:
                    pipe.restore(key, 0, value)
            await pipe.execute()
