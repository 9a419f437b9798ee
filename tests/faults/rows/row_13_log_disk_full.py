"""Row 13: the disk that a worker logs to, and keeps its temporary files on, is full."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.faults.process import Process
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Broken, Stage

PEOPLE = 200
SIZE = "256k"
DROPPED = "todoke_log_lines_dropped_total"


@row(13, "the disk under a worker's log and temporary files is full")
async def log_disk_full(stage: Stage) -> list[Figure]:
    """Sending goes on; what could not be logged is counted, and told once there is room again."""
    await stage.providers()
    await stage.town(PEOPLE)
    async with _small_disk(stage.folder / "disk") as disk:
        log = disk / "log"
        into = ["sh", "-c", f'exec "$@" 2>>{log}', "sh"]
        serve = await stage.serve(*QUICK, "log.level=debug", env={"TMPDIR": str(disk)}, prefix=into)
        ballast = _fill(disk)
        dispatch = await stage.send()
        await stage.over(dispatch)
        await stage.check(dispatch)
        dropped = await _metric(serve, DROPPED)
        ballast.unlink()
        again = await stage.send(event_class="tourism")
        await stage.over(again)
        await stage.check(again)
        told = log.read_text(encoding="utf-8", errors="replace").count("log_lines_dropped")
        alive = serve.alive
    return [
        *stage.verdict.figures(),
        at_least("log lines dropped and counted", dropped, 1),
        at_least("told in the log, with room again", told, 1),
        at_most("processes that ended of it", int(not alive), 0),
    ]


@asynccontextmanager
async def _small_disk(path: Path) -> AsyncIterator[Path]:
    """A disk of its own, which takes root."""
    await asyncio.to_thread(path.mkdir)
    complaint = await asyncio.to_thread(_run, "mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(path))
    if complaint:
        raise Broken(f"this row mounts a small disk, which needs root: {complaint}")
    try:
        yield path
    finally:
        await asyncio.to_thread(_run, "umount", "--lazy", str(path))


def _run(*command: str) -> str:
    """What it complains of; nothing when it went well."""
    ended = subprocess.run(command, capture_output=True, check=False, text=True)
    return ended.stderr.strip() if ended.returncode else ""


def _fill(disk: Path) -> Path:
    """Take all the room that is left."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return ballast
    return ballast


async def _metric(serve: Process, name: str) -> float:
    async with (
        aiohttp.ClientSession() as client,
        client.get(f"{serve.ready['listening']}/metrics") as answer,
    ):
        page = await answer.text()
    return next((float(line.split()[1]) for line in page.splitlines() if line.startswith(name)), 0.0)
