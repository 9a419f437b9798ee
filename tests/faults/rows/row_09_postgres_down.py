"""Row 9: PostgreSQL is down for a while, and nobody orders anything."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 200
CALL = 2.0
"""Seconds a call may last; until then after the end outcomes of calls under way may still come."""
GROWTH = 64.0
"""Megabytes: a worker's Python alone moves by a few; what waits in memory is what its calls under way bring."""


@row(9, "PostgreSQL is down for 40 seconds")
async def postgres_down(stage: Stage) -> list[Figure]:
    return await _down(stage, 40)


@row(9, "PostgreSQL is down for five minutes", long=True)
async def postgres_down_long(stage: Stage) -> list[Figure]:
    return await _down(stage, 300)


async def _down(stage: Stage, seconds: float) -> list[Figure]:
    """Long enough for every lease to run out. Nothing leaves without an intent; outcomes wait, and are not lost."""
    sandbox = await stage.providers()
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.5}])
    await stage.town(PEOPLE)
    settings = (
        f"sending.call_seconds={CALL:g}",
        "sending.batch_size=20",
        "channels.sms.rate=20",
        "channels.email.rate=10",
    )
    workers = [await stage.worker(*settings) for _ in range(2)]
    dispatch = await stage.send(minutes=20)
    await asyncio.sleep(2)
    before = [_megabytes(worker.pid) for worker in workers]
    await stage.postgres.kill()
    gone = datetime.now(UTC)
    await asyncio.sleep(seconds)
    grown = max(_megabytes(worker.pid) - was for worker, was in zip(workers, before, strict=True))
    logged = max(worker.log.stat().st_size for worker in workers) / 1e6
    await stage.postgres.start()
    back = datetime.now(UTC)
    await stage.over(dispatch)
    await stage.check(dispatch)
    copies = await stage.copies(dispatch)
    phantoms = sum(gone + timedelta(seconds=CALL + 0.5) < copy.at < back - timedelta(seconds=0.2) for copy in copies)
    after = [copy.at for copy in copies if copy.at >= back]
    resumed = (min(after) - back).total_seconds() if after else 0.0
    return [
        *stage.verdict.figures(),
        at_most("sent while it was down", phantoms, 0),
        at_most("memory that a worker gained", grown, GROWTH, "MB"),
        at_most("log that a worker wrote meanwhile", logged, 1, "MB"),
        at_most("resumed after it took connections", resumed, 10, "s"),
    ]


def _megabytes(pid: int) -> float:
    """Resident, by /proc."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
