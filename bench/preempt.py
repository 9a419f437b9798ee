"""Preemption: tourism is being sent at the provider's limit, and an evacuation order comes.

From the order's first request to its last, its share of the limit is what the provider saw of it; and
tourism has to go on by itself afterwards.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from asyncpg import Pool

from bench.arrivals import Seen
from bench.checking import durable, once_each
from bench.people import Size, recipients
from bench.remote import Remote, provider
from bench.reporting import middle, not_counted, progress, significant
from bench.town import Town, empty, open_town, order
from bench.working import approve, at_work, line, over

HEAD_START = 100
"""Tourism requests that are seen before the order is approved."""


@dataclass(slots=True)
class Found:
    """By run: the share of the limit, tourism requests in between, seconds until tourism went on, and the
    most requests of any second, as the provider came to read them: later than they arrived when it has no core.
    """

    shares: list[float] = field(default_factory=list)
    first_send: list[float] = field(default_factory=list)
    intruders: list[int] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    fullest: list[int] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=500_000)
    parser.add_argument("--rate", type=float, default=200, help="the provider's limit, in requests a second")
    parser.add_argument("--runs", type=int, default=3)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    size = Size(2 * arguments.recipients, arguments.recipients, 2 * arguments.recipients)
    found = asyncio.run(_measure(size, arguments))
    result = {
        "ratio": significant(middle(found.shares)),
        "recipients": size.recipients,
        "rate": arguments.rate,
        "runs": arguments.runs,
        "first_send_ms": round(middle(found.first_send) * 1000, 1),
        "tourism_between": max(found.intruders),
        "worst_second": max(found.fullest),
        "tourism_resumed_seconds": significant(max(found.gaps, default=0.0)),
    }
    checked = not_counted(result, found.wrong)
    return checked | {"lines": _lines(checked)}


async def _measure(size: Size, arguments: argparse.Namespace) -> Found:
    found = Found()
    for number in range(1, arguments.runs + 1):
        async with open_town(size) as town:
            dispatches = await _meet(town, arguments.rate, found)
            found.wrong += await durable(town, dispatches, size.recipients)
        progress(f"run {number}: {found.shares[-1]:.3f} of the limit")
    return found


async def _meet(town: Town, rate: float, found: Found) -> list[str]:
    wanted = await asyncio.to_thread(recipients, town.size)
    await empty(town.dsn)
    async with town.pool() as pool, provider() as remote:
        async with at_work(town, pool, {"line": line(remote, rate=rate)}):
            tourism, _ = await approve(pool, order("tourism"))
            await _head_start(pool, remote, tourism, wanted.size)
            evacuation, began = await approve(pool, order())
            found.first_send.append(await remote.loud() - began)
            await over(pool, evacuation)
            await over(pool, tourism)
        found.wrong += once_each(await remote.taken(), wanted) + once_each(await remote.taken(silent=True), wanted)
        await _read(remote, rate, found)
    return [tourism, evacuation]


async def _head_start(pool: Pool, remote: Remote, tourism: str, people: int) -> None:
    enough = min(HEAD_START, people // 1_000)
    while len(await remote.times()) < enough or not await pool.fetchval(
        "select planned_at is not null from dispatch where id = $1", tourism
    ):
        await asyncio.sleep(0.02)


async def _read(remote: Remote, rate: float, found: Found) -> None:
    times, silent = await remote.times(), await remote.silent()
    loud = times[~silent]
    between = silent & (times > loud[0]) & (times < loud[-1])
    after = times[silent & (times > loud[-1])]
    found.shares.append((len(loud) - 1) / (rate * (loud[-1] - loud[0])))
    found.fullest.append(Seen(times, times[0], times[-1]).worst_second)
    found.intruders.append(int(np.count_nonzero(between)))
    if len(after):
        found.gaps.append(float(after[0] - loud[-1]))
    else:
        found.wrong.append("no tourism was left to go on with: the order came too late")


def _lines(result: dict[str, Any]) -> list[str]:
    return [
        (
            f"preempt: an order to {result['recipients']:,} while as many tourism messages are sent at "
            f"{result['rate']:g} requests a second, median of {result['runs']}"
        ),
        (
            f"  the order gets {result['ratio']} of the limit from its first request to its last; "
            f"first request after {result['first_send_ms']} ms"
        ),
        (
            f"  at most {result['tourism_between']} tourism requests in between; "
            f"tourism goes on by itself after {result['tourism_resumed_seconds']} s at most"
        ),
        f"  the provider reads {result['worst_second']} requests in its fullest second",
    ]
