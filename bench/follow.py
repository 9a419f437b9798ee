"""Follow: two processes keep in step with people who move, while their matches are compared with SQL."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from asyncpg import Pool

from bench.follower import digest
from bench.people import CENTRE, FAR, Size
from bench.reporting import not_counted, percentile, progress, significant
from bench.town import Town, open_town
from words.sql import sql

FOLLOWERS = 2
CHECK_EVERY = 4.0
MB = 1e6

_HOLD_STILL = sql("bench", "hold_still")
_WHO = sql("bench", "who_is_in_box")
_COME_BACK = sql("bench", "come_back")
_PUT_POSITIONS = sql("bench", "put_positions")
_STATE = sql("bench", "position_state")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--places", type=int, default=1_000_000, help="of as many subscribers, who all move")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--rate", type=int, default=10_000, help="positions a second")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    return asyncio.run(_measure(arguments))


async def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    size = Size(arguments.places, max(arguments.places // 10, 1), arguments.places, mix=True)
    async with open_town(size) as town, town.pool(3) as pool:
        progress("everybody is somewhere")
        await spread_out(pool)
        async with AsyncExitStack() as stack:
            programs = ["idle", *[town.dsn] * FOLLOWERS]
            idle, *followers = [await stack.enter_async_context(_child("bench.follower", word)) for word in programs]
            for child in (idle, *followers):
                await _line(child)
            progress(f"{arguments.rate:,} positions a second for {arguments.seconds:g} s")
            found = await _watched(town, pool, followers, idle, arguments)
    checked = not_counted(found, found.pop("wrong"))
    return checked | {"lines": _lines(checked)}


async def spread_out(pool: Pool) -> None:
    """Everybody is back, and has said where they are."""
    await pool.execute(_COME_BACK)
    await pool.execute(_PUT_POSITIONS)
    await pool.execute("vacuum analyze position")
    await pool.execute("vacuum analyze subscriber")
    await pool.execute("checkpoint")


async def _watched(
    town: Town, pool: Pool, followers: Sequence[Process], idle: Process, arguments: argparse.Namespace
) -> dict[str, Any]:
    for child in (idle, *followers):
        await _ask(child, "begin")
    before, server = await _state(pool), _server_seconds(town)
    words = (town.dsn, str(arguments.places), str(arguments.rate), str(arguments.seconds))
    async with _child("bench.mover", *words) as mover:
        moving = asyncio.create_task(_line(mover))
        wrong, checks, people = await _checked_while(moving, pool, followers)
        moved = await moving
    server = _server_seconds(town) - server
    ends = [await _ask(child, "end") for child in followers]
    quiet = await _ask(idle, "end")
    after = await _state(pool)
    lags = [lag for each in ends for lag in each["lags"]]
    caught_up = [seconds for each in ends for seconds in each["catching_up"]]
    return {
        "ratio": significant(moved["moved"] / moved["seconds"] / arguments.rate),
        "places": arguments.places,
        "seconds": round(moved["seconds"], 1),
        "rate": round(moved["moved"] / moved["seconds"]),
        "checks": checks,
        "people_compared": people,
        "wrong": wrong,
        "lag_p50_ms": round(percentile(lags, 50) * 1e3),
        "lag_p99_ms": round(percentile(lags, 99) * 1e3),
        "catch_up_p99_ms": round(percentile(caught_up, 99) * 1e3),
        "longest_block_ms": max(each["longest_ms"] for each in ends),
        "longest_own_block_ms": max(each["longest_own_ms"] for each in ends),
        "idle_longest_block_ms": quiet["longest_ms"],
        "memory_mb": [_by_thirds(each["memory"]) for each in ends],
        "rows": ends[0]["rows"],
        "table": {key: [before[key], after[key]] for key in before},
        "cpu_follower": [round(each["cpu"], 1) for each in ends],
        "cpu_mover": round(moved["cpu"], 1),
        "cpu_server": round(server, 1),
    }


async def _checked_while(
    moving: asyncio.Task[dict[str, Any]], pool: Pool, followers: Sequence[Process]
) -> tuple[list[str], int, int]:
    """What was wrong, how often was compared, and how many people in all."""
    dice, wrong, checks, people = random.Random(5), list[str](), 0, 0  # noqa: S311
    while not moving.done() or not checks:
        found, wanted = await _compared(pool, followers, _box(dice))
        checks, people = checks + len(found), people + wanted["people"]
        wrong += differing(found, wanted)
        await asyncio.wait([moving], timeout=CHECK_EVERY * dice.random())
    return wrong, checks, people


def differing(found: Sequence[dict[str, Any]], wanted: dict[str, Any]) -> list[str]:
    """What is wrong with the answers of several processes."""
    return [f"a match found {each}, SQL {wanted}" for each in found if each != wanted]


def _box(dice: random.Random) -> list[float]:
    wide, west, south = dice.uniform(0.02, 0.2), dice.uniform(-FAR, FAR), dice.uniform(-FAR, FAR)
    return [CENTRE[0] + west, CENTRE[1] + south, CENTRE[0] + west + wide, CENTRE[1] + south + wide]


async def _compared(
    pool: Pool, followers: Sequence[Process], box: list[float]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """What each process finds, and what SQL does, while nobody writes: who was about to waits until all have answered."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_HOLD_STILL)
        found = await asyncio.gather(*(_ask(child, "match", *box) for child in followers))
        rows = await connection.fetch(_WHO, *box)
    numbers = np.array([row["subscriber"] for row in rows], np.int64)
    places = np.array([row["place"] for row in rows], np.int64)
    return list(found), {"people": len(rows), "digest": digest(numbers, places)}


def _by_thirds(memory: Sequence[int]) -> list[int]:
    """The most megabytes in each third of the time: what grows is more in the last."""
    return [round(max(part, default=0) / MB) for part in np.array_split(np.array(memory), 3)]


@asynccontextmanager
async def _child(module: str, *words: str) -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, *words, stdin=PIPE, stdout=PIPE, limit=1 << 24
    )
    try:
        yield process
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _ask(process: Process, *question: str | float) -> dict[str, Any]:
    if process.stdin is None:
        raise RuntimeError("a process of the benchmark has no pipe")
    process.stdin.write(json.dumps(question).encode() + b"\n")
    return await _line(process)


async def _line(process: Process) -> dict[str, Any]:
    if process.stdout is None:
        raise RuntimeError("a process of the benchmark has no pipe")
    answer: dict[str, Any] = json.loads(await process.stdout.readline())
    return answer


async def _state(pool: Pool) -> dict[str, int]:
    return dict(await pool.fetchrow(_STATE) or {})


def _server_seconds(town: Town) -> float:
    """Seconds of processor that the database took so far: its processes, and those that have ended."""
    postmaster = (town.directory / "postgres" / "cluster" / "postmaster.pid").read_text().split("\n", 1)[0]
    tick, total = os.sysconf("SC_CLK_TCK"), 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except OSError:
            continue  # it has just ended
        own = path.parent.name == postmaster
        if own or fields[1] == postmaster:
            total += sum(map(int, fields[11 : 15 if own else 13]))
    return total / tick


def _lines(result: dict[str, Any]) -> list[str]:
    table, rows = result["table"], result["rows"]
    seconds = result["seconds"]
    return [
        (
            f"follow, {result['places']:,} people, {result['rate']:,} moves a second for {seconds:g} s; "
            f"ratio to what was asked {result['ratio']}"
        ),
        f"  {result['checks']} matches right after catching up, {result['people_compared']:,} people compared with SQL",
        (
            f"  behind by p50 {result['lag_p50_ms']} ms, p99 {result['lag_p99_ms']} ms; "
            f"a plan's own catch-up p99 {result['catch_up_p99_ms']} ms"
        ),
        (
            f"  the event loop stood still for {result['longest_own_block_ms']} ms at most, not counting waits for a processor "
            f"(with them {result['longest_block_ms']} ms; that of a process that does nothing, {result['idle_longest_block_ms']} ms)"
        ),
        (
            f"  memory of the followers at most, in each third of the time: {result['memory_mb']} MB; "
            f"rows held {rows['spots']:,} positions, {rows['homes']:,} people"
        ),
        (
            f"  the table of positions: {table['heap'][0] / MB:.0f} MB before, {table['heap'][1] / MB:.0f} MB after; its indexes "
            f"{table['indexes'][0] / MB:.0f} and {table['indexes'][1] / MB:.0f} MB; {table['dead'][1]:,} dead rows, "
            f"vacuumed {table['vacuums'][1] - table['vacuums'][0]} times"
        ),
        (
            f"  seconds of processor: followers {result['cpu_follower']}, the database {result['cpu_server']}, "
            f"whoever moves {result['cpu_mover']}"
        ),
    ]
