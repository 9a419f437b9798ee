"""Row 20: a worker is cut off from PostgreSQL for forty seconds, while its providers answer."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

PEOPLE = 400
RATE = 8
"""SMS a second: so the partition falls into the sending."""
FENCE_SECONDS = 15
CUT_SECONDS = 40


@row(20, "a worker is cut off from PostgreSQL for 40 s, its providers are not")
async def cut_off_from_database(stage: Stage) -> list[Figure]:
    """With the default times. The other worker starts when the first has been given up."""
    await stage.providers()
    await stage.town(PEOPLE, line=False, mail=False)
    proxy = await stage.proxy(stage.postgres.socket, 5432)
    env = {"TODOKE_DATABASE_URL": stage.postgres.through(proxy.host, proxy.port)}
    slow = f"channels.sms.rate={RATE}"
    await stage.worker(slow, env=env)
    dispatch = await stage.send(channels=("sms",), minutes=30)
    await _sent(stage, dispatch, at_least=20)
    proxy.drop()
    cut = datetime.now(UTC)
    await asyncio.sleep(CUT_SECONDS)
    after = [copy.at for copy in await stage.copies(dispatch) if copy.at > cut]
    fence = cut + timedelta(seconds=FENCE_SECONDS)
    late = [at for at in after if at > fence]
    proxy.heal()
    healed = datetime.now(UTC)
    await stage.over(dispatch, seconds=180)
    resumed = min((copy.at for copy in await stage.copies(dispatch) if copy.at > healed), default=healed)
    await stage.check(dispatch, lost_replies=len(after) + 1)
    return [
        *stage.verdict.figures(),
        at_most(
            "last call after the cut",
            max(((at - cut).total_seconds() for at in after), default=0.0),
            FENCE_SECONDS,
            "s",
        ),
        at_most("calls after the fence", len(late), 0),
        at_most("resumed after the cut ended", (resumed - healed).total_seconds(), 35, "s"),
        at_least("still to send when it was cut", PEOPLE - 20 - len(after), 100),
    ]


async def _sent(stage: Stage, dispatch: str, *, at_least: int) -> None:
    async with asyncio.timeout(60):
        while len(await stage.copies(dispatch)) < at_least:
            await asyncio.sleep(0.1)
