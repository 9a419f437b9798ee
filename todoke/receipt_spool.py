"""Receipts that came while the database was away, in a file of the data directory until it is back.

How often Twilio calls again after an error is a setting of the callback's address (`#rc=`), and not at all is one: a
receipt that is refused may be gone. So it is taken, on disk before the answer. A receipt names a place in a batch and
no address, and merging it twice changes nothing: a process that dies while it takes the file in leaves it to the next.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import structlog

from dispatcher.background import DATABASE_TROUBLE
from dispatcher.batches import BatchStore, Member
from dispatcher.model import Outcome

MOST_BYTES = 64 * 1024 * 1024
"""About half a million receipts. When there are more, 503 says so, and who repeats what was refused may do so later."""
TRIES_SECONDS = 2.0
_OWNER = 0o600

log = structlog.get_logger(__name__)


class Kept(NamedTuple):
    """One receipt as it waits."""

    member: Member
    outcome: Outcome
    code: str
    ref: str


class Spool:
    """The file `receipts.jsonl` in `directory`; all processes of this server share it."""

    def __init__(self, directory: Path, *, most_bytes: int = MOST_BYTES) -> None:
        self._file = directory / "receipts.jsonl"
        self._lock = directory / "receipts.lock"
        self._most_bytes = most_bytes

    async def keep(self, receipt: Kept) -> bool:
        """On disk when this returns; False: there is no room for it."""
        try:
            return await asyncio.to_thread(self._append, receipt)
        except OSError as error:
            log.error("receipt_not_kept", error=type(error).__name__)  # noqa: TRY400 the reason is all there is to say
            return False

    async def take_in(self, store: BatchStore) -> int:
        """Merge what waits, if the database is there; how many receipts that were."""
        taken = 0
        for path in await asyncio.to_thread(self._set_aside):
            try:
                taken += await _merge(store, path)
            except (*DATABASE_TROUBLE, TimeoutError):
                break
            await asyncio.to_thread(path.unlink, missing_ok=True)
        if taken:
            log.info("receipts_taken_in", receipts=taken)
        return taken

    def _append(self, receipt: Kept) -> bool:
        member = receipt.member
        fields = [member.dispatch, member.batch, member.position, int(receipt.outcome), receipt.code, receipt.ref]
        line = json.dumps(fields).encode() + b"\n"
        with self._locked():
            file = os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER)
            try:
                if os.fstat(file).st_size + len(line) > self._most_bytes:
                    return False
                os.write(file, line)
                os.fsync(file)
            finally:
                os.close(file)
        return True

    def _set_aside(self) -> list[Path]:
        """The files to be taken in; nobody writes to them any more."""
        if self._file.exists():
            with self._locked():
                if self._file.exists():
                    self._file.rename(self._file.with_name(f"receipts-{uuid4().hex}.jsonl"))
        return sorted(self._file.parent.glob("receipts-*.jsonl"))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


async def _merge(store: BatchStore, path: Path) -> int:
    """Merge a whole file. One that another process has just taken in is empty to us."""
    try:
        lines = (await asyncio.to_thread(path.read_bytes)).splitlines()
    except FileNotFoundError:
        return 0
    merged = 0
    for line in lines:
        receipt = _read(line)
        if receipt is None or not await store.receipt(
            receipt.member, receipt.outcome, code=receipt.code, ref=receipt.ref
        ):
            log.warning("kept_receipt_unknown")
            continue
        merged += 1
    return merged


def _read(line: bytes) -> Kept | None:
    """None for a line torn by a crash: it was never answered."""
    try:
        dispatch, batch, position, outcome, code, ref = json.loads(line)
        return Kept(Member(dispatch, batch, position), Outcome(outcome), code, ref)
    except ValueError:
        return None
