"""Row 12: the disk under PostgreSQL is full, its data and its log together."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import aiohttp
import asyncpg

from tests.faults import postgres
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Broken, LeftOut, Stage

MEGABYTES = 320
"""A fresh cluster takes 50, and its log up to 200."""
PEOPLE = 60
CLEAR = {"database.full", "database.lost", "database.unreachable", "postgres.disk_full"}
"""Sentences that say that the database is the trouble, and what to do."""


@row(12, "PostgreSQL's disk is full")
async def disk_full(stage: Stage) -> list[Figure]:
    """A small disk filled to the last byte while an order is sent: what people see, and how soon it is over."""
    with _small_disk(stage.folder / "small") as disk:
        async with _server_on(stage, disk):
            return await _on_a_full_disk(stage, disk)


async def _on_a_full_disk(stage: Stage, disk: Path) -> list[Figure]:
    await stage.providers()
    await stage.town(PEOPLE)
    server = await stage.serve("channels.sms.rate=6", "sending.batch_size=10")
    before = await stage.send(channels=("line", "sms"))
    while not await stage.copies(before):
        await asyncio.sleep(0.05)
    await _fill(stage, disk)
    ready, seen = await _ready(server.ready["listening"])
    refused = [await _try_to_send(stage) for _ in range(3)]
    (disk / "ballast").unlink()
    freed = time.monotonic()
    await stage.postgres.start()
    async with stage.postgres.connection() as connection:
        await connection.execute("drop table if exists filler")
        half = await connection.fetchval("select count(*) from dispatch where id <> $1", before)
    while not (await _ready(server.ready["listening"]))[0]:
        if time.monotonic() - freed > 60:
            raise Broken("not ready a minute after there was room again")
        await asyncio.sleep(0.1)
    after = await stage.send(channels=("line", "sms"))
    while not await stage.copies(after) and time.monotonic() - freed < 90:
        await asyncio.sleep(0.05)
    recovered = time.monotonic() - freed
    await stage.over(before)
    await stage.over(after)
    await stage.check(before, after)
    return [
        *stage.verdict.figures(),
        at_most("ready while it is full", ready, 0),
        at_most("unclear answers of /readyz", not (seen & {"database.full", "database.silent"}), 0),
        at_most("unclear refusals of todoke send", sum(not codes & CLEAR for codes in refused), 0),
        at_most("approved by halves", half, 0),
        at_most("first message after there was room", recovered, 30, "s"),
        at_most("servers that ended", not server.alive, 0),
    ]


async def _try_to_send(stage: Stage) -> set[str]:
    """The codes of the refusal."""
    path = stage.data / "while_full.json"
    path.write_text(json.dumps(stage.event(channels=("line", "sms")), ensure_ascii=False), encoding="utf-8")
    ended = await stage.run("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--json")
    if not ended.code:
        raise Broken("an order was approved on a full disk")
    return {problem["code"] for problem in json.loads(ended.out.strip().splitlines()[-1])["problems"]}


async def _ready(address: str) -> tuple[bool, set[str]]:
    """What /readyz says: whether, and the codes of what is wrong."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}/readyz") as answer:
        said = await answer.json()
        return answer.status == 200, {problem["code"] for problem in said["problems"]}


async def _fill(stage: Stage, disk: Path) -> None:
    """To the last byte: beside the database, then by its tables, then by its log."""
    async with stage.postgres.connection() as connection:
        await connection.execute("create table filler (content text)")
    _pour(disk)
    await _until_it_cannot(stage, "insert into filler select repeat(md5(n::text), 50) from generate_series(1, 2000) n")
    _pour(disk)
    await _until_it_cannot(stage, "select pg_logical_emit_message(true, 'filler', repeat('x', 1000000))")
    _pour(disk)


def _pour(disk: Path) -> None:
    with suppress(OSError), (disk / "ballast").open("ab", buffering=0) as ballast:
        for size in (1 << 20, 4096):
            with suppress(OSError):
                while True:
                    ballast.write(bytes(size))


async def _until_it_cannot(stage: Stage, statement: str) -> None:
    with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        connection = await asyncpg.connect(stage.postgres.url)
        try:
            while True:
                await connection.execute(statement)
        finally:
            await connection.close(timeout=1)


@contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own in memory, which only root can make."""
    folder.mkdir(mode=0o711)
    if os.geteuid() != 0:
        raise LeftOut("only root can make a small disk to fill (mount)")
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m,mode=711", "todoke", str(folder)],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        raise LeftOut(f"no small disk to be had here ({made.stderr.decode().strip()})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)
        shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def _server_on(stage: Stage, disk: Path) -> AsyncIterator[None]:
    """The stage's PostgreSQL, while this lasts: another one, on this disk."""
    usual = stage.postgres
    async with postgres.running(disk, watched=True) as small:
        stage.postgres = small
        try:
            yield
        finally:
            stage.postgres = usual
