"""Row 9, its alarm: with the database gone there is no table to keep an alarm in, and it is told all the same."""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tests.faults.alarm_journal import PAGER, first_told, notices
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

TELLS_AFTER = 15.0
"""Seconds without the database that are an alarm (dispatcher/watch.py); an ordinary restart is over by then."""


@row(9, "the database is gone: every process tells it from memory, and its end")
async def database_gone_is_told(stage: Stage) -> list[Figure]:
    told = stage.folder / "alarms"
    await stage.providers()
    await stage.town(5)
    command = f"alarms.command={json.dumps([sys.executable, '-c', PAGER, str(told)])}"
    workers = [await stage.worker(command), await stage.worker(command)]
    await asyncio.sleep(6)
    await stage.postgres.kill()
    gone = time.time()
    raised = await first_told(told, "database.gone", "raised", 90)
    await asyncio.sleep(8)
    await stage.postgres.start()
    back = time.time()
    ended = await first_told(told, "database.gone", "ended", 90)
    dispatch = await stage.send()
    await stage.over(dispatch)
    heard = [notice for _, notice in notices(told) if notice["alarm"] == "database.gone"]
    return [
        *await stage.check(dispatch),
        at_most("told after", raised - gone, TELLS_AFTER + 20, "s"),
        at_most("end told after", ended - back, 30, "s"),
        at_most("told twice by one process", sum(each["state"] == "raised" for each in heard) - len(workers), 0),
    ]
