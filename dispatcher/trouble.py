"""Trouble: what a process cannot do just now, in words for whoever looks after it.

A session's row carries it, `todoke status` says it, and the watch makes alarms of it (dispatcher/watch.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from words.problem import Tongue


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that holds up sending.

    `code` is stable and for machines (`quota.gone`); `where` is a channel (`line`), a lane (`email/docomo`) or empty;
    `ja` and `en` are whole sentences that say what is held up and what to do. Never an address or a name of a person:
    an alarm leaves the house.
    """

    code: str
    where: str
    ja: str
    en: str

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Trouble:
        return cls(stored["code"], stored["where"], stored["ja"], stored["en"])

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    def say(self, tongue: Tongue) -> str:
        sentence = self.ja if tongue == "ja" else self.en
        return f"{self.where}: {sentence}" if self.where else sentence


def as_json(troubles: Iterable[Trouble]) -> list[dict[str, str]]:
    return [trouble.as_json() for trouble in troubles]
