"""Shelters: the official CSV files, the hazards of the law, and the board of those people may be sent to."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geo.nearest import nearest
from geo.sharing import UNKNOWN, shared

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

HAZARDS: tuple[str, ...] = (
    "flood",
    "landslide",
    "storm_surge",
    "earthquake",
    "tsunami",
    "fire",
    "inland_flood",
    "volcano",
)
"""The eight kinds of disaster a 指定緊急避難場所 is designated for, in the order of the Order for Enforcement of
the Basic Act on Disaster Management, article 20-4, and of the official CSV; bit n of a mask is the n-th."""


class ShelterStatus(StrEnum):
    UNOPENED = "unopened"
    OPEN = "open"
    CROWDED = "crowded"
    FULL = "full"
    CLOSED = "closed"

    @property
    def ja(self) -> str:
        return {"unopened": "未開設", "open": "開設", "crowded": "混雑", "full": "満員", "closed": "閉鎖"}[self.value]

    @property
    def receives(self) -> bool:
        """Whether people may still be sent there."""
        return self in {ShelterStatus.OPEN, ShelterStatus.CROWDED}


@dataclass(frozen=True, slots=True)
class Shelter:
    """One row of an official file. `hazards` is a mask of HAZARDS; degrees; `capacity` in people, None if unknown.

    `stay` tells whether it is (also) a 指定避難所, a shelter to stay in. One that is nothing else has no hazards.
    """

    id: str
    name: str
    address: str
    hazards: int
    stay: bool
    lon: float
    lat: float
    capacity: int | None = None


def hazard_bit(hazard: str) -> int:
    """The mask of one hazard. Raises ValueError when the law does not know it."""
    if hazard not in HAZARDS:
        raise ValueError(f"{hazard!r} is none of the hazards of the shelter law: {', '.join(HAZARDS)}")
    return 1 << HAZARDS.index(hazard)


@dataclass(frozen=True, slots=True)
class ShelterBoard:
    """The shelters people may be sent to now, one row a shelter: open or crowded, never full.

    `ids` and `names` hold m strings, `lons` and `lats` float64[m] in degrees, `hazards` int64[m] masks,
    `capacities` int64[m] people, -1 where nobody stated one.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    lons: Floats
    lats: Floats
    hazards: Longs
    capacities: Longs

    @classmethod
    def of(cls, shelters: Iterable[tuple[Shelter, ShelterStatus]]) -> ShelterBoard:
        """The board of those that receive people, in the order given."""
        receiving = [shelter for shelter, status in shelters if status.receives]
        return cls(
            tuple(shelter.id for shelter in receiving),
            tuple(shelter.name for shelter in receiving),
            np.array([shelter.lon for shelter in receiving], dtype=np.float64),
            np.array([shelter.lat for shelter in receiving], dtype=np.float64),
            np.array([shelter.hazards for shelter in receiving], dtype=np.int64),
            np.array([_capacity(shelter) for shelter in receiving], dtype=np.int64),
        )

    def __len__(self) -> int:
        return len(self.ids)

    def for_hazard(self, hazard: str | None) -> ShelterBoard:
        """Those designated for the hazard; all of them where an event has none. Raises ValueError as `hazard_bit`.

        A site is designated when it is safe where it stands, by its ground or its upper floors (Basic Act on Disaster
        Management, article 49-4; its Order, articles 20-3 and 20-4). So a designated one may stand inside the dangerous
        area, and one that is not never counts, inside or outside.
        """
        if hazard is None:
            return self
        fit = np.flatnonzero(self.hazards & hazard_bit(hazard))
        return ShelterBoard(
            tuple(self.ids[position] for position in fit),
            tuple(self.names[position] for position in fit),
            self.lons[fit],
            self.lats[fit],
            self.hazards[fit],
            self.capacities[fit],
        )

    def nearest(self, lons: Floats, lats: Floats) -> tuple[Longs, Floats]:
        """For each position the row of the nearest shelter and the metres to it; -1 and NaN where there is none."""
        return nearest(lons, lats, self.lons, self.lats)

    def shared(self, lons: Floats, lats: Floats) -> tuple[Longs, Floats]:
        """As `nearest`, but nobody is sent to a shelter beyond its capacity while another has room (`geo.sharing`)."""
        return shared(lons, lats, self.lons, self.lats, self.capacities)


def _capacity(shelter: Shelter) -> int:
    return UNKNOWN if shelter.capacity is None else shelter.capacity
