"""How fast we go under a provider that says no more than "too fast": against one with a sliding second, by the clock."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest

from dispatcher.tempo import Tempo

RATE = 200.0


@dataclass
class Provider:
    """Bears `most` calls in any second; refused calls count too where it is `strict`."""

    most: int
    strict: bool = False
    now: float = 0.0
    calls: list[tuple[float, bool]] = field(default_factory=list)
    _second: deque[float] = field(default_factory=deque)

    def call(self) -> bool:
        while self._second and self._second[0] <= self.now - 1:
            self._second.popleft()
        taken = len(self._second) < self.most
        if taken or self.strict:
            self._second.append(self.now)
        self.calls.append((self.now, taken))
        return taken

    def refused_share(self, begin: float, end: float) -> float:
        some = [taken for moment, taken in self.calls if begin <= moment < end]
        return some.count(False) / len(some)


def go(tempo: Tempo, provider: Provider, *, until: float) -> None:
    """Call at the tempo's pace, and tell it of every answer."""
    tick, answered, refused = int(provider.now) + 1.0, 0, 0
    while provider.now < until:
        provider.now += 1 / (RATE * tempo.share)
        while tick <= provider.now:
            tempo.tick(answered, refused)
            tick, answered, refused = tick + 1, 0, 0
        answered += 1
        if not provider.call():
            refused += 1
            tempo.refuse()


@pytest.mark.parametrize("strict", [False, True])
@pytest.mark.parametrize("most", [12, 20, 50, 100, 190])
def test_after_five_seconds_fewer_than_two_calls_in_a_hundred_are_refused(most: int, strict: bool) -> None:
    provider = Provider(most, strict)
    go(Tempo(RATE), provider, until=60)
    assert provider.refused_share(5, 60) < 0.02


@pytest.mark.parametrize("most", [12, 50, 190])
def test_most_of_what_the_provider_bears_is_used(most: int) -> None:
    provider = Provider(most)
    go(Tempo(RATE), provider, until=60)
    taken = sum(taken for moment, taken in provider.calls if moment >= 5)
    assert taken > 0.7 * most * 55


@pytest.mark.parametrize("most", [0, 20, 150])
def test_it_is_back_at_the_whole_limit_within_a_minute_of_the_last_refusal(most: int) -> None:
    provider, tempo = Provider(most), Tempo(RATE)
    go(tempo, provider, until=30)
    assert tempo.slowed
    provider.most = 1_000
    go(tempo, provider, until=90)
    assert not tempo.slowed


def test_a_provider_that_refuses_everything_is_asked_once_a_second() -> None:
    provider = Provider(0)
    go(Tempo(RATE), provider, until=30)
    assert len([moment for moment, _ in provider.calls if moment >= 10]) == pytest.approx(20, abs=2)


def test_a_slow_limit_is_not_slowed_to_a_standstill() -> None:
    tempo = Tempo(2.0)
    for _ in range(50):
        tempo.refuse()
        tempo.tick(1, 1)
    assert tempo.share == 0.25


def test_calls_that_were_under_way_together_cut_once() -> None:
    tempo = Tempo(RATE)
    assert [tempo.refuse() for _ in range(16)] == [True] + [False] * 15
    assert tempo.share == 0.7
