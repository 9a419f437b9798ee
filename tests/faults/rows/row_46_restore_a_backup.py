"""Row 46: last night's backup is restored, and believes that last night's order is still to be sent."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import asyncpg

from tests.faults.backups import base_backup, copy_files, dump, put_files_back, restored_elsewhere
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import GLANCE, QUICK, Broken, Stage
from tests.scenarios.cli import Todoke

PEOPLE = 60
SETTLED_SECONDS = 6.0
"""Twice the time after which a dead worker's batches are taken over: whatever sends itself has begun by then."""
UNDER_WAY = 8


async def _order_under_way(stage: Stage) -> str:
    """An order of which some has left, and most has not."""
    dispatch = await stage.send(channels=("line", "sms"))
    while len(await stage.copies(dispatch)) < PEOPLE + UNDER_WAY:
        await asyncio.sleep(GLANCE)
    return dispatch


async def _set_up(stage: Stage) -> None:
    sandbox = await stage.providers()
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 1}])
    await stage.town(PEOPLE, mail=False)


async def _held(url: str, dispatch: str, seconds: float = 20) -> str:
    """Wait until it is held; gives why."""
    last_look = time.monotonic() + seconds
    connection = await asyncpg.connect(url)
    try:
        while time.monotonic() < last_look:
            reason = await connection.fetchval(
                "select h.reason from dispatch d join hold h on h.dispatch = d.id where d.id = $1 and d.state = 'held'",
                dispatch,
            )
            if reason is not None:
                return str(reason)
            await asyncio.sleep(GLANCE)
    finally:
        await connection.close()
    raise Broken(f"{dispatch} is not held {seconds:g} s after the restore")


async def _sent_by_itself(stage: Stage, dispatch: str, before: int) -> Figure:
    await asyncio.sleep(SETTLED_SECONDS)
    return at_most("automatic re-sends", len(await stage.copies(dispatch)) - before, 0)


async def _released(stage: Stage, todoke: Todoke, url: str, dispatch: str) -> list[Figure]:
    """An officer releases it, and it ends: LINE by its keys once, SMS once more at most."""
    await todoke.ok("release", dispatch, "--by", "森", "--yes")
    last_look = time.monotonic() + 60
    connection = await asyncpg.connect(url)
    try:
        while await connection.fetchval("select state from dispatch where id = $1", dispatch) != "drained":
            if time.monotonic() > last_look:
                raise Broken(f"{dispatch} is not over 60 s after its release")
            await asyncio.sleep(GLANCE)
    finally:
        await connection.close()
    copies = await stage.copies(dispatch)
    line = Counter(copy.address for copy in copies if copy.channel == "line")
    sms = Counter(copy.address for copy in copies if copy.channel == "sms")
    return [
        at_least("reached after the release", min(len(line), len(sms)), PEOPLE),
        at_most("LINE doubled after the release", sum(line.values()) - len(line), 0),
        at_most("most copies of an SMS", max(sms.values()), 2),
    ]


def _elsewhere(url: str) -> Mapping[str, str]:
    return {"TODOKE_DATABASE_URL": url}


@row(46, "a dump is restored into another server")
async def restore_a_dump(stage: Stage) -> list[Figure]:
    """By workers of a server that knew the database, and by one of a server that never saw it."""
    await _set_up(stage)
    worker = await stage.worker(*QUICK)
    dispatch = await _order_under_way(stage)
    file = stage.folder / "dump"
    await dump(stage.postgres, file)
    await stage.over(dispatch)
    before = len(await stage.copies(dispatch))
    await worker.kill()
    figures = []
    for number, known in enumerate((True, False)):
        async with restored_elsewhere(file, stage.folder / f"server-{number}") as other:
            data = stage.data if known else _stranger(stage)
            began = time.monotonic()
            await stage.worker(*QUICK, f"data={data}", env=_elsewhere(other.url))
            if await _held(other.url, dispatch) != "restored":
                raise Broken(f"{dispatch} is held for another reason")
            figures.append(at_most("held after", time.monotonic() - began, 20, "s"))
            figures.append(await _sent_by_itself(stage, dispatch, before))
            if not known:
                todoke = replace(stage.todoke, data=data, database_url=other.url)
                figures += await _released(stage, todoke, other.url, dispatch)
            await stage.processes[-1].terminate()
    return figures


def _stranger(stage: Stage) -> Path:
    """The data directory of a server that never saw the database, but has the vault's key."""
    data = stage.folder / "stranger"
    data.mkdir()
    shutil.copy2(stage.data / "vault.key", data)
    return data


@row(46, "the server's files are put back under a worker that runs")
async def restore_files(stage: Stage) -> list[Figure]:
    """The worker finds out by itself, begins anew, and sends what it is asked for afterwards, but nothing of before."""
    await _set_up(stage)
    worker = await stage.worker(*QUICK)
    dispatch = await _order_under_way(stage)
    backup = stage.folder / "backup"
    await copy_files(stage.postgres, backup)
    await stage.over(dispatch)
    before = len(await stage.copies(dispatch))
    await put_files_back(stage.postgres, backup)
    began = time.monotonic()
    reason = await _held(stage.postgres.url, dispatch)
    figures = [at_most("held after", time.monotonic() - began, 20, "s")]
    if reason != "restored":
        raise Broken(f"{dispatch} is held for another reason: {reason}")
    figures.append(await _sent_by_itself(stage, dispatch, before))
    later = await stage.send(channels=("line",))
    await stage.over(later)
    await stage.check(later)
    figures += await _released(stage, stage.todoke, stage.postgres.url, dispatch)
    figures.append(at_least("the worker goes on", worker.alive, 1))
    return [*stage.verdict.figures(), *figures]


@row(46, "recovery to a point in time, the log cut off behind it")
async def restore_to_a_moment(stage: Stage) -> list[Figure]:
    """A base backup, the log since, and a restore point while an order was being sent: another timeline."""
    await _set_up(stage)
    segments = stage.folder / "segments"
    backup = stage.folder / "base"
    await base_backup(stage.postgres, backup, segments=segments, until="evening")
    worker = await stage.worker(*QUICK)
    dispatch = await _order_under_way(stage)
    async with stage.postgres.connection() as connection:
        await connection.execute("select pg_create_restore_point('evening')")
    await stage.over(dispatch)
    before = len(await stage.copies(dispatch))
    await worker.kill()
    await put_files_back(stage.postgres, backup, log=segments)
    began = time.monotonic()
    await stage.worker(*QUICK)
    await _held(stage.postgres.url, dispatch)
    held = at_most("held after", time.monotonic() - began, 20, "s")
    async with stage.postgres.connection() as connection:
        timeline = await connection.fetchval("select timeline from epoch")
    return [
        held,
        at_least("timeline", timeline, 2),
        await _sent_by_itself(stage, dispatch, before),
        *await _released(stage, stage.todoke, stage.postgres.url, dispatch),
    ]
