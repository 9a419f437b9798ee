"""From the approval to the last outcome: the moments, and how many messages were taken when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

import numpy as np

from console.report import labels
from console.report.labels import Label
from console.report.tables import channels_used
from dispatcher.history import DispatchHistory
from dispatcher.holding import Hold

STEPS = (0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200)
MOST_BARS = 48
MINUTE = 60
EXACT = 10
"""Seconds below which hundredths matter."""


@dataclass(frozen=True, slots=True)
class Moment:
    label: Label
    at: str
    after: str
    """Since the approval."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One channel's bars: messages accepted in each step."""

    label: Label
    counts: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def highest(self) -> int:
        return max(self.counts, default=0)

    @property
    def heights(self) -> list[float]:
        """In percent of the highest bar; a bar with anything in it can be seen."""
        return [max(3.0, 100 * count / self.highest) if count else 0.0 for count in self.counts]


@dataclass(frozen=True, slots=True)
class Timeline:
    """`step` in seconds; `starts` tells when each bar begins."""

    day: str
    moments: Sequence[Moment]
    charts: Sequence[Chart]
    step: str
    starts: Sequence[str]
    end: str


def timeline(history: DispatchHistory, zone: tzinfo) -> Timeline:
    latest = max((moment for taken in history.accepted.values() for moment, _ in taken), default=0.0)
    step = next((step for step in STEPS if latest / step < MOST_BARS), STEPS[-1])
    bars = int(latest / step) + 1
    return Timeline(
        day=f"{history.approved_at.astimezone(zone):%Y-%m-%d}",
        moments=_moments(history, zone),
        charts=[Chart(labels.channel(name), _bars(history.accepted[name], step, bars)) for name in _channels(history)],
        step=duration(step),
        starts=[duration(number * step) for number in range(bars)],
        end=duration(bars * step),
    )


def _channels(history: DispatchHistory) -> list[str]:
    return [name for name in channels_used(history) if name in history.accepted]


def _bars(taken: Sequence[tuple[float, int]], step: float, bars: int) -> list[int]:
    counts = np.zeros(bars, np.int64)
    for moment, count in taken:
        counts[min(max(int(moment / step), 0), bars - 1)] += count
    found: list[int] = counts.tolist()
    return found


def _moments(history: DispatchHistory, zone: tzinfo) -> list[Moment]:
    state = labels.state(history.state)
    named: list[tuple[Label, datetime | None]] = [
        (Label("承認", "Approved"), history.approved_at),
        (Label("対象者の確定", "Audience known"), history.matched_at),
        (Label("最初の送信", "First message sent"), history.first_send_at),
        (Label("送信準備の完了", "Last message prepared"), history.planned_at),
        (Label("最後の結果", "Last outcome"), history.last_outcome_at),
        (Label(f"終了（{state.ja}）", f"Ended ({state.en})"), history.ended_at),
    ]
    named += [moment for hold in history.holds for moment in _held(hold)]
    for order in history.emergencies:
        label = Label(
            f"データベースなしの緊急送信（{order.ordered_by}）", f"Sent without the database ({order.ordered_by})"
        )
        named.append((label, order.ordered_at))
    happened = [(label, at) for label, at in named if at is not None]
    return [
        Moment(label, _time(at, history.approved_at, zone), duration((at - history.approved_at).total_seconds()))
        for label, at in sorted(happened, key=lambda pair: pair[1])
    ]


def _held(hold: Hold) -> list[tuple[Label, datetime | None]]:
    return [
        (Label("保留", "Held"), hold.at),
        (Label(f"保留の解除（{hold.released_by}）", f"Released by {hold.released_by}"), hold.released_at),
    ]


def _time(at: datetime, approved: datetime, zone: tzinfo) -> str:
    """The day as well where it is another one than the approval's."""
    same_day = at.astimezone(zone).date() == approved.astimezone(zone).date()
    return f"{at.astimezone(zone):%H:%M:%S}" if same_day else clock(at, zone)


def clock(at: datetime, zone: tzinfo) -> str:
    """To the second, in the readers' time zone."""
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def duration(seconds: float) -> str:
    """`0.35 s`, `12.0 s`, `3:05`, `2:03:05`."""
    if seconds < EXACT:
        return f"{seconds:.2f} s"
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, MINUTE)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
