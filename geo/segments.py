"""The straight pieces a boundary is made of, and how often they meet: what validity and unions cost."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

SAMPLE = 64
MOST_TESTS = 100_000
"""Together they keep a look at 50,000 hostile segments below a tenth of a second."""


@dataclass(frozen=True, slots=True)
class Segments:
    """`start` and `end` are float64[n, 2], lon and lat in degrees; `ring` int64[n] numbers their ring."""

    start: Floats
    end: Floats
    ring: Longs

    def __len__(self) -> int:
        return len(self.start)

    def some(self) -> Segments:
        """At most SAMPLE of them, the same ones each time; random, for a comb's teeth repeat regularly."""
        if len(self) <= SAMPLE:
            return self
        chosen = np.random.default_rng(0).choice(len(self), SAMPLE, replace=False)
        return Segments(self.start[chosen], self.end[chosen], self.ring[chosen])


def segments(geometry: BaseGeometry) -> Segments:
    """The segments of a polygon or multipolygon, ring after ring."""
    coordinates, rings = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(geometry)), return_index=True)
    return _consecutive(coordinates, rings)


def segments_of(rings: list[Floats]) -> Segments:
    """The segments of rings not yet known to be sound."""
    numbers = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    return _consecutive(np.concatenate(rings), numbers)


def _consecutive(coordinates: Floats, rings: Longs) -> Segments:
    same = rings[1:] == rings[:-1]
    return Segments(coordinates[:-1][same], coordinates[1:][same], rings[:-1][same])


@dataclass(frozen=True, slots=True)
class Encounters:
    """Between a sample and all: pairs whose boxes overlap, and proper crossings, both scaled up to the whole.

    `crossing` is one of the crossings found (ring, ring, lon, lat), within a ring where there is such a one.
    """

    overlaps: float
    crossings: float
    crossing: tuple[int, int, float, float] | None


def encounters(some: Segments, others: Segments) -> Encounters:
    """How intricately `others` run among themselves or among `some`: an estimate, the same one each time."""
    sample = some.some()
    overlapping = _overlapping_boxes(sample, others)
    overlaps = len(overlapping[0]) * len(some) / len(sample)
    first, second = _at_most(MOST_TESTS, *overlapping)
    crossing = _crossing(sample, first, others, second)
    share = float(crossing.mean()) if len(crossing) else 0.0
    first, second = first[crossing], second[crossing]
    return Encounters(overlaps, overlaps * share, _example(sample, first, others, second) if len(first) else None)


def _at_most(most: int, first: Longs, second: Longs) -> tuple[Longs, Longs]:
    if len(first) <= most:
        return first, second
    chosen = np.random.default_rng(0).integers(len(first), size=most)
    return first[chosen], second[chosen]


def _overlapping_boxes(sample: Segments, others: Segments) -> tuple[Longs, Longs]:
    low, high = np.minimum(others.start, others.end), np.maximum(others.start, others.end)
    firsts, seconds = [], []
    for number in range(len(sample)):
        a, b = sample.start[number], sample.end[number]
        near = (low[:, 0] <= max(a[0], b[0])) & (high[:, 0] >= min(a[0], b[0]))
        near &= (low[:, 1] <= max(a[1], b[1])) & (high[:, 1] >= min(a[1], b[1]))
        found = np.flatnonzero(near)
        firsts.append(np.full(len(found), number))
        seconds.append(found)
    return np.concatenate(firsts), np.concatenate(seconds)


def _crossing(sample: Segments, first: Longs, others: Segments, second: Longs) -> NDArray[np.bool_]:
    a, b = sample.start[first], sample.end[first]
    c, d = others.start[second], others.end[second]
    apart = _side(a, b, c) * _side(a, b, d) < 0
    return np.asarray(apart & (_side(c, d, a) * _side(c, d, b) < 0))


def _side(a: Floats, b: Floats, p: Floats) -> Floats:
    """Positive where p lies left of a→b."""
    turn = (b[:, 0] - a[:, 0]) * (p[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[:, 0] - a[:, 0])
    return np.asarray(np.sign(turn))


def _example(sample: Segments, first: Longs, others: Segments, second: Longs) -> tuple[int, int, float, float]:
    within = np.flatnonzero(sample.ring[first] == others.ring[second])
    chosen = int(within[0]) if len(within) else 0
    i, j = first[chosen], second[chosen]
    a, b, c, d = sample.start[i], sample.end[i], others.start[j], others.end[j]
    along, across = b - a, d - c
    share = ((c - a)[0] * across[1] - (c - a)[1] * across[0]) / (along[0] * across[1] - along[1] * across[0])
    lon, lat = a + share * along
    return int(sample.ring[i]), int(others.ring[j]), float(lon), float(lat)
