"""Scale: two `todoke worker` against one where the wire is the bound, claims side by side, and the claim's plan."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import monotonic
from typing import Any

from bench.checking import durable, once_each
from bench.claims import CONNECTIONS, claims_side_by_side, due_batches, old_batches, scans_of_batch
from bench.people import Size, recipients
from bench.remote import Remote, provider
from bench.reporting import middle, not_counted, progress, significant
from bench.town import Town, empty, open_town, order
from bench.working import NO_LIMIT, approve, over


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.05, help="seconds the provider takes for each answer")
    parser.add_argument("--connections", type=int, default=2, help="of each worker to the provider")
    parser.add_argument(
        "--old-batches", type=int, default=10_000_000, help="done batches that the claim has to leave alone"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    size = Size(2 * arguments.recipients, arguments.recipients, 2 * arguments.recipients)
    return asyncio.run(_measure(size, arguments))


async def _measure(size: Size, arguments: argparse.Namespace) -> dict[str, Any]:
    rates: dict[int, list[float]] = {1: [], 2: []}
    wrong: list[str] = []
    for number in range(1, arguments.runs + 1):
        for workers, found in rates.items():
            async with open_town(size) as town:
                seconds, dispatch, reasons = await _sent_by(town, workers, arguments)
                wrong += reasons + await durable(town, [dispatch], size.recipients)
            found.append(size.recipients / seconds)
        progress(f"run {number}: one worker {rates[1][-1]:,.0f}/s, two {rates[2][-1]:,.0f}/s")
    waits, scans = await _claims(size, arguments.old_batches)
    wrong += _wrong_claims(waits, scans)
    result = {
        "ratio": significant(middle([two / one for one, two in zip(rates[1], rates[2], strict=True)])),
        "recipients": size.recipients,
        "runs": arguments.runs,
        "latency_ms": round(arguments.latency * 1000, 1),
        "connections": arguments.connections,
        "one": round(middle(rates[1])),
        "two": round(middle(rates[2])),
        "claims": waits,
        "old_batches": arguments.old_batches,
        "plan": scans,
    }
    checked = not_counted(result, wrong)
    return checked | {"lines": _lines(checked)}


async def _sent_by(town: Town, workers: int, arguments: argparse.Namespace) -> tuple[float, str, list[str]]:
    """Seconds from approval to the last outcome, its dispatch, and what was wrong."""
    await empty(town.dsn)
    wanted = await asyncio.to_thread(recipients, town.size)
    async with town.pool(4) as pool, provider(arguments.latency) as remote, AsyncExitStack() as stack:
        for _ in range(workers):
            await stack.enter_async_context(_worker(town, remote, arguments.connections))
        dispatch, began = await approve(pool, order())
        await over(pool, dispatch)
        seconds = monotonic() - began
        return seconds, dispatch, once_each(await remote.taken(), wanted)


@asynccontextmanager
async def _worker(town: Town, remote: Remote, connections: int) -> AsyncIterator[None]:
    settings = {
        "channels.line.token": "bench", "channels.line.endpoint": remote.url,
        "channels.line.rate": NO_LIMIT, "channels.line.connections": connections, "log.level": "warning",
    }  # fmt: skip
    words = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    command = [sys.executable, "-m", "todoke", "worker", "--json", "--data", str(town.directory), *words]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    if process.stdout is None:
        raise RuntimeError("a worker has no pipe")
    try:
        json.loads(await process.stdout.readline())
        yield
    finally:
        process.terminate()
        await process.wait()


async def _claims(size: Size, old: int) -> tuple[dict[str, Any], list[str]]:
    """Claims side by side, and by which scans they find batches: with statistics of before the old batches and after."""
    progress(f"claims of {CONNECTIONS} connections among {old:,} old batches")
    async with open_town(size) as town:
        async with town.pool() as pool:
            await old_batches(pool, old)
            await due_batches(pool)
            scans = await scans_of_batch(pool)
            await pool.execute("vacuum analyze batch", timeout=3_600)
            scans += await scans_of_batch(pool)
            waits = await claims_side_by_side(pool, town)
        await empty(town.dsn)
    return waits, sorted(set(scans))


def _wrong_claims(waits: dict[str, Any], scans: list[str]) -> Iterator[str]:
    if waits["claimed_twice"]:
        yield f"{waits['claimed_twice']} batches were claimed twice"
    if waits["unclaimed"]:
        yield f"{waits['unclaimed']} due batches were not claimed"
    if waits["blocked"]:
        yield f"{waits['blocked']} claims waited for another's row"
    others = [scan for scan in scans if not scan.startswith("Index Scan")]
    if others:
        yield f"a claim finds batches by {', '.join(others)}"


def _lines(result: dict[str, Any]) -> list[str]:
    waits = result["claims"]
    return [
        (
            f"scale, {result['recipients']:,} recipients, a provider that takes {result['latency_ms']:g} ms, "
            f"{result['connections']} connections a worker, median of {result['runs']}"
        ),
        f"  one worker {result['one']:,}/s, two {result['two']:,}/s; ratio {result['ratio']}",
        (
            f"  {waits['claims']:,} claims over {waits['connections']} connections: {waits['blocked']} waited for another's row; "
            f"p50 {waits['p50_ms']} ms, p99 {waits['p99_ms']} ms"
        ),
        f"  among {result['old_batches']:,} old batches a claim reads by {', '.join(result['plan'])}",
    ]
