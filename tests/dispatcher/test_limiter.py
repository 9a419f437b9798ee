"""The limiter: never more than the limit, nearly all of it, on a clock of the test's own."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Limit
from dispatcher.limiter import (
    HEADROOM,
    HORIZON_SECONDS,
    LATENESS_SECONDS,
    LEEWAY_SECONDS,
    MemoryLimiter,
    Schedule,
    share,
)

LATEST = LATENESS_SECONDS + 0.003
"""How long after its slot a call arrives at worst: what may begin late, and a slow way."""


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def slots(limiter: MemoryLimiter, clock: Clock, limits: list[Limit], *, seconds: float, cost: int = 1) -> list[float]:
    """The slots given to somebody who always wants more."""
    end = clock.now + seconds
    found: list[float] = []
    while clock.now < end:
        granted = limiter.grant(limits, [cost])
        found += [window.opens for window in granted.windows]
        clock.now += granted.again_in
    return found


def worst_second(moments: list[float]) -> int:
    return max(sum(1 for other in moments if start <= other < start + 1) for start in moments)


def test_a_key_never_seen_is_an_empty_bucket() -> None:
    clock = Clock()
    granted = MemoryLimiter(clock).grant([Limit("line", rate=100)], [1])
    assert granted.windows[0].opens - clock.now >= 1 / 100


def test_ten_seconds_at_two_hundred_a_second_use_the_limit_and_never_exceed_it() -> None:
    clock = Clock()
    found = slots(MemoryLimiter(clock), clock, [Limit("line", rate=200)], seconds=10)
    assert worst_second(found) <= 200
    assert len(found) >= 200 * 10 * 0.98


@given(late=st.lists(st.floats(0, LATEST), min_size=1, max_size=50), rate=st.integers(1, 400))
def test_whoever_is_late_within_the_window_never_makes_a_second_too_full(late: list[float], rate: int) -> None:
    clock = Clock()
    found = slots(MemoryLimiter(clock), clock, [Limit("line", rate=rate)], seconds=3)
    arrivals = sorted(slot + late[number % len(late)] for number, slot in enumerate(found))
    assert worst_second(arrivals) <= rate


def test_a_window_closes_before_its_call_would_bunch_with_the_next() -> None:
    window = MemoryLimiter(Clock()).grant([Limit("line", rate=100)], [1]).windows[0]
    assert window.closes - window.opens + LEEWAY_SECONDS < 1 / HEADROOM - 1


def used_of(clock: Clock, lost: list[bool], *, seconds: float) -> list[float]:
    """Slots at 200 a second that were used; where `lost` says so, nobody woke for one and it was given back."""
    limiter, limits, used = MemoryLimiter(clock), [Limit("line", rate=200)], []
    end, number = clock.now + seconds, 0
    while clock.now < end:
        granted = limiter.grant(limits, [1] * 4)
        for window in granted.windows:
            number += 1
            clock.now = max(clock.now, window.opens)
            if lost[number % len(lost)]:
                limiter.give_back(limits, window.opens, 1)
            else:
                used.append(window.opens)
        clock.now += granted.again_in
    return used


@given(lost=st.lists(st.booleans(), min_size=1, max_size=60), late=st.lists(st.floats(0, LATEST), min_size=1))
def test_slots_made_up_for_never_make_a_second_too_full(lost: list[bool], late: list[float]) -> None:
    used = used_of(Clock(), lost, seconds=2.5)
    arrivals = sorted(slot + late[number % len(late)] for number, slot in enumerate(used))
    assert not arrivals or worst_second(arrivals) <= 200


def test_slots_that_nobody_woke_for_are_made_up_for() -> None:
    assert len(used_of(Clock(), [False] * 9 + [True], seconds=10)) >= 200 * 10 * 0.98


def test_what_is_made_up_for_comes_at_twice_the_pace_and_not_at_once() -> None:
    clock = Clock()
    limiter, line = MemoryLimiter(clock), [Limit("line", rate=200)]
    limiter.grant(line, [])
    clock.now += 0.1
    opens = [window.opens for window in limiter.grant(line, [1] * 4).windows]
    clock.now += 0.1
    for slot in opens:
        limiter.give_back(line, slot, 1)
    made_up = [window.opens for window in limiter.grant(line, [1] * 8).windows]
    assert min(later - earlier for earlier, later in pairwise(made_up)) >= 0.5 / 200 - LEEWAY_SECONDS


def test_nobody_takes_a_slot_further_ahead_than_the_horizon() -> None:
    clock = Clock()
    granted = MemoryLimiter(clock).grant([Limit("line", rate=200)], [1] * 64)
    assert max(window.opens for window in granted.windows) <= clock.now + HORIZON_SECONDS
    assert len(granted.windows) < 64
    assert granted.again_in > 0


def test_several_who_wait_get_slots_of_their_own_in_one_answer() -> None:
    granted = MemoryLimiter(Clock()).grant([Limit("line", rate=200)], [1, 1, 1])
    opens = [window.opens for window in granted.windows]
    assert len(opens) == 3
    assert all(later - earlier >= 1 / 200 for earlier, later in pairwise(opens))


def test_the_slowest_of_several_limits_decides() -> None:
    clock = Clock()
    limits = [Limit("email", rate=100), Limit("email/docomo", rate=5)]
    assert len(slots(MemoryLimiter(clock), clock, limits, seconds=10)) in range(48, 51)


def test_a_slow_domain_does_not_make_the_account_lie_idle() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    account, docomo = Limit("email", rate=100), Limit("email/docomo", rate=5)
    limiter.grant([account, docomo], [1])
    clock.now += 0.15
    assert not limiter.grant([account, docomo], [1]).windows
    assert limiter.grant([account], [1]).windows[0].opens == clock.now


def test_a_refusal_takes_nothing_from_any_key() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    slow, fast = Limit("slow", rate=0.001), Limit("fast", rate=100)
    for _ in range(50):
        assert not limiter.grant([slow, fast], [1]).windows
    clock.now += 1 / (100 * HEADROOM)
    assert limiter.grant([fast], [1]).windows[0].opens == clock.now


def test_a_message_of_three_segments_costs_three_tokens() -> None:
    clock = Clock()
    found = slots(MemoryLimiter(clock), clock, [Limit("sms", rate=30)], seconds=10, cost=3)
    assert len(found) in range(96, 101)


@pytest.mark.parametrize(("cost", "most"), [(1, 20), (3, 20), (10, 20), (30, 30)])
def test_after_a_pause_no_second_holds_more_segments_than_the_rate_or_one_text(cost: int, most: int) -> None:
    clock = Clock()
    limiter, sms = MemoryLimiter(clock), [Limit("sms", rate=20)]
    limiter.grant(sms, [cost])
    clock.now += 60
    assert worst_second(slots(limiter, clock, sms, seconds=5, cost=cost)) * cost <= most


@given(rate=st.floats(1, 500), burst=st.integers(1, 20), idle=st.floats(0, 5))
def test_after_any_idle_time_a_burst_is_no_larger_than_allowed(rate: float, burst: int, idle: float) -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    limit = Limit("any", rate=rate, burst=burst)
    limiter.grant([limit], [])
    clock.now += idle
    windows = limiter.grant([limit], [1] * 64).windows
    assert sum(1 for window in windows if window.opens == clock.now) <= burst


@given(rate=st.integers(1, 400), processes=st.integers(2, 12))
def test_processes_that_know_nothing_of_one_another_stay_within_the_limit_together(rate: int, processes: int) -> None:
    if rate < processes:
        assert share(rate, processes) * processes <= rate
        return
    clock = Clock()
    limiter = MemoryLimiter(clock)
    limiter.shared_among(processes)
    assert worst_second(slots(limiter, clock, [Limit("line", rate=rate)], seconds=4)) * processes <= rate


def test_who_is_alone_at_two_hundred_a_second_keeps_four_fifths_of_its_share() -> None:
    assert share(200, 4) * HEADROOM * 4 >= 200 * 0.8


async def test_those_who_wait_are_served_in_order() -> None:
    limiter, served = MemoryLimiter(), []

    async def wait(name: str) -> None:
        await limiter.line([Limit("line", rate=500)]).join(1).reached()
        served.append(name)

    await asyncio.gather(*(wait(name) for name in ("花", "健", "リン", "メイ", "トメ")))
    assert served == ["花", "健", "リン", "メイ", "トメ"]


async def test_who_stops_waiting_does_not_hold_the_next() -> None:
    limiter = MemoryLimiter()
    gone = asyncio.create_task(limiter.line([Limit("line", rate=50)]).join(1).reached())
    await asyncio.sleep(0)
    gone.cancel()
    await limiter.line([Limit("line", rate=50)]).join(1).reached()
    assert gone.cancelled()


@pytest.mark.parametrize(("rate", "burst", "cost"), [(200, 1, 1), (5_000, 1, 1), (5_000, 8, 3), (1_000_000, 1, 1)])
def test_a_run_of_calls_gets_as_many_open_slots_as_calls_one_by_one_would(rate: float, burst: int, cost: int) -> None:
    limits = [Limit("sms", rate=rate, burst=burst), Limit("sms/docomo", rate=3 * rate, burst=burst)]
    together, one_by_one = Schedule(), Schedule()
    for schedule in (together, one_by_one):
        schedule.reserve(limits, [1], 0.0)
    open_now = [slot for _ in range(32) for slot in one_by_one.reserve(limits, [cost], 9.0)[0] if slot == 9.0]
    assert together.at_once(limits, cost, 32, 9.0) == len(open_now)
    assert together.at_once(limits, cost, 32, 9.0) == 0 or rate == 1_000_000


def test_a_run_of_calls_gets_no_slot_where_a_second_is_full() -> None:
    schedule, limits = Schedule(), [Limit("sms", rate=5, burst=5)]
    schedule.reserve(limits, [1], 0.0)
    assert schedule.at_once(limits, 1, 32, 10.0) <= 9
    assert schedule.at_once(limits, 1, 32, 10.0) == 0
