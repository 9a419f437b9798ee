"""Lanes and channels left in peace for a while, because their provider asked for it or refuses us."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import structlog

from channels.contract import Pause
from dispatcher import metrics
from dispatcher.batches import LaneKey
from dispatcher.trouble import Trouble

PROBE_SECONDS = 30.0
"""A pause until an operator acts is probed this often, so that a mended account works again by itself."""

Key = tuple[str, str | None]
"""A channel and its lane, None for the channel as a whole."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Until:
    moment: float
    reason: str
    needs_operator: bool


class Pauses:
    """What this process knows of its providers' wishes. Kept per process: each learns it by its own call."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[Key, _Until] = {}
        self._strikes: Counter[Key] = Counter()

    def heed(self, lane: LaneKey, pause: Pause) -> float:
        """Remember a pause; returns its seconds, which are fewer than it asks for while refusals are few.

        Calls under way together that are refused alike are one strike: they tell of one moment.
        """
        key = (lane.channel, lane.lane if pause.scope == "lane" else None)
        fresh = not self._paused(key)
        self._strikes[key] += fresh and pause.seconds is not None
        seconds = _seconds(pause, self._strikes[key])
        if fresh:
            metrics.PAUSES.labels(lane.channel, pause.reason).inc()
            log.warning("channel_paused", channel=lane.channel, lane=key[1], seconds=seconds, reason=pause.reason)
        until = _Until(self._clock() + seconds, pause.reason, pause.seconds is None)
        if fresh or until.moment > self._until[key].moment:
            self._until[key] = until
        return seconds

    def relent(self, lane: LaneKey) -> None:
        """A call was accepted: the next refusal of this lane or its channel is a first one again."""
        if self._strikes:
            self._strikes.pop((lane.channel, lane.lane), None)
            self._strikes.pop((lane.channel, None), None)

    def hold(self, lane: LaneKey) -> bool:
        if not self._until:
            return False
        return self._paused((lane.channel, None)) or self._paused((lane.channel, lane.lane))

    def trouble(self) -> list[Trouble]:
        """What waits now, for people to see."""
        return [
            _trouble(f"{channel}/{lane}" if lane else channel, until)
            for (channel, lane), until in self._until.items()
            if until.moment > self._clock()
        ]

    def _paused(self, key: Key) -> bool:
        until = self._until.get(key)
        return until is not None and until.moment > self._clock()


def _seconds(pause: Pause, strikes: int) -> float:
    if pause.seconds is None:
        return PROBE_SECONDS
    return pause.seconds if pause.exact else float(min(pause.seconds, 2 ** max(strikes - 1, 0)))


def _trouble(where: str, until: _Until) -> Trouble:
    if until.reason == "quota":
        return Trouble(
            "quota.gone",
            where,
            "今月の送信枠を使い切りました。事業者の管理画面で枠を追加し、それまではほかの手段で送ってください。",
            "The quota is used up. Add to it at the provider, and send by other channels meanwhile.",
        )
    if until.needs_operator:
        return Trouble(
            "provider.refuses",
            where,
            f"事業者に受け付けられず、送信を止めています({until.reason})。設定と契約を確かめてください。"
            f"{PROBE_SECONDS:.0f} 秒ごとに試し、直れば自動で再開します。",
            f"The provider refuses us, so nothing is sent there ({until.reason}). Check the settings and the contract. "
            f"It is tried every {PROBE_SECONDS:.0f} seconds, and goes on by itself once mended.",
        )
    return Trouble(
        "lane.paused",
        where,
        f"事業者の求めで、しばらく送信を控えています({until.reason})。自動で再開します。",
        f"Left in peace for a while, as the provider asks ({until.reason}). It goes on by itself.",
    )
