"""When the sandbox misbehaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.sandbox.faults import Rule, Schedule, read_rules, read_rules_file
from tests.channels.sandbox.desk import HANA, KEN, LINH
from words.problem import Refused


def schedule(*rules: dict[str, Any], seed: int = 0) -> Schedule:
    return Schedule([msgspec.convert(rule, Rule) for rule in rules], seed)


def fired(faults: Schedule, times: int) -> list[int]:
    """Which of so many LINE requests to Hana met a fault, counted from 1."""
    return [number for number in range(1, times + 1) if faults.fault("line", [HANA])]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ({}, [1, 2, 3, 4, 5, 6]),
        ({"first": 2}, [1, 2]),
        ({"nth": [3, 5]}, [3, 5]),
        ({"every": 3}, [3, 6]),
        ({"every": 2, "until": 2}, [2, 4]),
        ({"probability": 0}, []),
        ({"probability": 1}, [1, 2, 3, 4, 5, 6]),
    ],
)
def test_a_rule_fires_when_its_selector_says(selector: dict[str, Any], expected: list[int]) -> None:
    assert fired(schedule({"channel": "line", "fault": "error", **selector}), 6) == expected


def test_the_same_seed_gives_the_same_faults_and_another_gives_others() -> None:
    rule = {"channel": "line", "fault": "error", "probability": 0.5}
    runs = [fired(schedule(rule, seed=seed), 64) for seed in (7, 7, 8)]
    assert runs[0] == runs[1] != runs[2]
    assert 16 < len(runs[0]) < 48


def test_a_rule_counts_only_the_requests_it_concerns() -> None:
    faults = schedule({"channel": "line", "fault": "refuse", "to": HANA, "first": 1})
    assert faults.fault("line", [LINH]) is None
    assert faults.fault("sms", [HANA]) is None
    assert faults.fault("line", [LINH, HANA]) is faults.rules[0]
    assert faults.fault("line", [HANA]) is None


def test_a_domain_narrows_mail_without_regard_to_case() -> None:
    faults = schedule({"channel": "email", "fault": "slow", "domain": "Hill.example"})
    assert faults.fault("email", [KEN], "hill.example")
    assert faults.fault("email", ["tome@docomo.ne.jp"], "docomo.ne.jp") is None


def test_the_first_rule_that_fires_is_met_and_the_others_count_on() -> None:
    faults = schedule(
        {"channel": "line", "fault": "error", "first": 1}, {"channel": "line", "fault": "rate", "nth": [1, 2]}
    )
    met = [faults.fault("line", [HANA]) for _ in range(3)]
    assert [rule.fault if rule else None for rule in met] == ["error", "rate", None]
    assert faults.fired == [1, 1]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (b"[{]", "malformed"),
        (b'[{"channel": "fax", "fault": "error"}]', "Invalid enum value 'fax' - at `$[0].channel`"),
        (b'[{"channel": "line", "fault": "gremlin"}]', "Invalid enum value 'gremlin'"),
        (b'[{"channel": "line", "fault": "error", "often": 3}]', "unknown field `often`"),
        (b'[{"channel": "line", "fault": "greylist"}]', "the fault greylist is for email only"),
        (b'[{"channel": "sms", "fault": "error", "domain": "docomo.ne.jp"}]', "a domain narrows rules for email only"),
        (b'[{"channel": "sms", "fault": "error", "first": 1, "every": 2}]', "one of first, nth, every and probability"),
        (b'[{"channel": "sms", "fault": "error", "every": 0}]', "Expected `int` >= 1"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused_with_the_reason(rules: bytes, words: str) -> None:
    with pytest.raises(Refused) as refused:
        read_rules(rules, "faults.json")
    assert words in refused.value.say("en")[0]
    assert refused.value.say("ja")[0].startswith("faults.json: 障害の指定を読めません")


def test_a_file_of_faults_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        read_rules_file(tmp_path / "none.json")
    assert "none.json: The file of faults cannot be opened." in refused.value.say("en")[0]
