"""What rows about sick providers measure: what is told of them, how fast people were reached, what was asked of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from math import ceil
from typing import Any

from channels.sandbox.faults import ChannelName
from channels.sandbox.process import SandboxProcess
from tests.faults.row import Figure
from tests.faults.stage import GLANCE, Broken, Stage

SHARED, SHARED_RATIO = 1.5, 1.15
"""By how much a purely speed-like figure may miss its target: the machine's two cores are shared."""


async def until(what: str, true: Callable[[], Awaitable[bool]], seconds: float = 60) -> float:
    """Wait until something is true; gives the seconds that took. Raises Broken when it takes longer."""
    began = time.monotonic()
    while not await true():
        if time.monotonic() > began + seconds:
            raise Broken(f"not within {seconds:g} s: {what}")
        await asyncio.sleep(GLANCE)
    return time.monotonic() - began


async def told(stage: Stage, code: str, where: str, seconds: float = 60) -> float:
    """Seconds until a worker's session says this trouble."""
    return await until(f"{where}: {code} is told", lambda: _is_told(stage, code, where), seconds)


async def noticed(stage: Stage, dispatch: str, code: str, where: str, seconds: float = 60) -> float:
    """Seconds from the first call of a dispatch until a worker's session says this trouble."""
    await told(stage, code, where, seconds)
    async with stage.postgres.connection() as connection:
        return float(
            await connection.fetchval(
                "select extract(epoch from now() - first_send_at) from dispatch where id = $1", dispatch
            )
        )


async def taken_back(stage: Stage, code: str, where: str, seconds: float = 60) -> float:
    """Seconds until no session says it any more."""

    async def gone() -> bool:
        return not await _is_told(stage, code, where)

    return await until(f"{where}: {code} is taken back", gone, seconds)


async def _is_told(stage: Stage, code: str, where: str) -> bool:
    async with stage.postgres.connection() as connection:
        rows = await connection.fetch("select trouble from worker_session where ended_at is null")
    troubles = [each for row in rows for each in json.loads(row["trouble"])]
    return any((each["code"], each["where"]) == (code, where) for each in troubles)


async def reached(stage: Stage, dispatch: str, channel: str, number: int, seconds: float = 120) -> float:
    """Seconds until so many different people have a copy by this channel."""

    async def all_of_them() -> bool:
        return len({copy.address for copy in await stage.copies(dispatch) if copy.channel == channel}) >= number

    return await until(f"{number} people reached by {channel}", all_of_them, seconds)


async def p99(stage: Stage, dispatch: str, channel: str, *, without: Collection[str] = ()) -> float:
    """Seconds from the approval to the first copy, of the 99th of a hundred people; `without` are mail domains."""
    async with stage.postgres.connection() as connection:
        approved_at: datetime = await connection.fetchval("select approved_at from dispatch where id = $1", dispatch)
    first: dict[str, datetime] = {}
    for copy in await stage.copies(dispatch):
        if copy.channel == channel and copy.address.rpartition("@")[2] not in without:
            first[copy.address] = min(copy.at, first.get(copy.address, copy.at))
    waits = sorted((at - approved_at).total_seconds() for at in first.values())
    return waits[ceil(len(waits) * 0.99) - 1]


def calls(
    sandbox: SandboxProcess, channel: ChannelName, since: float = 0.0, till: float = float("inf")
) -> list[dict[str, Any]]:
    """What was asked of a provider between two monotonic times, questions left out."""
    return [
        each
        for each in sandbox.requests(channel)
        if each["endpoint"] in {"multicast", "create", "rcpt"} and since <= each["monotonic"] < till
    ]


def ratio(name: str, value: float, base: float, most: float) -> Figure:
    """A ratio of two times, which may be SHARED_RATIO times its target."""
    figure, judged = value / base, most * SHARED_RATIO
    return Figure(name, figure, f"≤ {most:g}, judged at {judged:.3g}: shared machine", figure <= judged)


def within(name: str, seconds: float, most: float) -> Figure:
    """A speed-like figure in seconds, which may be SHARED times its target."""
    return Figure(
        name, seconds, f"≤ {most:g} s, judged at {most * SHARED:g} s: shared machine", seconds <= most * SHARED
    )
