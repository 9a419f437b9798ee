"""Processes of one data directory tell one another what they have in hand, when there is no database to know it from.

Each leaves a file of its own; the one that has the emergency post reads them all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from dispatcher.emergency.journal import Journal, read
from dispatcher.emergency.locking import claim
from dispatcher.emergency.records import InHand

_SUFFIX = ".in-hand"
_HERE = ".process"

log = structlog.get_logger(__name__)


class Neighbours:
    """`directory` is the emergency directory that they share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own = directory / f"{os.getpid()}{_SUFFIX}"
        self._left = False
        self._here = claim(directory / f"{os.getpid()}{_HERE}")

    def leave(self, told: Iterable[InHand]) -> None:
        """For the one that has the post; once an outage. Raises OSError."""
        if not self._left:
            Journal.create(self._own, told).close()
            self._left = True

    def take_back(self) -> None:
        """The database is there again, and knows better."""
        if self._left:
            self._own.unlink(missing_ok=True)
            self._left = False

    def told(self, *, within: float) -> list[InHand]:
        """What the others left in the last so many seconds; older files are of the dead."""
        files = [path for path in self._directory.glob(f"*{_SUFFIX}") if path != self._own]
        recent = [path for path in files if time.time() - path.stat().st_mtime < within]
        return [record for path in recent for record in read(path)[0] if isinstance(record, InHand)]

    def silent(self, *, within: float) -> int:
        """How many live processes of the directory have left nothing in the last so many seconds."""
        number = 0
        for path in self._directory.glob(f"*{_HERE}"):
            left = path.with_suffix(_SUFFIX)
            if left == self._own:
                continue
            if (lock := claim(path)) is not None:
                os.close(lock)
                path.unlink(missing_ok=True)
            elif not left.exists() or time.time() - left.stat().st_mtime >= within:
                number += 1
        return number

    def end(self) -> None:
        """This process is no neighbour any more."""
        if self._here is not None:
            os.close(self._here)
            self._here = None
            self._own.with_suffix(_HERE).unlink(missing_ok=True)

    def clear(self) -> None:
        """Nobody needs what was left: it is merged."""
        for path in self._directory.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)
