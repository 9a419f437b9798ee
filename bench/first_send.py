"""First send: from the committed approval to the first request that the provider sees."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from asyncpg import Pool

from bench.checking import durable, once_each, twice
from bench.people import Numbers, Size, recipients
from bench.remote import Remote, provider
from bench.reporting import middle, not_counted, percentile, progress, significant
from bench.town import Town, open_town, order
from bench.working import approve, at_work, line, over
from dispatcher.dispatches import stop
from words.sql import sql

FLOOR = 0.1
"""Seconds at the median that the engine has to stay below: the ratio is this over what was measured."""
_QUEUED = sql("bench", "count_queued")


@dataclass(slots=True)
class Found:
    """What the dispatches took, in seconds, and what was wrong."""

    seconds: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--audience", "--recipients", dest="audience", type=int, default=1_000_000)
    parser.add_argument("--places", type=int, default=10_000_000)
    parser.add_argument("--dispatches", type=int, default=50)
    parser.add_argument("--rate", type=float, default=200, help="the provider's limit, in requests a second")
    parser.add_argument("--behind-tourism", action="store_true", help="as many tourism messages as people are queued")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    subscribers = max(arguments.audience, arguments.places // 4)
    size = Size(subscribers, arguments.audience, max(subscribers, arguments.places))
    found = asyncio.run(_measure(size, arguments))
    result = {
        "ratio": significant(FLOOR / middle(found.seconds)),
        "audience": size.recipients,
        "places": size.places,
        "dispatches": len(found.seconds),
        "behind_tourism": arguments.behind_tourism,
        "p50_ms": round(percentile(found.seconds, 50) * 1000, 1),
        "p99_ms": round(percentile(found.seconds, 99) * 1000, 1),
        "longest_ms": round(max(found.seconds) * 1000, 1),
    }
    checked = not_counted(result, found.wrong)
    return checked | {"lines": _lines(checked)}


async def _measure(size: Size, arguments: argparse.Namespace) -> Found:
    found = Found()
    wanted = await asyncio.to_thread(recipients, size)
    async with open_town(size) as town:
        async with _everything(town, arguments.rate) as (pool, remote):
            queue = _tourism(pool, remote, size.recipients) if arguments.behind_tourism else remote.forget
            for _ in range(arguments.dispatches - 1):
                await _stopped(pool, remote, queue, found)
            last = await _whole(pool, remote, queue, found, wanted)
        found.wrong += await durable(town, [last], size.recipients)
    return found


@asynccontextmanager
async def _everything(town: Town, rate: float) -> AsyncIterator[tuple[Pool, Remote]]:
    async with town.pool() as pool, provider() as remote:
        progress("reading the subscribers into memory")
        async with at_work(town, pool, {"line": line(remote, rate=rate)}):
            progress("sending")
            yield pool, remote


async def _stopped(pool: Pool, remote: Remote, queue: Callable[[], Awaitable[None]], found: Found) -> None:
    """One dispatch, stopped once its first request was seen, and over before the next."""
    await queue()
    dispatch, began = await approve(pool, order())
    found.seconds.append(await remote.loud() - began)
    await stop(pool, dispatch, by="森")
    await over(pool, dispatch)
    found.wrong += twice(await remote.taken())


async def _whole(
    pool: Pool, remote: Remote, queue: Callable[[], Awaitable[None]], found: Found, wanted: Numbers
) -> str:
    """The last dispatch, to its end: whoever was written to was written to once, and it is on record."""
    await queue()
    dispatch, began = await approve(pool, order())
    found.seconds.append(await remote.loud() - began)
    await over(pool, dispatch)
    found.wrong += once_each(await remote.taken(), wanted)
    return dispatch


def _tourism(pool: Pool, remote: Remote, least: int) -> Callable[[], Awaitable[None]]:
    """What sees to it that at least so many tourism messages are queued, and some of them are on their way now."""

    async def see_to_it() -> None:
        while await pool.fetchval(_QUEUED, "tourism") < least:
            dispatch, _ = await approve(pool, order("tourism"))
            while not await pool.fetchval("select planned_at is not null from dispatch where id = $1", dispatch):
                await asyncio.sleep(0.05)
        await remote.forget()
        while not len(await remote.times()):
            await asyncio.sleep(0.01)

    return see_to_it


def _lines(result: dict[str, Any]) -> list[str]:
    where = f"{result['audience']:,} in the audience, {result['places']:,} places"
    behind = ", behind as many tourism messages" if result["behind_tourism"] else ""
    return [
        f"first send, {where}{behind}: {result['dispatches']} dispatches",
        (
            f"  p50 {result['p50_ms']} ms, p99 {result['p99_ms']} ms, longest {result['longest_ms']} ms; "
            f"ratio {result['ratio']} (of the 100 ms at the median that are allowed)"
        ),
    ]
