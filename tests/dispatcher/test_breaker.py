"""When a provider counts as sick, how it is tried meanwhile, and what shows that it works again."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from channels.contract import Answer, Pause, Verdict
from dispatcher.breaker import Breaker

OK = Answer(Verdict.ACCEPTED)
REFUSED = Answer(Verdict.REJECTED, code="550")
SERVER_ERROR = Answer(Verdict.AMBIGUOUS, code="500")
UNREACHABLE = Answer(Verdict.RETRY, code="unreachable", pause=Pause("lane", 2.0, "unreachable"), broke=True)
TOO_MANY = Answer(Verdict.RETRY, code="429", pause=Pause("channel", 1.0, "rate"))
GREYLISTED = Answer(Verdict.RETRY, code="451 4.7.1")


@dataclass
class Provider:
    """A provider with sixteen connections, and a clock that goes on when told to."""

    now: float = 100.0
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.breaker = Breaker(16, lambda: self.now)

    def answers(self, answer: Answer, times: int = 1) -> bool:
        """So many calls, begun and answered this moment; whether one of them opened or closed the breaker."""
        return True in [self.breaker.count(answer, self.now) for _ in range(times)]

    def seconds(self, number: int) -> None:
        for _ in range(number):
            self.now += 1
            self.breaker.tick()


@pytest.mark.parametrize("sick", [SERVER_ERROR, UNREACHABLE])
def test_it_opens_when_half_of_twenty_calls_fail(sick: Answer) -> None:
    line = Provider()
    line.answers(OK, 10)
    assert not line.answers(sick, 9)
    assert line.answers(sick)
    assert line.breaker.opened


def test_fewer_than_half_do_not_open_it_however_many_they_are() -> None:
    line = Provider()
    line.answers(OK, 1_010)
    line.answers(SERVER_ERROR, 1_000)
    assert not line.breaker.opened


@pytest.mark.parametrize("answer", [REFUSED, TOO_MANY, GREYLISTED])
def test_what_a_provider_refuses_does_not_make_it_sick(answer: Answer) -> None:
    line = Provider()
    line.answers(answer, 100)
    line.seconds(1)
    assert not line.breaker.opened
    assert not line.breaker.unwell


def test_what_was_ten_seconds_ago_is_forgotten() -> None:
    line = Provider()
    line.answers(SERVER_ERROR, 19)
    line.seconds(9)
    assert line.breaker.unwell
    line.seconds(1)
    line.answers(SERVER_ERROR, 1)
    assert not line.breaker.opened


def test_failures_of_several_seconds_count_together() -> None:
    line = Provider()
    for _ in range(9):
        line.answers(SERVER_ERROR, 2)
        line.seconds(1)
    assert line.answers(SERVER_ERROR, 2)


def opened() -> Provider:
    line = Provider()
    line.answers(SERVER_ERROR, 20)
    return line


def test_one_message_every_two_seconds_tries_a_sick_provider() -> None:
    line = opened()
    assert not line.breaker.admits()
    line.now += 2
    assert line.breaker.admits()
    line.breaker.probe()
    assert not line.breaker.admits()
    line.now += 2
    assert line.breaker.admits()


@pytest.mark.parametrize("answer", [OK, REFUSED, TOO_MANY])
def test_any_answer_to_a_probe_closes_it(answer: Answer) -> None:
    line = opened()
    line.now += 2
    assert line.answers(answer)
    assert not line.breaker.opened
    assert line.breaker.admits()


def test_a_probe_that_fails_leaves_it_open() -> None:
    line = opened()
    line.now += 2
    assert not line.answers(UNREACHABLE)
    assert line.breaker.opened


def test_calls_begun_before_it_opened_do_not_close_it() -> None:
    line = Provider()
    began = line.now
    line.now += 1
    line.answers(SERVER_ERROR, 20)
    assert not line.breaker.count(OK, began)
    assert line.breaker.opened


def test_old_failures_do_not_open_it_again_when_it_has_closed() -> None:
    line = opened()
    line.now += 2
    line.answers(OK)
    assert not line.answers(SERVER_ERROR, 18)


def test_it_opens_after_five_seconds_in_which_half_of_the_connections_hang() -> None:
    line = Provider()
    line.breaker.under_way = 8
    line.seconds(5)
    assert not line.breaker.opened
    line.seconds(1)
    assert line.breaker.opened


def test_a_few_calls_that_hang_do_not_open_it() -> None:
    line = Provider()
    line.breaker.under_way = 7
    line.seconds(30)
    assert not line.breaker.opened


def test_calls_begun_meanwhile_are_not_yet_silent() -> None:
    line = Provider()
    line.breaker.under_way = 1
    line.seconds(4)
    line.breaker.under_way = 16
    line.seconds(5)
    assert not line.breaker.opened
    line.seconds(1)
    assert line.breaker.opened


def test_one_answer_shows_that_a_silent_provider_is_only_slow() -> None:
    line = Provider()
    line.breaker.under_way = 16
    began = line.now
    line.seconds(6)
    assert line.breaker.opened
    assert line.breaker.count(OK, began)
    assert not line.breaker.opened


def test_timeouts_are_not_taken_for_answers() -> None:
    line = Provider()
    line.breaker.under_way = 16
    for _ in range(6):
        line.seconds(1)
        line.answers(Answer(Verdict.AMBIGUOUS, code="timeout"))
    assert line.breaker.opened


def test_a_tenth_of_calls_failing_is_told_without_opening() -> None:
    line = Provider()
    line.answers(OK, 90)
    line.answers(SERVER_ERROR, 10)
    line.seconds(1)
    assert line.breaker.unwell
    assert not line.breaker.opened


def test_one_call_that_hangs_is_told_until_something_is_answered() -> None:
    line = Provider()
    line.breaker.under_way = 1
    line.seconds(6)
    assert line.breaker.unwell
    line.breaker.under_way = 0
    line.answers(Answer(Verdict.AMBIGUOUS, code="timeout"))
    line.seconds(5)
    assert line.breaker.unwell
    line.answers(OK)
    line.seconds(1)
    assert not line.breaker.unwell


def test_one_call_that_failed_long_ago_is_not_told_for_ever() -> None:
    line = Provider()
    line.breaker.under_way = 1
    line.seconds(6)
    line.breaker.under_way = 0
    line.answers(SERVER_ERROR)
    line.seconds(9)
    assert line.breaker.unwell
    line.seconds(2)
    assert not line.breaker.unwell


def test_a_call_that_fails_now_and_then_is_not_worth_telling() -> None:
    line = Provider()
    line.answers(OK, 98)
    line.answers(SERVER_ERROR, 2)
    line.seconds(1)
    assert not line.breaker.unwell
