"""The sandbox counts by the second."""

from __future__ import annotations

from pathlib import Path

from channels.sandbox.counts import ChannelCounts, Rate, Register
from channels.sandbox.journal import RequestLog, lines


def test_no_second_ever_holds_more_than_the_limit() -> None:
    rate = Rate(3)
    assert [rate.admits(now) for now in (0.0, 0.5, 0.9, 0.99)] == [True, True, True, False]
    assert [rate.admits(now) for now in (1.0, 1.1, 1.5)] == [True, False, True]


def test_a_limit_of_nothing_is_no_limit() -> None:
    assert all(Rate(0).admits(0.0) for _ in range(1000))


def test_the_busiest_second_is_remembered_wherever_it_began() -> None:
    counts = ChannelCounts()
    for now in (0.0, 0.9, 1.0, 1.1, 1.8, 5.0):
        counts.arrive(now)
    assert counts.peak == 4


def test_a_request_is_written_down_with_what_became_of_it(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "requests.jsonl")
    register = Register(log)
    arrival = register.arrive("sms", "create")
    register.meet(arrival, "rate")
    register.answer(arrival, "refused", 429, "20429")
    log.close()
    [line] = lines(tmp_path / "requests.jsonl")
    assert (line["channel"], line["outcome"], line["code"], line["fault"]) == ("sms", "refused", "20429", "rate")
    assert register.channels["sms"].state()["answers"] == {"20429": 1}
