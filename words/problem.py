"""A problem a person can act on, in the two languages of the console."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Tongue = Literal["ja", "en"]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, where, and what to do about it.

    `code` is stable and for machines (`area.self_intersection`); `where` is a JSON pointer
    (`/area/coordinates/0/3`), a line of a file (`line 12, phone`) or the name of a setting;
    `ja` and `en` are whole sentences that say what is wrong and what to do.
    """

    code: str
    where: str
    ja: str
    en: str

    def say(self, tongue: Tongue) -> str:
        sentence = self.ja if tongue == "ja" else self.en
        return f"{self.where}: {sentence}" if self.where else sentence


class Refused(Exception):
    """Input that was refused whole; nothing was changed. Carries every problem found, at least one."""

    def __init__(self, problems: Iterable[Problem] | Problem) -> None:
        found = (problems,) if isinstance(problems, Problem) else tuple(problems)
        if not found:
            raise ValueError("a refusal names at least one problem")
        self.problems: tuple[Problem, ...] = found
        super().__init__("; ".join(problem.say("en") for problem in found))

    def say(self, tongue: Tongue) -> list[str]:
        return [problem.say(tongue) for problem in self.problems]
