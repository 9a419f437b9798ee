"""Live progress: the fan-out at full rate with officers watching it, against the same with nobody, turn about.

The console is served by the process that also sends, as `todoke serve` does; those who watch are a process of their own.
What they cost is the time from the approval to the last outcome, pair by pair in one run.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from asyncpg import Pool

from bench.book import Book
from bench.checking import durable
from bench.mate import mates, swallowed
from bench.null_wire import null_wire
from bench.onlookers import Crowd, Seen, onlookers
from bench.people import Size
from bench.reporting import middle, not_counted, progress, significant
from bench.spent import processor_seconds
from bench.town import NAME, Town, empty, open_town, order
from bench.working import approve, at_work, over
from channels.registry import open_channels
from config import Settings
from console.accounts.sign_in import new_token, token_hash
from console.orders.desk import Desk
from console.web.app import console_app
from console.web.parts import Parts
from dispatcher.drafting import Town as Municipality
from subscribers.columns import open_audience
from todoke.working import town_vault
from words.sql import sql

MOST_COST = 0.05
_SIGN_IN = sql("bench", "sign_in_onlooker")
_UP_SECONDS = 3
_CONSOLE_CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class Run:
    """One fan-out: seconds by the clock, and of processors here and in PostgreSQL."""

    seconds: float
    processor: float
    seen: Seen


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds for the same people, watched and not."""

    alone: Run
    watched: Run

    @property
    def cost(self) -> float:
        return self.watched.seconds / self.alone.seconds - 1

    @property
    def work(self) -> float:
        """The same in processor seconds: with others at work on the machine the steadier of the two."""
        return self.watched.processor / self.alone.processor - 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", type=int, default=1_000_000)
    parser.add_argument("--subscribers", type=int, help="default: as many as recipients")
    parser.add_argument("--watchers", type=int, default=50)
    parser.add_argument("--runs", type=int, default=5, help="pairs; each begins with the other")
    parser.add_argument("--workers", type=int, default=1, help="processes that send; the first serves the console")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    subscribers = arguments.subscribers or arguments.recipients
    size = Size(subscribers, arguments.recipients, subscribers, mix=True)
    return asyncio.run(_measure(size, arguments))


async def _measure(size: Size, arguments: argparse.Namespace) -> dict[str, Any]:
    pairs, wrong = list[Pair](), list[str]()
    async with open_town(size) as town:
        await _once(town, 0, arguments.workers, wrong)
        for number in range(arguments.runs):
            turns = [0, arguments.watchers] if number % 2 == 0 else [arguments.watchers, 0]
            found = {watchers: await _once(town, watchers, arguments.workers, wrong) for watchers in turns}
            pair = Pair(found[0], found[arguments.watchers])
            progress(
                f"pair {number + 1}: {pair.alone.seconds:.2f} s alone, {pair.watched.seconds:.2f} s watched: "
                f"{pair.cost:+.1%}, in processor seconds {pair.work:+.1%}"
            )
            wrong += _unseen(pair.watched.seen, arguments.watchers)
            pairs.append(pair)
    return _result(size, arguments, pairs, wrong)


async def _once(town: Town, watchers: int, workers: int, wrong: list[str]) -> Run:
    await empty(town.dsn)
    async with town.pool() as pool, town.pool(_CONSOLE_CONNECTIONS) as second:
        async with AsyncExitStack() as stack:
            stack.enter_context(null_wire(Book()))
            await stack.enter_async_context(mates(town, workers - 1, None))
            await stack.enter_async_context(at_work(town, pool, swallowed()))
            port = await stack.enter_async_context(_served(town, second))
            crowd = await stack.enter_async_context(onlookers(port, await _sign_in(pool, watchers)))
            await asyncio.sleep(_UP_SECONDS)
            before = processor_seconds(town.postmaster)
            seconds, dispatch = await _timed(pool, crowd, watchers)
            processor = processor_seconds(town.postmaster) - before
        wrong += await durable(town, [dispatch], town.size.recipients)
    return Run(seconds, processor, crowd.seen)


async def _timed(pool: Pool, crowd: Crowd, watchers: int) -> tuple[float, str]:
    loop = asyncio.get_running_loop()
    dispatch, _ = await approve(pool, order(channels=("line", "sms", "email")))
    began = loop.time()
    if watchers:
        await crowd.watch(dispatch)
    await over(pool, dispatch)
    return loop.time() - began, dispatch


@asynccontextmanager
async def _served(town: Town, pool: Pool) -> AsyncIterator[int]:
    vault = await town_vault(Settings(data=town.directory), pool)
    async with open_channels(swallowed()) as channels:
        municipality = Municipality(NAME, ZoneInfo("Asia/Tokyo"), "")
        desk = Desk(pool, municipality, channels, await open_audience(pool))
        runner = web.AppRunner(console_app(Parts(desk=desk, vault=vault)), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()


async def _sign_in(pool: Pool, number: int) -> list[str]:
    """So many officers, each with both factors given just now."""
    tokens = [new_token() for _ in range(number)]
    for position, token in enumerate(tokens):
        await pool.execute(_SIGN_IN, f"onlooker{position}", token_hash(token))
    return tokens


def _unseen(seen: Seen, watchers: int) -> list[str]:
    if seen.watching < watchers or not seen.fewest:
        return [f"{seen.watching} of {watchers} watched; the least of them saw {seen.fewest} looks"]
    return []


def _result(size: Size, arguments: argparse.Namespace, pairs: list[Pair], wrong: list[str]) -> dict[str, Any]:
    alone, watched = middle([each.alone.seconds for each in pairs]), middle([each.watched.seconds for each in pairs])
    cost = middle([each.cost for each in pairs])
    result = {
        "cost": round(cost, 4),
        "recipients": size.recipients,
        "watchers": arguments.watchers,
        "workers": arguments.workers,
        "pairs": len(pairs),
        "processor_cost": round(middle([each.work for each in pairs]), 4),
        "each_cost": [round(each.cost, 4) for each in pairs],
        "seconds_alone": significant(alone),
        "seconds_watched": significant(watched),
        "rate_watched": round(size.recipients / watched),
        "fewest_looks": min(each.watched.seen.fewest for each in pairs),
        "megabytes_told": significant(middle([each.watched.seen.bytes for each in pairs]) / 1e6),
    }
    checked = not_counted(result, wrong)
    met = "met" if cost <= MOST_COST else "NOT MET"
    lines = [
        f"{arguments.watchers} watchers, {size.recipients:,} recipients, {arguments.workers} workers, {len(pairs)} pairs turn about",
        f"  {alone:.2f} s alone, {watched:.2f} s watched: cost {cost:+.1%} (at most {MOST_COST:.0%}: {met})",
        f"  in processor seconds, PostgreSQL's as well: {result['processor_cost']:+.1%}",
        f"  pair by pair {', '.join(f'{each.cost:+.1%}' for each in pairs)}; the least of them saw {result['fewest_looks']} looks",
    ]
    return checked | {"lines": lines}
