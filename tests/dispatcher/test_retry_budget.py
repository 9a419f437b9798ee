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
    assert budget.take(5_000, ORDER) == 1_200


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
        repeats += budget.take(1_000, ORDER)
        budget.tick(100)
    assert repeats <= 600 * (100 * 0.1 + LEAST_A_SECOND)


def test_a_provider_that_accepts_nothing_is_still_asked_again() -> None:
    budget = RetryBudget()
    assert [budget.take(15, ORDER), budget.take(5, ORDER)] == [10, 0]
    seconds(budget, 1)
    assert budget.take(5, ORDER) == 5


def test_who_finds_no_room_waits_for_as_long_as_a_line_of_them_takes() -> None:
    budget = RetryBudget()
    assert [budget.wait(1, ORDER), budget.wait(9, ORDER), budget.wait(10, ORDER)] == [1.1, 2, 3]


def test_the_line_moves_up_every_second() -> None:
    budget = RetryBudget()
    budget.wait(25, ORDER)
    for left in (15, 5, 0):
        budget.tick(0)
        assert budget.waiting == left


def test_an_order_does_not_wait_behind_tourism() -> None:
    budget = RetryBudget()
    budget.wait(1_000, TOURISM)
    assert budget.wait(1, ORDER) == 1.1
    assert budget.wait(1, TOURISM) > 100


def test_tourism_repeats_nothing_while_an_orders_repeats_wait() -> None:
    budget = RetryBudget()
    budget.wait(1, ORDER)
    assert [budget.take(1, TOURISM), budget.take(1, ORDER)] == [0, 1]
    seconds(budget, 1)
    assert budget.take(1, TOURISM) == 1
