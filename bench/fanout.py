"""Fan-out: from approval to every outcome durable, against COPY of the same people as one row each.

The whole way: match, plan, persist, claim, decrypt, limit, build the request's bytes, send, record.
LINE goes over real HTTP to a bare server in another process; with `--mix` every request is built to its
last byte and swallowed inside the process (`bench.null_wire`), whose work for it counts too.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from asyncpg import Pool
from pydantic import BaseModel

from bench.asking import Answers, asked_for_health
from bench.book import Book
from bench.checking import durable, once_each
from bench.floor import copy_rows, wal
from bench.mate import mates, swallowed
from bench.null_wire import null_wire
from bench.people import Numbers, Size, recipients
from bench.probing import Probe
from bench.remote import provider
from bench.reporting import middle, not_counted, progress, significant
from bench.town import Town, empty, open_town, order
from bench.working import Sent, at_work, line, send

MOST_SUBSCRIBERS = 2_000_000


@dataclass(frozen=True, slots=True)
class Way:
    """How many workers share the work, and where one's profile goes."""

    workers: int = 1
    profile: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One pair of runs: the engine's, and the floor's."""

    sent: Sent
    copy_seconds: float
    copy_wal: float
    wal: float
    probe: Probe
    health: Answers
    wrong: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--subscribers", type=int, help="default: twice the recipients, up to 2,000,000")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2, help="processes that send; one a core is best")
    parser.add_argument("--profile", help="write cProfile's statistics of the last run's engine to this file")
    parser.add_argument(
        "--mix", action="store_true", help="70 %% LINE, 15 %% SMS, 15 %% email, with nothing behind them"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    people = arguments.recipients
    subscribers = arguments.subscribers or max(people, min(2 * people, MOST_SUBSCRIBERS))
    size = Size(subscribers, people, subscribers, mix=arguments.mix)
    way = Way(arguments.workers, arguments.profile)
    rounds = [asyncio.run(measure(size, number, way)) for number in range(1, arguments.runs + 1)]
    return _result(size, way, rounds)


async def measure(size: Size, number: int, way: Way) -> Round:
    """The floor once, then the engine once, and whether what it did is right."""
    wanted = await asyncio.to_thread(recipients, size)
    async with open_town(size) as town:
        async with town.pool() as pool:
            copy_seconds, copy_wal = await copy_rows(pool, wanted)
            await pool.execute("drop table floor")
        await empty(town.dsn)
        sent, probe, health, written, taken = await _sent(town, way)
        wrong = await asyncio.to_thread(once_each, taken, wanted)
        wrong += await durable(town, [sent.dispatch], len(wanted))
    found = Round(sent, copy_seconds, copy_wal, written / len(wanted), probe, health, wrong)
    progress(f"run {number}: {len(wanted) / sent.seconds:,.0f}/s; COPY {len(wanted) / copy_seconds:,.0f}/s")
    return found


async def _sent(town: Town, way: Way) -> tuple[Sent, Probe, Answers, int, Numbers]:
    async with town.pool() as pool:
        if town.size.mix:
            return await _swallowed(town, pool, way)
        async with provider() as remote, mates(town, way.workers - 1, remote):
            timed = await _timed(town, pool, {"line": line(remote)}, way.profile)
            return *timed, await remote.taken()


async def _swallowed(town: Town, pool: Pool, way: Way) -> tuple[Sent, Probe, Answers, int, Numbers]:
    book = Book()
    with null_wire(book):
        async with mates(town, way.workers - 1, None) as others:
            timed = await _timed(town, pool, swallowed(), way.profile)
            taken = [book.taken(silent=False), *[await other() for other in others]]
    return *timed, np.concatenate(taken)


_UP_SECONDS = 5
"""A town's workers have been up for long; for an order approved earlier they first look at everybody in its area."""


async def _timed(
    town: Town, pool: Pool, channels: Mapping[str, BaseModel], profile: str | None
) -> tuple[Sent, Probe, Answers, int]:
    async with at_work(town, pool, channels):
        await asyncio.sleep(_UP_SECONDS)
        before = await wal(pool)
        async with asked_for_health() as health, Probe() as probe:
            with _profiled(profile):
                sent = await send(pool, order(channels=tuple(channels)))
        return sent, probe, health, await wal(pool) - before


@contextmanager
def _profiled(path: str | None) -> Iterator[None]:
    """cProfile over what runs in this thread, where a file is named for it; it slows everything down."""
    if path is None:
        yield
        return
    with cProfile.Profile() as profile:
        yield
    profile.dump_stats(path)


def _result(size: Size, way: Way, rounds: list[Round]) -> dict[str, Any]:
    people = size.recipients
    rate = people / middle([each.sent.seconds for each in rounds])
    copy = people / middle([each.copy_seconds for each in rounds])
    ratio = middle([each.copy_seconds / each.sent.seconds for each in rounds])
    phases = {name: significant(middle([each.sent.phases.get(name, 0) for each in rounds]))
              for name in ("match", "first_send", "planned", "drained")}  # fmt: skip
    result = {
        "ratio": significant(ratio),
        "recipients": people,
        "subscribers": size.subscribers,
        "mix": size.mix,
        "workers": way.workers,
        "runs": len(rounds),
        "rate": round(rate),
        "copy_rate": round(copy),
        "seconds": significant(people / rate),
        "phases": phases,
        "memory_mb": middle([each.probe.above_idle_mb for each in rounds]),
        "wal_bytes": round(middle([each.wal for each in rounds])),
        "copy_wal_bytes": round(middle([each.copy_wal for each in rounds])),
        "loop_lag_p99_ms": middle([each.probe.lag_ms for each in rounds]),
        "loop_lag_longest_ms": max(each.probe.longest_ms for each in rounds),
        "health_p99_ms": middle([each.health.p99_ms for each in rounds]),
        "health_longest_ms": max(each.health.longest_ms for each in rounds),
    }
    checked = not_counted(result, [reason for each in rounds for reason in each.wrong])
    return checked | {"lines": _lines(checked)}


def _lines(result: dict[str, Any]) -> list[str]:
    what = "70 % LINE, 15 % SMS, 15 % email, nothing behind them" if result["mix"] else "LINE over HTTP"
    phases = ", ".join(f"{name} {seconds} s" for name, seconds in result["phases"].items())
    return [
        (
            f"fanout, {what}: {result['recipients']:,} of {result['subscribers']:,}, {result['workers']} workers, "
            f"median of {result['runs']}"
        ),
        f"  {result['rate']:,}/s; COPY of one row each {result['copy_rate']:,}/s; ratio {result['ratio']}",
        f"  {phases} (since approval)",
        (
            f"  {result['memory_mb']} MB above idle; {result['wal_bytes']} bytes of WAL a recipient "
            f"(COPY {result['copy_wal_bytes']}); event loop late by {result['loop_lag_p99_ms']} ms at p99, "
            f"{result['loop_lag_longest_ms']} ms at most"
        ),
        (
            f"  /healthz answered a process of its own within {result['health_p99_ms']} ms at p99, "
            f"{result['health_longest_ms']} ms at most"
        ),
    ]
