"""A row of the fault matrix: a number, a sentence, and a scenario that measures its figures."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from tests.faults import rows

if TYPE_CHECKING:
    from tests.faults.stage import Stage


@dataclass(frozen=True)
class Figure:
    """What a row measured: `name` is as "lost" or "resumed after", `target` as it is printed beside the value."""

    name: str
    value: float
    target: str
    held: bool

    def __str__(self) -> str:
        return f"{self.name} {self.value:.4g} (target {self.target})"


def at_most(name: str, value: float, most: float, unit: str = "") -> Figure:
    """A figure that must not exceed `most`."""
    target = f"≤ {most:g} {unit}".strip() if most else "0"
    return Figure(name, value, target, held=value <= most)


def at_least(name: str, value: float, least: float, unit: str = "") -> Figure:
    """A figure that must reach `least`."""
    return Figure(name, value, f"≥ {least:g} {unit}".strip(), held=value >= least)


Scenario = Callable[["Stage"], Awaitable[list[Figure]]]


@dataclass(frozen=True)
class Row:
    number: int
    title: str
    """One short sentence."""
    run: Scenario
    long: bool = False
    """Runs only with --long."""


ROWS: list[Row] = []
"""Every row there is, in the order of their modules' names."""


def row(number: int, title: str, *, long: bool = False) -> Callable[[Scenario], Scenario]:
    """Registers the function below as the scenario of a row. One number may have several scenarios."""

    def register(scenario: Scenario) -> Scenario:
        ROWS.append(Row(number, title, scenario, long))
        return scenario

    return register


def load_rows() -> list[Row]:
    """ROWS, by number, once all modules in rows/ are imported."""
    for name in sorted(module.name for module in iter_modules(rows.__path__)):
        import_module(f"{rows.__name__}.{name}")
    return sorted(ROWS, key=lambda each: each.number)
