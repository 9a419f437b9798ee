"""What the engine counts. No address, name or subscriber is ever a label."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

MESSAGES = Counter("todoke_messages_total", "Recipients by channel and outcome.", ["channel", "outcome"])
LIMITER_WAIT = Counter("todoke_limiter_wait_seconds_total", "Time spent waiting for tokens.", ["channel"])
LIMITER_FALLBACKS = Counter(
    "todoke_limiter_fallbacks_total", "Times Redis failed and this process went back to its own share of the limits."
)
LIMITER_OVERSLEPT = Counter(
    "todoke_limiter_overslept_total", "Slots given up because nobody was ready for them in time."
)
PAUSES = Counter(
    "todoke_pauses_total", "Times a provider asked, or forced, us to leave it in peace.", ["channel", "reason"]
)
BREAKER_STATE = Gauge(
    "todoke_breaker_state",
    "1 while a provider is left in peace because it does not work, but for a probe every two seconds.",
    ["channel", "lane"],
)
BREAKER_OPENED = Counter("todoke_breaker_opened_total", "Times a circuit breaker opened.", ["channel", "lane"])
FAILING_SHARE = Gauge(
    "todoke_provider_failing_share",
    "Share of a provider's calls of the last ten seconds that failed: no connection, silence, 5xx.",
    ["channel", "lane"],
)
RETRY_BUDGET = Gauge("todoke_retry_budget", "Repeats that may be made within this second.", ["channel", "lane"])
RETRIES_WAITING = Gauge("todoke_retries_waiting", "Repeats that wait for the budget.", ["channel", "lane"])
PACE_SHARE = Gauge(
    "todoke_pace_share", "Share of the limit that is used: less than 1 after a provider's 429.", ["channel", "lane"]
)
PLANNED = Counter("todoke_planned_recipients_total", "Recipients planned.", ["channel"])
LATE_ENTRIES = Counter("todoke_late_entries_total", "People who came into the area of an order in force.", ["class"])
RESCUED = Counter("todoke_rescued_batches_total", "Batches taken from dead workers.", ["channel"])
LATE = Counter("todoke_late_outcomes_total", "Outcomes that came after their worker was given up, merged.", ["channel"])
QUARANTINED = Counter("todoke_quarantined_total", "Recipients given up because they cannot be handled.", ["channel"])
EXPIRED_SESSIONS = Counter("todoke_expired_sessions_total", "Worker sessions given up because they stopped beating.")
LOOP_LAG = Gauge("todoke_loop_lag_seconds", "How long the event loop has stood still; 0 while it comes round.")
LOOP_STALLS = Counter("todoke_loop_stalls_total", "Times the event loop stood still for more than two seconds.")
AGENT_ERRORS = Counter("todoke_agent_errors_total", "Failed ticks of background agents.", ["agent"])
RESTORES = Counter("todoke_restores_total", "Times this process found the database to be a restored backup.")
HELD = Gauge("todoke_held_dispatches", "Dispatches that wait for an officer's word, by reason.", ["reason"])
ALARMS = Counter("todoke_alarms_total", "Alarms raised.", ["alarm"])
HOOK_FAILURES = Counter("todoke_alarm_hook_failures_total", "Notices that a hook did not take.", ["hook"])
CANARIES = Counter("todoke_canaries_total", "Canaries by what became of them.", ["channel", "result"])
CANARY_BACK = Gauge("todoke_canary_came_back_timestamp_seconds", "When the last canary came back.", ["channel"])
STRAYS = Gauge("todoke_batches_outside_every_year", "1 while batches stand in no year's tables.")
CALLS_UNDER_WAY = Gauge("todoke_calls_under_way", "Provider calls under way.", ["channel"])


_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@dataclass(slots=True)
class CallSeconds:
    """How long the calls of one channel took. Counts for the event loop's thread only, so it needs no lock.

    A Histogram of prometheus_client takes 2 µs for what takes a tenth of that here: it is counted at every call.
    """

    counts: list[int] = field(default_factory=lambda: [0] * (len(_BOUNDS) + 1))
    total: float = 0.0

    def observe(self, seconds: float) -> None:
        self.counts[bisect_left(_BOUNDS, seconds)] += 1
        self.total += seconds

    def buckets(self) -> list[tuple[str, float]]:
        """Cumulated, as Prometheus wants them."""
        so_far = list(accumulate(self.counts))
        return [(str(bound), count) for bound, count in zip((*_BOUNDS, "+Inf"), so_far, strict=True)]


class _Calls(Collector):
    def __init__(self) -> None:
        self.of: dict[str, CallSeconds] = {}

    def collect(self) -> Iterator[HistogramMetricFamily]:
        family = HistogramMetricFamily("todoke_call_seconds", "Duration of one provider call.", labels=["channel"])
        for channel, seconds in self.of.items():
            family.add_metric([channel], seconds.buckets(), seconds.total)
        yield family


CALLS = _Calls()
REGISTRY.register(CALLS)


@dataclass(frozen=True, slots=True)
class Meters:
    """What is counted at each call of one channel, looked up once."""

    calls: CallSeconds
    waited: Counter

    @classmethod
    def of(cls, channel: str) -> Meters:
        return cls(CALLS.of.setdefault(channel, CallSeconds()), LIMITER_WAIT.labels(channel))
