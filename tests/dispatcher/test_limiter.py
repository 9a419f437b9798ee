"""The limiter: never more than the limit, nearly all of it, on a clock of the test's own."""

from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Limit
from dispatcher.limiter import HEADROOM, MemoryLimiter


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def granted(limiter: MemoryLimiter, clock: Clock, limits: list[Limit], *, until: float, cost: int = 1) -> list[float]:
    """Moments at which tokens were given to somebody who always wants more."""
    moments = []
    while clock.now < until:
        wait = limiter.try_take(limits, cost)
        if wait == 0:
            moments.append(clock.now)
        clock.now += wait
    return moments


def worst_second(moments: list[float]) -> int:
    return max(sum(1 for other in moments if start <= other < start + 1) for start in moments)


def test_a_key_never_seen_is_an_empty_bucket() -> None:
    limiter = MemoryLimiter(Clock())
    assert limiter.try_take([Limit("line", rate=10, burst=5)], 1) > 0


def test_ten_seconds_at_two_hundred_a_second_use_the_limit_and_never_exceed_it() -> None:
    clock = Clock()
    moments = granted(MemoryLimiter(clock), clock, [Limit("line", rate=200)], until=1010)
    assert worst_second(moments) <= 200
    assert len(moments) >= 200 * 10 * 0.98


def test_the_slowest_of_several_limits_decides() -> None:
    clock = Clock()
    limits = [Limit("email", rate=100), Limit("email/docomo", rate=5)]
    assert len(granted(MemoryLimiter(clock), clock, limits, until=1010)) in range(48, 51)


def test_a_refusal_takes_nothing_from_any_key() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    slow, fast = Limit("slow", rate=0.001), Limit("fast", rate=100)
    for _ in range(50):
        assert limiter.try_take([slow, fast], 1) > 0
    clock.now += 0.011 / HEADROOM
    assert limiter.try_take([fast], 1) == 0


def test_a_message_of_three_segments_costs_three_tokens() -> None:
    clock = Clock()
    moments = granted(MemoryLimiter(clock), clock, [Limit("sms", rate=30)], until=1010, cost=3)
    assert len(moments) in range(96, 101)


@given(rate=st.floats(1, 500), burst=st.integers(1, 20), idle=st.floats(0, 5))
def test_after_any_idle_time_a_burst_is_no_larger_than_allowed(rate: float, burst: int, idle: float) -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    limit = Limit("any", rate=rate, burst=burst)
    limiter.try_take([limit], 1)
    clock.now += idle
    at_once = 0
    while limiter.try_take([limit], 1) == 0:
        at_once += 1
    assert at_once <= burst
