"""Counting a draft: how many people, by channel, language and shelter. Nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.drafting import Plan
from dispatcher.routing import NO_SHELTER


@dataclass(frozen=True, slots=True)
class ShelterShare:
    """People sent to one shelter."""

    id: str
    name: str
    people: int


@dataclass(frozen=True, slots=True)
class Count:
    """`people` have a place inside; `audience` of them are reached on some channel. Languages and shelters count these."""

    people: int
    audience: int
    channels: dict[str, int]
    languages: dict[str, int]
    shelters: list[ShelterShare]


def count(plan: Plan) -> Count:
    """Shelters by load, the fullest first; whoever's text names none is in no shelter's share."""
    reached = np.zeros(len(plan.match), dtype=bool)
    shelters = np.full(len(plan.match), NO_SHELTER, np.int32)
    for channel, rows in plan.routed.items():
        reached[rows] = True
        shelters[rows] = np.maximum(shelters[rows], plan.variants[channel].shelters[rows])
    return Count(
        people=len(plan.match),
        audience=int(reached.sum()),
        channels={channel: len(rows) for channel, rows in plan.routed.items()},
        languages=_by_name(plan.match.languages[reached], plan.match.language_names),
        shelters=_shares(plan, shelters[reached]),
    )


def _by_name(column: NDArray[np.int16], names: Sequence[str]) -> dict[str, int]:
    """The most frequent first."""
    totals = np.bincount(column, minlength=len(names))
    return {names[i]: int(totals[i]) for i in np.argsort(-totals, kind="stable") if totals[i]}


def _shares(plan: Plan, shelters: NDArray[np.int32]) -> list[ShelterShare]:
    totals = np.bincount(shelters[shelters != NO_SHELTER], minlength=len(plan.shelters.ids))
    order = np.argsort(-totals, kind="stable")
    return [ShelterShare(plan.shelters.ids[i], plan.shelters.names[i], int(totals[i])) for i in order if totals[i]]
