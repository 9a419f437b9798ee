"""What this process knows of its providers' health: a breaker, a retry budget and a pace for each.

A provider is a channel's lane: for LINE and SMS the channel itself, for email the mail provider, because one sick mail
domain must not stop the others.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog
from prometheus_client import Gauge

from channels.contract import TOO_FAST, Answer, LaneRules, Pause
from dispatcher import metrics
from dispatcher.batches import LaneKey
from dispatcher.breaker import Breaker
from dispatcher.limiter import Limiter
from dispatcher.retry_budget import RetryBudget
from dispatcher.tempo import Tempo
from dispatcher.trouble import Trouble

TICK_SECONDS = 1.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Gauges:
    breaker: Gauge
    failing: Gauge
    budget: Gauge
    waiting: Gauge
    pace: Gauge

    @classmethod
    def of(cls, *labels: str) -> _Gauges:
        every = (
            metrics.BREAKER_STATE,
            metrics.FAILING_SHARE,
            metrics.RETRY_BUDGET,
            metrics.RETRIES_WAITING,
            metrics.PACE_SHARE,
        )
        return cls(*(gauge.labels(*labels) for gauge in every))


class Provider:
    """One provider as this process sees it. `changed` is called when something to tell begins or ends."""

    def __init__(
        self, lane: LaneKey, rules: LaneRules, limiter: Limiter, changed: Callable[[], None], clock: Callable[[], float]
    ) -> None:
        self.breaker = Breaker(rules.at_once, clock)
        self.budget = RetryBudget()
        self._names = {"channel": lane.channel, "lane": lane.lane}
        self._where = f"{lane.channel}/{lane.lane}" if lane.lane else lane.channel
        self._limit = rules.limits[-1] if rules.limits else None
        self._tempo = Tempo(self._limit.rate if self._limit else 1.0)
        self._too_fast = 0
        self._limiter = limiter
        self._changed = changed
        self._unwell = False
        self._gauges = _Gauges.of(lane.channel, lane.lane)

    def heard(self, answer: Answer, began: float) -> Pause | None:
        """Take in what the answer of a call, begun at `began`, says of the provider; the pause that is left to heed."""
        pause = answer.pause
        if pause is not None and pause.reason == TOO_FAST and self._limit is not None:
            slowed = self._tempo.slowed
            self._refused()
            if slowed and not pause.exact:
                pause = None
        if self.breaker.count(answer, began):
            self._tell_breaker()
        return pause

    def tick(self) -> None:
        """A second has passed."""
        breaker = self.breaker
        accepted, answered = breaker.accepted, breaker.accepted + breaker.others + breaker.failed
        if breaker.tick():
            self._tell_breaker()
        self.budget.tick(accepted)
        if self._tempo.tick(answered, self._too_fast):
            self._set_pace()
        self._too_fast = 0
        self._tell_unwell()
        self._show()

    def trouble(self) -> Iterable[Trouble]:
        """What there is to tell of it now."""
        if self.breaker.opened:
            yield _open(self._where)
        elif self.breaker.unwell:
            yield _unwell(self._where, self.breaker)
        if self._tempo.slowed:
            yield _slowed(self._where, self._tempo.share)

    def _refused(self) -> None:
        self._too_fast += 1
        if self._tempo.refuse():
            self._set_pace()

    def _set_pace(self) -> None:
        if self._limit is None:
            return
        self._limiter.slow(self._limit.key, self._tempo.share)
        self._gauges.pace.set(self._tempo.share)
        if self._too_fast:
            log.warning("provider_pace_cut", **self._names, share=round(self._tempo.share, 3))
        elif not self._tempo.slowed:
            log.info("provider_pace_whole_again", **self._names)

    def _tell_breaker(self) -> None:
        breaker = self.breaker
        if breaker.opened:
            metrics.BREAKER_OPENED.labels(*self._names.values()).inc()
            log.warning("breaker_opened", **self._names, failing=round(breaker.share, 2), under_way=breaker.under_way)
        else:
            log.info("breaker_closed", **self._names)
        self._show()
        self._changed()

    def _tell_unwell(self) -> None:
        if self.breaker.unwell == self._unwell:
            return
        self._unwell = self.breaker.unwell
        if self._unwell:
            log.warning("provider_unwell", **self._names, failing=round(self.breaker.share, 2))
        else:
            log.info("provider_well_again", **self._names)
        self._changed()

    def _show(self) -> None:
        gauges = self._gauges
        gauges.breaker.set(self.breaker.opened)
        gauges.failing.set(self.breaker.share)
        gauges.budget.set(self.budget.left)
        gauges.waiting.set(self.budget.waiting)


class Providers:
    """All of them, from the first batch claimed for each."""

    def __init__(
        self, limiter: Limiter, changed: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limiter = limiter
        self._changed = changed
        self._clock = clock
        self._known: dict[tuple[str, str], Provider] = {}

    def of(self, lane: LaneKey, rules: LaneRules) -> Provider:
        """The provider behind a lane, whatever the lane's priority."""
        key = lane.channel, lane.lane
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Provider(lane, rules, self._limiter, self._changed, self._clock)
        return known

    def admits(self, lane: LaneKey) -> bool:
        """Whether a batch of the lane may be claimed."""
        known = self._known.get((lane.channel, lane.lane))
        return known is None or known.breaker.admits()

    def probes(self, lane: LaneKey) -> bool:
        """Whether a claim of now is for a probe, which it then is: the next one is for later."""
        known = self._known.get((lane.channel, lane.lane))
        if known is None or not known.breaker.opened:
            return False
        known.breaker.probe()
        return True

    async def tick(self) -> None:
        under_way: Counter[str] = Counter()
        for (channel, _), provider in self._known.items():
            provider.tick()
            under_way[channel] += provider.breaker.under_way
        for channel, calls in under_way.items():
            metrics.CALLS_UNDER_WAY.labels(channel).set(calls)

    def trouble(self) -> list[Trouble]:
        return [trouble for provider in self._known.values() for trouble in provider.trouble()]


def _open(where: str) -> Trouble:
    return Trouble(
        "breaker.open",
        where,
        "送信先のサービスが正しく応答しないため、送信を止めて2秒ごとに1通だけ試しています。応答が戻れば自動で再開します。"
        "ほかの手段での配信は続いています。長く続くときは事業者の障害情報を確かめ、別の手段で住民に知らせてください。",
        "The provider does not work, so sending to it has stopped but for one message every two seconds. It goes on by "
        "itself when one gets through; the other channels are not held up. If it lasts, look at the provider's status "
        "page, and tell people by other means.",
    )


def _unwell(where: str, breaker: Breaker) -> Trouble:
    share = round(breaker.share * 100)
    return Trouble(
        "provider.unwell",
        where,
        f"送信先のサービスが不調です。直近10秒の送信の{share}%が応答なし、または障害でした。送信は続け、"
        "届かなかった分は自動で送り直しています。",
        f"The provider is unwell: {share} % of the calls of the last ten seconds failed or got no answer. Sending goes "
        "on, and what failed is sent again by itself.",
    )


def _slowed(where: str, share: float) -> Trouble:
    percent = round(share * 100) or 1
    return Trouble(
        "provider.slowed",
        where,
        f"送信先のサービスが「速すぎる」と断ったため、上限の{percent}%の速さで送っています。断られなくなれば自動で速くします。"
        "設定した上限（rate）が契約と合っているか確かめてください。",
        f"The provider said that we are too fast, so messages go out at {percent} % of the configured limit. It rises by "
        "itself while nothing is refused. Check that the limit in the settings (rate) is that of your contract.",
    )
