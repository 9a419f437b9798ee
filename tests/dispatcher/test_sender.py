"""How much the sender takes in hand."""

from dispatcher.sender import width
from tests.dispatcher.engine_room import channel


def test_calls_for_many_are_prepared_and_recorded_beside_those_under_way() -> None:
    line = channel("line", "line", 500, repeatable=True, at_once=16, rate=200)
    assert width(line, "") == 32


def test_a_slow_limit_needs_little_ahead_of_its_calls() -> None:
    line = channel("line", "line", 500, repeatable=True, at_once=16, rate=5)
    assert width(line, "") == 17


def test_no_more_is_begun_than_can_be_called_where_a_repeat_would_count_twice() -> None:
    bulk = channel("bulk", "email", 500, repeatable=False, at_once=16, rate=200)
    assert width(bulk, "") == 16


def test_a_run_of_single_calls_is_one_batch_at_a_time() -> None:
    assert width(channel("sms", "phone", 1, repeatable=False), "") == 1
