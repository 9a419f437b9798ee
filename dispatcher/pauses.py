"""Lanes and channels left in peace for a while, because their provider asked for it or refuses us."""

from __future__ import annotations

import time
from dataclasses import dataclass

import structlog

from channels.contract import Pause
from dispatcher import metrics
from dispatcher.batches import LaneKey

PROBE_SECONDS = 30.0
"""A pause until an operator acts is probed this often, so that a mended account works again by itself."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Until:
    moment: float
    reason: str
    needs_operator: bool


class Pauses:
    """What this process knows of its providers' wishes. Kept per process: each learns it by its own call."""

    def __init__(self) -> None:
        self._until: dict[tuple[str, str | None], _Until] = {}

    def heed(self, lane: LaneKey, pause: Pause) -> float:
        """Remember a pause; returns its seconds."""
        key = (lane.channel, lane.lane if pause.scope == "lane" else None)
        seconds = PROBE_SECONDS if pause.seconds is None else pause.seconds
        if not self._paused(key):
            metrics.PAUSES.labels(lane.channel, pause.reason).inc()
            log.warning("channel_paused", channel=lane.channel, lane=key[1], seconds=seconds, reason=pause.reason)
        self._until[key] = _Until(time.monotonic() + seconds, pause.reason, pause.seconds is None)
        return seconds

    def hold(self, lane: LaneKey) -> bool:
        return self._paused((lane.channel, None)) or self._paused((lane.channel, lane.lane))

    def trouble(self) -> list[str]:
        """`channel/lane: reason` of what waits now, for people to see."""
        return [
            f"{channel}{f'/{lane}' if lane else ''}: {until.reason}{' (operator)' if until.needs_operator else ''}"
            for (channel, lane), until in self._until.items()
            if until.moment > time.monotonic()
        ]

    def _paused(self, key: tuple[str, str | None]) -> bool:
        until = self._until.get(key)
        return until is not None and until.moment > time.monotonic()
