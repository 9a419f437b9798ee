"""Files of one JSON object a line: the sandbox's proof of what it accepted and what it was asked."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

TAIL = 1 << 16


def stamp() -> str:
    """Now, ISO 8601 in UTC with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds")


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """The whole lines of a file, oldest first; a line torn by a crash was never acknowledged and is left out."""
    if not path.exists():
        return
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield decode(line)


def mend(path: Path) -> None:
    """Cuts a file after its last whole line, or a torn one would swallow the next record."""
    with path.open("r+b") as file:
        end = whole = file.seek(0, os.SEEK_END)
        while whole:
            start = max(0, whole - TAIL)
            file.seek(start)
            newline = file.read(whole - start).rfind(b"\n")
            whole = start + newline + 1
            if newline >= 0:
                break
        if whole != end:
            file.truncate(whole)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


class Journal:
    """Appends records and says when they are on disk; records that arrive during a flush share the next one."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if path.is_file():
            mend(path)
        self._waiting: list[bytes] = []
        self._flushed: asyncio.Future[None] | None = None
        self._flushing: asyncio.Task[None] | None = None

    async def append(self, record: object) -> None:
        """Returns once `record` is flushed to disk. It is queued at once: a cancelled caller's record is kept."""
        self._waiting.append(msgspec.json.encode(record) + b"\n")
        if self._flushed is None:
            self._flushed = asyncio.get_running_loop().create_future()
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await asyncio.shield(self._flushed)

    async def settled(self) -> None:
        """Returns once everything appended so far is on disk."""
        if self._flushing is not None:
            await asyncio.shield(self._flushing)

    async def close(self) -> None:
        await self.settled()
        os.close(self._descriptor)

    async def _flush(self) -> None:
        while self._flushed is not None:
            data, flushed = b"".join(self._waiting), self._flushed
            self._waiting, self._flushed = [], None
            try:
                await asyncio.to_thread(self._to_disk, data)
            except OSError as error:
                flushed.set_exception(error)
            else:
                flushed.set_result(None)
        self._flushing = None

    def _to_disk(self, data: bytes) -> None:
        _write(self._descriptor, data)
        os.fsync(self._descriptor)


class RequestLog:
    """Every request as it was answered; written at once, but left to the system to bring to disk.

    Raises BlockingIOError where another process writes the same log.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._descriptor)
            raise
        mend(path)

    def append(self, record: object) -> None:
        _write(self._descriptor, msgspec.json.encode(record) + b"\n")

    def close(self) -> None:
        os.close(self._descriptor)
