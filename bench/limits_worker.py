"""One worker of `bench limits`: takes from a limiter as fast as it is let, and sends a datagram for every token.

Runs in an environment of the peers' own as well, so nothing of the product is imported unless asked for.
Says `ready`, waits for a line `go SECONDS`, and ends with one JSON line.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from importlib import import_module
from typing import Any

Take = Callable[[], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--limiter", required=True)
    parser.add_argument("--url", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--processes", type=int, required=True)
    parser.add_argument("--takers", type=int, required=True)
    asyncio.run(_work(parser.parse_args()))


async def _work(arguments: argparse.Namespace) -> None:
    out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    out.connect(("127.0.0.1", arguments.port))
    async with LIMITERS[arguments.limiter](arguments) as take:
        _say("ready")
        seconds = float((await asyncio.to_thread(sys.stdin.readline)).split()[1])
        waits: list[float] = []
        takers = [asyncio.create_task(_taker(take, out, waits)) for _ in range(arguments.takers)]
        busy = time.process_time()
        await asyncio.sleep(seconds)
        busy = time.process_time() - busy
        for taker in takers:
            taker.cancel()
        ended, stubborn = await asyncio.wait(takers, timeout=2)
        told = {"calls": len(waits), "cpu": busy / seconds, "trouble": _trouble(ended), **_counted(arguments.limiter)}
        _say(json.dumps(told))
        if stubborn:
            # A peer that swallows cancellations would never end.
            os._exit(0)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _counted(limiter: str) -> dict[str, float]:
    if limiter != "todoke":
        return {}
    from prometheus_client import REGISTRY  # noqa: PLC0415

    names = {"overslept": "todoke_limiter_overslept_total", "fallbacks": "todoke_limiter_fallbacks_total"}
    return {name: REGISTRY.get_sample_value(metric) or 0.0 for name, metric in names.items()}


def _trouble(takers: Iterable[asyncio.Task[None]]) -> list[str]:
    return sorted({repr(taker.exception()) for taker in takers if not taker.cancelled() and taker.exception()})


async def _taker(take: Take, out: socket.socket, waits: list[float]) -> None:
    while True:
        began = time.monotonic()
        await take()
        out.send(b"1")
        waits.append(time.monotonic() - began)


@asynccontextmanager
async def _todoke(arguments: argparse.Namespace) -> AsyncIterator[Take]:
    from channels.contract import Limit  # noqa: PLC0415
    from dispatcher.shared_limiter import SharedLimiter  # noqa: PLC0415

    limits = [Limit("line", arguments.rate)]
    async with SharedLimiter(arguments.url) as limiter:
        limiter.shared_among(arguments.processes)
        yield lambda: limiter.line(limits).join(1).reached()


@asynccontextmanager
async def _limits(arguments: argparse.Namespace) -> AsyncIterator[Take]:
    storage = import_module("limits.aio.storage").RedisStorage(f"async+{arguments.url}", implementation="redispy")
    window = import_module("limits.aio.strategies").MovingWindowRateLimiter(storage)
    item = import_module("limits").RateLimitItemPerSecond(arguments.rate)

    async def take() -> None:
        while not await window.hit(item, "line"):
            oldest = await window.get_window_stats(item, "line")
            await asyncio.sleep(max(0.001, oldest.reset_time - time.time()))

    yield take


@asynccontextmanager
async def _throttled(arguments: argparse.Namespace) -> AsyncIterator[Take]:
    throttled = import_module("throttled.asyncio")
    throttle = throttled.Throttled(
        key="line",
        using=throttled.RateLimiterType.GCRA.value,
        quota=throttled.per_sec(arguments.rate),
        store=throttled.store.RedisStore(server=arguments.url),
        timeout=30,
    )

    async def take() -> None:
        while (await throttle.limit()).limited:
            pass

    yield take


LIMITERS: dict[str, Callable[[argparse.Namespace], Any]] = {
    "todoke": _todoke,
    "limits": _limits,
    "throttled": _throttled,
}


if __name__ == "__main__":
    main()
