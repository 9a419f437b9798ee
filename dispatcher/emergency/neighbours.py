"""Processes of one data directory tell one another what they have in hand, when there is no database to know it from.

Each leaves a file of its own; the one that has the emergency post reads them all.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path

import structlog

from dispatcher.batches import Claimed
from dispatcher.emergency.journal import Journal, read
from dispatcher.emergency.records import InHand

_SUFFIX = ".in-hand"

log = structlog.get_logger(__name__)


class Neighbours:
    """`directory` is the emergency directory that they share."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._own = directory / f"{os.getpid()}{_SUFFIX}"
        self._left = False

    def leave(self, in_hand: Iterable[Claimed]) -> None:
        """For the one that has the post; once an outage. Raises OSError."""
        if not self._left:
            Journal.create(self._own, [_told(batch) for batch in in_hand]).close()
            self._left = True

    def take_back(self) -> None:
        """The database is there again, and knows better."""
        if self._left:
            self._own.unlink(missing_ok=True)
            self._left = False

    def told(self, *, within: float) -> dict[tuple[str, int], InHand]:
        """What the others left in the last so many seconds; older files are of processes that are no more."""
        found: dict[tuple[str, int], InHand] = {}
        for path in self._directory.glob(f"*{_SUFFIX}"):
            if path != self._own and time.time() - path.stat().st_mtime < within:
                told = [record for record in read(path)[0] if isinstance(record, InHand)]
                found.update({(each.dispatch, each.number): each for each in told})
        return found

    def clear(self) -> None:
        """Nobody needs what was left: it is merged."""
        for path in self._directory.glob(f"*{_SUFFIX}"):
            path.unlink(missing_ok=True)


def _told(batch: Claimed) -> InHand:
    return InHand(
        dispatch=batch.dispatch,
        number=batch.number,
        session=batch.session,
        outcomes=batch.outcomes,
        repeated=batch.repeated,
        attempt=batch.attempt,
        tries=batch.tries,
        first_attempt_at=batch.first_attempt_at,
        repeat_at=batch.repeat_at,
        claimed_at=batch.claimed_at,
    )
