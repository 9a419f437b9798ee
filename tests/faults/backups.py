"""Backups of a row's PostgreSQL, made and put back with PostgreSQL's own programs, as an operator does."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.faults import postgres
from tests.faults.postgres import Postgres
from todoke.embedded.software import software

USER = "todoke"


async def dump(server: Postgres, file: Path) -> None:
    """`pg_dump`: a snapshot of the tables, while others write."""
    await _run("pg_dump", "--host", server.socket, "--username", USER, "--format=custom", f"--file={file}", "postgres")


@asynccontextmanager
async def restored_elsewhere(file: Path, folder: Path) -> AsyncIterator[Postgres]:
    """Another server, with the dump in it; its `url` is that of the restored database."""
    async with postgres.running(folder, watched=False) as server:
        async with server.connection() as connection:
            await connection.execute("create database restored")
        await _run(
            "pg_restore", "--host", server.socket, "--username", USER, "--dbname=restored", "--exit-on-error", str(file)
        )
        server.url = server.url.replace("@/postgres?", "@/restored?")
        yield server


async def copy_files(server: Postgres, backup: Path) -> None:
    """A cold copy of the server's files; it is stopped for that and started again."""
    await server.stop()
    await _copy(server.cluster, backup)
    await server.start()


async def put_files_back(server: Postgres, backup: Path, *, log: Path | None = None) -> None:
    """The server stands in the copy from now on. With `log`, the segments of its log so far, it goes on in them as far
    as they lead, and begins a timeline of its own there (PostgreSQL manual, 25.3.5).
    """
    await server.stop()
    if log is not None:
        await _copy(server.cluster / "pg_wal", log)
    await asyncio.to_thread(shutil.rmtree, server.cluster)
    await _copy(backup, server.cluster)
    if log is not None:
        await _run("chown", "--recursive", "--reference", str(server.cluster), str(log))
        signal = server.cluster / "recovery.signal"
        signal.touch()
        await _run("chown", "--reference", str(server.cluster), str(signal))
    await server.start()


async def base_backup(server: Postgres, folder: Path, *, segments: Path, until: str) -> None:
    """`pg_basebackup` of the running server, told where the log's segments will be, and to recover up to the restore
    point `until`."""
    await _run(
        "pg_basebackup", "--host", server.socket, "--username", USER, "--pgdata", str(folder), "--checkpoint=fast"
    )
    with (folder / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
        settings.write(f"restore_command = 'cp {segments}/%f %p'\nrecovery_target_name = '{until}'\n")
        settings.write("recovery_target_action = 'promote'\n")
    await _run("chown", "--recursive", "--reference", str(server.cluster), str(folder))


async def _copy(source: Path, target: Path) -> None:
    await _run("cp", "--archive", str(source), str(target))


async def _run(program: str, *arguments: str) -> None:
    bundled = software().program(program)
    process = await asyncio.create_subprocess_exec(
        str(bundled) if bundled.exists() else program,
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, said = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{program}: {said.decode(errors='replace')}")
