"""What rows 16 to 21 share: one limit, three workers, and a Redis that does what it should not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from itertools import pairwise

from channels.sandbox.process import SandboxProcess
from tests.faults.row import Figure, at_least, at_most
from tests.faults.stage import Stage

RATE = 40
"""LINE requests a second that the provider permits and all workers share. LINE's limit has no burst on top."""
PEOPLE = 600
WORKERS = 3
STALL_SECONDS = 0.2
SHARED_MACHINE = 4
"""Stalls are judged by this many times the target: the machine may have more to do than it has cores."""

Trouble = Callable[[], Awaitable[None]]


async def sent_meanwhile(
    stage: Stage, urls: Sequence[str], trouble: Trouble, *, least_share: float, stalls: bool = False
) -> list[Figure]:
    """An order to PEOPLE, a call each, by workers on these Redis `urls`, while `trouble` does what it likes."""
    sandbox = await stage.providers(line_rate=RATE)
    await stage.town(PEOPLE, phone=False, mail=False)
    for url in urls:
        await stage.worker("sending.batch_size=1", f"redis_url={url}")
    # The others' share is known with the first beats: until then each takes itself for one of fewer.
    await asyncio.sleep(6)
    dispatch = await stage.send(channels=("line",))
    making = asyncio.create_task(_make(trouble))
    try:
        await stage.over(dispatch, 4 * PEOPLE / RATE + 60)
    finally:
        making.cancel()
        with suppress(asyncio.CancelledError):
            await making
    return [*await stage.check(dispatch), *await _figures(stage, sandbox, dispatch, least_share, stalls=stalls)]


async def _make(trouble: Trouble) -> None:
    await trouble()


async def _figures(
    stage: Stage, sandbox: SandboxProcess, dispatch: str, least_share: float, *, stalls: bool
) -> list[Figure]:
    at = sorted(copy.at.timestamp() for copy in await stage.copies(dispatch))
    share = (len(at) - 1) / (at[-1] - at[0]) / RATE
    refused = sum(request["status"] == 429 for request in sandbox.requests("line"))
    async with stage.postgres.connection() as connection:
        approved = await connection.fetchval("select approved_at from dispatch where id = $1", dispatch)
    figures = [
        at_most("429", refused, 0),
        at_least("of the limit used", share, least_share),
        at_most("first call after approval", at[0] - approved.timestamp(), 1.5, "s"),
    ]
    if stalls:
        longest = max(later - earlier for earlier, later in pairwise(at))
        figures.append(
            Figure("longest stall", longest, f"≤ 0.2 s, judged at {STALL_SECONDS * SHARED_MACHINE:g} s: a shared machine",
                   held=longest <= STALL_SECONDS * SHARED_MACHINE)
        )  # fmt: skip
    return figures
