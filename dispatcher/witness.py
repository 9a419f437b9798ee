"""A witness: how far a database had come when a process of this server last looked, kept outside of it.

A database cannot tell that it is a backup of itself. Whoever saw it later can: in memory, or in a small file of the
data directory, one for each database, which outlives the process.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import structlog

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """A database by its `lineage`, and how far it had come: its epoch's number, and the counter in that."""

    lineage: str
    number: int
    counter: int

    @property
    def progress(self) -> tuple[int, int]:
        return self.number, self.counter


class Witness:
    """The file `<folder>/<lineage>.json` of every database. With no folder nothing is remembered."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def recall(self, lineage: str) -> Seen | None:
        """What this server saw of the database last, in whichever process. A damaged file says nothing, and is logged."""
        if self._folder is None:
            return None
        path = self._file(self._folder, lineage)
        try:
            stored = json.loads(path.read_bytes())
            return Seen(lineage, int(stored["number"]), int(stored["counter"]))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("witness_unreadable", file=str(path), error=type(error).__name__)
            return None

    def knows_others(self, lineage: str) -> bool:
        """Whether this server was ever at work on another database than this."""
        if self._folder is None or not self._folder.is_dir():
            return False
        return any(path.stem != lineage for path in self._folder.glob("*.json"))

    def note(self, seen: Seen) -> None:
        """Keep it, whole and on the disk, unless another process has seen more. What fails is logged."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with _alone(self._folder / "lock"):
                known = self.recall(seen.lineage)
                if known is None or known.progress < seen.progress:
                    _write(self._file(self._folder, seen.lineage), asdict(seen))
        except OSError as error:
            log.warning("witness_not_written", folder=str(self._folder), error=type(error).__name__)

    @staticmethod
    def _file(folder: Path, lineage: str) -> Path:
        return folder / f"{lineage}.json"


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    held = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


def _write(path: Path, content: dict[str, Any]) -> None:
    """The old file or the new one, whatever happens meanwhile."""
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
