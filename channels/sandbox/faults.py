"""When and how the sandbox misbehaves: rules, and the seeded schedule that fires them."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from words.problem import Problem, Refused

ChannelName = Literal["line", "sms", "email"]
Fault = Literal[
    "rate",
    "quota",
    "error",
    "error_accepted",
    "timeout",
    "timeout_accepted",
    "drop_before",
    "drop_after",
    "unauthorized",
    "slow",
    "refuse",
    "refuse_data",
    "greylist",
    "connections",
    "undelivered",
    "no_receipt",
    "swallow",
]

ONLY: dict[str, tuple[str, ...]] = {
    "refuse_data": ("email",),
    "greylist": ("email",),
    "connections": ("email",),
    "undelivered": ("sms",),
    "no_receipt": ("sms",),
    "swallow": ("line", "email"),
}

Positive = Annotated[int, msgspec.Meta(ge=1)]


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One misbehaviour, and which of the requests it concerns meet it.

    It concerns the requests of `channel`, narrowed by `to` (a LINE id, a phone number, a mailbox)
    and `domain` (of the mailbox). Of those it counts, it fires for the `first` n, the `nth` (from
    1), `every` n-th, or each with a `probability`; with none of these, for all. `until` is how
    often it may fire. `seconds` is how long `slow` sleeps or how early a greylisted sender may
    come back, `count` the connections a domain bears, `code` the error of an `undelivered` SMS,
    and `named` false keeps a LINE refusal from saying which recipient it meant.
    """

    channel: ChannelName
    fault: Fault
    first: Positive | None = None
    nth: tuple[Positive, ...] | None = None
    every: Positive | None = None
    probability: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    to: str | None = None
    domain: str | None = None
    until: Positive | None = None
    seconds: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    count: Positive = 1
    code: int = 30003
    named: bool = True

    def __post_init__(self) -> None:
        if self.channel not in ONLY.get(self.fault, (self.channel,)):
            raise ValueError(f"the fault {self.fault} is for {' and '.join(ONLY[self.fault])} only")
        if self.domain is not None and self.channel != "email":
            raise ValueError("a domain narrows rules for email only")
        if sum(given is not None for given in (self.first, self.nth, self.every, self.probability)) > 1:
            raise ValueError("a rule takes one of first, nth, every and probability")

    def concerns(self, channel: ChannelName, to: Collection[str], domain: str) -> bool:
        return (
            self.channel == channel
            and (self.to is None or self.to in to)
            and (self.domain is None or self.domain.lower() == domain)
        )

    def hits(self, seen: int, chance: float) -> bool:
        """Whether it fires for the `seen`-th request it concerns (from 1); `chance` is that request's draw."""
        if self.first is not None:
            return seen <= self.first
        if self.nth is not None:
            return seen in self.nth
        if self.every is not None:
            return seen % self.every == 0
        return self.probability is None or chance < self.probability


class Schedule:
    """Fires rules. The same rules, seed and order of arrival give the same faults."""

    def __init__(self, rules: Sequence[Rule] = (), seed: int = 0) -> None:
        self.rules = tuple(rules)
        self._chances = [random.Random(f"{seed}/{number}") for number in range(len(self.rules))]  # noqa: S311
        self._seen = [0] * len(self.rules)
        self.fired = [0] * len(self.rules)

    def fault(self, channel: ChannelName, to: Collection[str], domain: str = "") -> Rule | None:
        """The rule this request meets: the first that fires. Every rule it concerns counts it."""
        met = None
        for number, rule in enumerate(self.rules):
            if rule.concerns(channel, to, domain) and self._fires(number, rule) and met is None:
                met = rule
                self.fired[number] += 1
        return met

    def _fires(self, number: int, rule: Rule) -> bool:
        self._seen[number] += 1
        hit = rule.hits(self._seen[number], self._chances[number].random())
        return hit and (rule.until is None or self.fired[number] < rule.until)


def read_rules(data: bytes, where: str) -> tuple[Rule, ...]:
    """The rules of a JSON list. Raises Refused naming `where`, and the place in the list."""
    try:
        return msgspec.json.decode(data, type=tuple[Rule, ...])
    except msgspec.MsgspecError as error:
        raise Refused(
            Problem(
                "sandbox.faults",
                where,
                f"障害の指定を読めません（{error}）。規則のJSON配列を docs/sandbox.md のとおりに書いてください。",
                f"The faults cannot be read: {error}. Write a JSON list of rules as docs/sandbox.md describes.",
            )
        ) from error


def read_rules_file(path: Path) -> tuple[Rule, ...]:
    """The rules in a file. Raises Refused when it cannot be read."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise Refused(
            Problem(
                "sandbox.faults_file",
                str(path),
                "障害の指定ファイルを開けません。場所と読み取り権限を確かめてください。",
                "The file of faults cannot be opened. Check where it is and who may read it.",
            )
        ) from error
    return read_rules(data, str(path))
