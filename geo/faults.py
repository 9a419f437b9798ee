"""Collecting everything that is wrong with an input before refusing it once."""

from __future__ import annotations

from words.problem import Problem, Refused

MOST_FAULTS = 20
"""More are not listed: nobody reads them, and hostile input must not cost more by being worse."""


class Faults:
    """The problems found so far, at most MOST_FAULTS of them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    @property
    def full(self) -> bool:
        return len(self.problems) >= MOST_FAULTS

    def add(self, code: str, where: str, ja: str, en: str) -> None:
        if not self.full:
            self.problems.append(Problem(code, where, ja, en))

    def refuse(self) -> None:
        """Raises Refused when anything was found."""
        if self.problems:
            raise Refused(self.problems)


def pair(lon: float, lat: float) -> str:
    """A position as people find it in their GeoJSON: `[133.77, 34.6]`."""
    return f"[{lon:.10g}, {lat:.10g}]"
