"""How many repeats a provider is given, and who of those that find no room comes first."""

from __future__ import annotations

from dispatcher.retry_budget import LEAST_A_SECOND, RetryBudget

ORDER, TOURISM = 0, 4


def seconds(budget: RetryBudget, number: int, *, accepted: int = 0) -> None:
    for _ in range(number):
        budget.tick(accepted)


def test_a_tenth_of_a_minutes_accepted_calls_may_be_repeats() -> None:
    budget = RetryBudget()
    seconds(budget, 60, accepted=200)
    assert budget.take("order", 5_000) == 1_200


def test_what_a_minute_had_is_gone_with_it() -> None:
    budget = RetryBudget()
    seconds(budget, 1, accepted=12_000)
    seconds(budget, 59)
    assert budget.left == 1_200
    seconds(budget, 1)
    assert budget.left == LEAST_A_SECOND


def test_a_storm_gets_no_more_than_a_tenth_and_the_least_of_each_second() -> None:
    budget, repeats = RetryBudget(), 0
    for _ in range(600):
        repeats += budget.take("order", 1_000)
        budget.wait("order", 1_000, ORDER)
        budget.tick(100)
    assert repeats <= 600 * (100 * 0.1 + LEAST_A_SECOND)


def test_a_provider_that_accepts_nothing_is_still_asked_again() -> None:
    budget = RetryBudget()
    assert [budget.take("one", 15), budget.take("other", 5)] == [10, 0]
    seconds(budget, 1)
    assert budget.take("other", 5) == 5


def test_who_finds_no_room_has_it_when_they_come_again() -> None:
    budget = RetryBudget()
    budget.take("one", 10)
    wait = budget.wait("many", 290, ORDER)
    assert wait == 30
    seconds(budget, int(wait))
    assert budget.take("many", 290) == 290


def test_what_was_given_out_in_the_line_is_nobody_elses() -> None:
    budget = RetryBudget()
    budget.wait("first", 20, ORDER)
    seconds(budget, 2)
    assert [budget.take("second", 5), budget.take("first", 20)] == [0, 20]


def test_a_line_is_served_in_turn() -> None:
    budget = RetryBudget()
    assert [budget.wait(name, 10, ORDER) for name in ("first", "second", "third")] == [2, 3, 4]
    seconds(budget, 2)
    assert [budget.take(name, 10) for name in ("first", "second", "third")] == [10, 10, 0]


def test_an_order_does_not_wait_behind_tourism() -> None:
    budget = RetryBudget()
    budget.wait("fireworks", 1_000, TOURISM)
    assert budget.wait("order", 1, ORDER) == 1.1
    assert budget.wait("more fireworks", 1, TOURISM) > 100
    seconds(budget, 1)
    assert budget.take("order", 1) == 1


def test_tourism_gets_what_orders_leave() -> None:
    budget = RetryBudget()
    budget.wait("fireworks", 10, TOURISM)
    budget.wait("order", 4, ORDER)
    seconds(budget, 1)
    assert [budget.take("fireworks", 10), budget.take("order", 4)] == [6, 4]


def test_what_nobody_comes_for_is_not_kept() -> None:
    budget = RetryBudget()
    budget.wait("gone to another worker", 100, ORDER)
    seconds(budget, 60)
    assert budget.waiting == 0
    assert budget.take("gone to another worker", 100) == LEAST_A_SECOND
