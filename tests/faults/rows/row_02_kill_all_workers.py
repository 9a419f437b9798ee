"""Row 2: kill -9 of all workers and the server at once, and all of them started again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

from tests.faults.row import Figure, at_most, row
from tests.faults.rows.row_01_kill_a_worker import SLOW
from tests.faults.stage import Stage

PEOPLE = 600
FIRST_CLAIM = """
select min(at) as at from faults.seen where state = 'claimed' and not session = any($1::bigint[]) and at > $2
"""


@row(2, "kill -9 of all workers and the server, and all started again")
async def kill_all_workers(stage: Stage) -> list[Figure]:
    """Under default settings: what nobody had begun goes on at once, what the dead had in hand when they are given up."""
    sandbox = await stage.providers(line_rate=200, sms_rate=100)
    await sandbox.set_faults(SLOW)
    await stage.town(PEOPLE)
    valkey = await stage.valkey()
    settings = "sending.batch_size=20", f"redis_url={valkey.url}"
    await asyncio.gather(stage.worker(*settings), stage.worker(*settings), stage.serve(*settings))
    dispatch = await stage.send()
    await stage.until_sent(dispatch, 50 + stage.random.randrange(100), "sms")
    await asyncio.gather(*(process.kill() for process in stage.processes))
    await stage.kill_sessions()
    dead = [broken.session for broken in stage.breaks]
    await asyncio.gather(stage.worker(*settings), stage.worker(*settings), stage.serve(*settings))
    started_at = datetime.now(UTC)
    await stage.over(dispatch)
    await stage.check(dispatch)
    [first] = await stage.query(FIRST_CLAIM, dead, stage.breaks[-1].at)
    waited = (started_at - stage.breaks[-1].at).total_seconds()
    return [
        *stage.verdict.figures(),
        at_most("new claims after the start", max(0.0, (first["at"] - started_at).total_seconds()), 2, "s"),
        at_most("orphans picked up after the start", await stage.picked_up() - waited, 35, "s"),
    ]
