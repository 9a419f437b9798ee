"""What the sandbox has seen: arrivals, answers, and the most that ever came within one second."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import Any

from channels.sandbox.faults import ChannelName
from channels.sandbox.journal import RequestLog, stamp


class SlidingSecond:
    """The moments of the last second, on the monotonic clock."""

    def __init__(self) -> None:
        self._moments: deque[float] = deque()

    def count(self, now: float) -> int:
        while self._moments and self._moments[0] <= now - 1.0:
            self._moments.popleft()
        return len(self._moments)

    def add(self, now: float) -> None:
        self._moments.append(now)


class Rate:
    """A provider's limit: never more than `limit` admitted requests in any second; 0 admits all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._admitted = SlidingSecond()

    def admits(self, now: float) -> bool:
        if self._limit and self._admitted.count(now) >= self._limit:
            return False
        self._admitted.add(now)
        return True


class Arrival:
    """One request on its way to an answer."""

    __slots__ = ("at", "channel", "count", "endpoint", "fault", "monotonic", "waited")

    def __init__(self, channel: ChannelName, endpoint: str, waited: float) -> None:
        self.channel: ChannelName = channel
        self.endpoint = endpoint
        self.at = stamp()
        self.monotonic = time.monotonic()
        self.waited = waited
        self.count = 0
        self.fault: str | None = None


class ChannelCounts:
    def __init__(self) -> None:
        self.requests = 0
        self.accepted = 0
        self.recipients = 0
        self.answers: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.peak = 0
        self._last_second = SlidingSecond()

    def arrive(self, now: float) -> None:
        self.requests += 1
        self._last_second.add(now)
        self.peak = max(self.peak, self._last_second.count(now))

    def state(self) -> dict[str, Any]:
        return {
            "requests": self.requests,
            "accepted": self.accepted,
            "recipients": self.recipients,
            "answers": dict(self.answers),
            "faults": dict(self.faults),
            "peak_per_second": self.peak,
        }


class Register:
    """Counts every request and writes its line of `requests.jsonl` when its outcome is known."""

    def __init__(self, log: RequestLog) -> None:
        self._log = log
        self.channels: dict[ChannelName, ChannelCounts] = {
            "line": ChannelCounts(),
            "sms": ChannelCounts(),
            "email": ChannelCounts(),
        }

    def arrive(self, channel: ChannelName, endpoint: str, waited: float = 0.0) -> Arrival:
        """`waited` is how many seconds before now the request arrived (arrivals.py)."""
        arrival = Arrival(channel, endpoint, waited)
        self.channels[channel].arrive(arrival.monotonic)
        return arrival

    def meet(self, arrival: Arrival, fault: str) -> None:
        arrival.fault = fault
        self.channels[arrival.channel].faults[fault] += 1

    def accept(self, arrival: Arrival, recipients: int) -> None:
        counts = self.channels[arrival.channel]
        counts.accepted += 1
        counts.recipients += recipients

    def answer(self, arrival: Arrival, outcome: str, status: int, code: str = "") -> None:
        """`outcome` is accepted, refused, dropped, swallowed or held; `status` 0 where no answer was given."""
        self.channels[arrival.channel].answers[code or str(status)] += 1
        self._log.append(
            {
                "at": arrival.at,
                "monotonic": arrival.monotonic,
                "waited": arrival.waited,
                "channel": arrival.channel,
                "endpoint": arrival.endpoint,
                "outcome": outcome,
                "status": status,
                "code": code,
                "count": arrival.count,
                "fault": arrival.fault,
            }
        )
