"""The journal's file: records appended with their checksum, on disk before anybody acts on them.

A record is a mark, its length, its CRC-32 and its bytes. What a crash tore at the end was acknowledged to nobody, and is
cut off when the file is opened again. Whatever is unreadable before the end is passed over to the next mark and counted:
a disk that loses a record must not lose the rest.
"""

from __future__ import annotations

import asyncio
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import structlog

from dispatcher.emergency.records import Record

_MARK = b"\xf5TDK"
_FRAME = struct.Struct("<4sII")
_ENCODE = msgspec.msgpack.Encoder()
_DECODE = msgspec.msgpack.Decoder(Record)
READABLE_BY_OWNER = 0o600

log = structlog.get_logger(__name__)


class Journal:
    """One file, appended by one process. Records that come while others are being synced share the next sync."""

    def __init__(self, path: Path, size: int) -> None:
        self.path = path
        self._size = size
        self._waiting: list[bytes] = []
        self._synced: asyncio.Future[None] | None = None
        self._syncing: asyncio.Task[None] | None = None
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, READABLE_BY_OWNER)

    @classmethod
    def create(cls, path: Path, records: Iterable[Record]) -> Journal:
        """A file that holds these records, all of them or none. Raises OSError."""
        draft = path.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        journal = cls(draft, 0)
        try:
            for record in records:
                journal._write([_framed(record)])
            os.fsync(journal._descriptor)
            draft.rename(path)
            sync_directory(path.parent)
        except BaseException:
            journal.close()
            draft.unlink(missing_ok=True)
            raise
        journal.path = path
        return journal

    @classmethod
    def opened(cls, path: Path) -> tuple[Journal, list[Record]]:
        """One that was written before, with what is whole in it; a torn end is cut off. Raises OSError."""
        records, whole = read(path)
        os.truncate(path, whole)
        return cls(path, whole), records

    async def append(self, record: Record) -> None:
        """Returns once it is on disk. Raises OSError when it is not; then it counts as never written."""
        self._waiting.append(_framed(record))
        if self._synced is None:
            self._synced = asyncio.get_running_loop().create_future()
        synced = self._synced
        if self._syncing is None:
            self._syncing = asyncio.create_task(self._sync(), name="journal")
        await asyncio.shield(synced)

    async def settled(self) -> None:
        """Once everything appended so far is on disk, or has failed."""
        if self._syncing is not None:
            await asyncio.wait([self._syncing])

    def close(self) -> None:
        os.close(self._descriptor)

    async def _sync(self) -> None:
        while self._synced is not None:
            frames, synced = self._waiting, self._synced
            self._waiting, self._synced = [], None
            try:
                await asyncio.to_thread(self._to_disk, frames)
            except OSError as error:
                synced.set_exception(error)
                synced.exception()  # nobody may be waiting any more
            else:
                synced.set_result(None)
        self._syncing = None

    def _to_disk(self, frames: Sequence[bytes]) -> None:
        before = self._size
        try:
            self._write(frames)
            os.fsync(self._descriptor)
        except OSError:
            self._size = before
            os.truncate(self.path, before)
            raise

    def _write(self, frames: Sequence[bytes]) -> None:
        for frame in frames:
            view = memoryview(frame)
            while view:
                written = os.pwrite(self._descriptor, view, self._size)
                self._size += written
                view = view[written:]


def read(path: Path) -> tuple[list[Record], int]:
    """The whole records of a file, oldest first, and how many bytes it has without a torn end. Raises OSError."""
    content = path.read_bytes()
    found = list(_whole(content))
    end = found[-1][1] if found else 0
    lost = end - sum(after - before for before, after, _ in found)
    if lost:
        log.error("journal_damaged", file=path.name, bytes=lost)
    return [record for _, _, record in found], end


def _whole(content: bytes) -> Iterator[tuple[int, int, Record]]:
    """(Where it begins, where it ends, the record), for every record that is whole."""
    at = content.find(_MARK)
    while at >= 0:
        record, end = _record_at(content, at)
        if record is not None:
            yield at, end, record
        at = content.find(_MARK, end)


def _record_at(content: bytes, at: int) -> tuple[Record | None, int]:
    """The record there and its end; None, and where to look on, when it is torn."""
    body = at + _FRAME.size
    if body > len(content):
        return None, len(content)
    _, length, checksum = _FRAME.unpack_from(content, at)
    payload = content[body : body + length]
    if len(payload) < length or zlib.crc32(payload) != checksum:
        return None, at + 1
    return _DECODE.decode(payload), body + length


def _framed(record: Record) -> bytes:
    payload = _ENCODE.encode(record)
    return _FRAME.pack(_MARK, len(payload), zlib.crc32(payload)) + payload


def sync_directory(directory: Path) -> None:
    """A file that was made or renamed is there after a power cut only once its directory is on disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
