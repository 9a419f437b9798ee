"""The nearest of many targets for each of many positions, exactly, and how much farther the next one is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.distance import EARTH_RADIUS, metres
from geo.ranges import spread, starts
from geo.shortlists import Shortlists, shortlists, unit_vectors

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

ROWS_AT_ONCE = 8_192
"""What is compared at once stays in a processor's cache: 64 kB a column."""

FEW = 24
"""So many targets are compared one after the other; for more, short lists are made first."""

MOST_PAIRS = 1_000_000
"""Distances measured at once where cosines cannot decide."""

ROUNDING = 1e-15
"""Two cosines closer than this may stand in the wrong order; such pairs are measured by `metres`."""

NONE = -2.0
"""No cosine is so small."""


@dataclass(frozen=True, slots=True)
class _Best:
    """Per position the nearest target, its cosine, and the cosine of the next one; NONE where there is none."""

    target: Longs
    cosine: Floats
    next_cosine: Floats

    @classmethod
    def unknown(cls, length: int) -> _Best:
        return cls(np.zeros(length, np.int64), np.full(length, NONE), np.full(length, NONE))

    def meet(self, target: int | Longs, cosine: Floats) -> None:
        """Take in one more target for each of the first `len(cosine)` positions; the earlier of equals stays."""
        first, second = self.cosine[: len(cosine)], self.next_cosine[: len(cosine)]
        np.copyto(self.target[: len(cosine)], target, where=cosine > first)
        np.maximum(second, np.minimum(first, cosine), out=second)
        np.maximum(first, cosine, out=first)

    @property
    def unsure(self) -> Longs:
        return np.flatnonzero(self.cosine - self.next_cosine <= ROUNDING)


def nearest(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats) -> tuple[Longs, Floats]:
    """For each of n positions the nearest of m others: its position int64[n], the lowest of equally near ones,
    and the distance float64[n] in metres, both exactly as comparing all pairs by `metres` would find them.
    -1 and NaN for a position that is NaN, and for all when m is 0.
    """
    positions, distances, _ = _nearest(lons, lats, to_lons, to_lats, two=False)
    return positions, distances


def nearest_with_gap(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats) -> tuple[Longs, Floats, Floats]:
    """As `nearest`, and how many metres farther the next target is: float64[n], to a millimetre; infinite without one."""
    return _nearest(lons, lats, to_lons, to_lats, two=True)


def _nearest(
    lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats, *, two: bool
) -> tuple[Longs, Floats, Floats]:
    positions = np.full(len(lons), -1, dtype=np.int64)
    distances, gaps = np.full(len(lons), np.nan), np.full(len(lons), np.inf)
    known = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
    if not len(to_lons) or not len(known):
        return positions, distances, gaps
    place, alone = _places(to_lons, to_lats)
    east, north = to_lons[place], to_lats[place]
    best = _best(lons[known], lats[known], east, north, two=two)
    positions[known] = place[best.target]
    distances[known] = metres(lons[known], lats[known], east[best.target], north[best.target])
    if two:
        gaps[known] = np.where(alone[best.target], _gap(best), 0.0)
    return positions, distances, gaps


def _places(lons: Floats, lats: Floats) -> tuple[Longs, NDArray[np.bool_]]:
    """The first target at each place, ascending, and whether it is the only one there.

    Sites often share a building; left in, they would make everybody near them a tie.
    """
    _, first, often = np.unique(np.stack([lons, lats], axis=1), axis=0, return_index=True, return_counts=True)
    order = np.argsort(first)
    return first[order], often[order] == 1


def _best(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats, *, two: bool) -> _Best:
    vectors = unit_vectors(to_lons, to_lats)
    best = _Best.unknown(len(lons))
    if len(to_lons) <= FEW:
        everything = np.arange(len(to_lons))
        for start in range(0, len(lons), ROWS_AT_ONCE):
            rows = np.arange(start, min(start + ROWS_AT_ONCE, len(lons)))
            found = _among_all(unit_vectors(lons[rows], lats[rows]), vectors)
            _settle(found, lons[rows], lats[rows], to_lons, to_lats, np.zeros(len(rows), np.int64),
                    np.full(len(rows), len(everything)), everything)  # fmt: skip
            _put(best, rows, found)
    else:
        _by_lists(best, lons, lats, to_lons, to_lats, shortlists(lons, lats, vectors, two=two))
    return best


def _among_all(people: Floats, targets: Floats) -> _Best:
    """Target by target, with the best two so far, over few enough rows to stay in the processor's cache: ten times
    as fast as a matrix of all cosines.
    """
    x, y, z = people
    best, cosine = _Best.unknown(len(x)), np.empty(len(x))
    for number, (east, north, up) in enumerate(targets.T):
        np.multiply(x, east, out=cosine)
        cosine += y * north
        cosine += z * up
        best.meet(number, cosine)
    return best


def _by_lists(best: _Best, lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats, lists: Shortlists) -> None:
    """Groups with the longest lists first, so that those who have a k-th target stand at the front."""
    vectors = unit_vectors(to_lons, to_lats)
    longest = np.argsort(-lists.counts, kind="stable")
    sizes = (lists.high - lists.low)[longest]
    group, at = spread(lists.low[longest], sizes)
    rows, group = lists.order[at], longest[group]
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part, of = rows[start : start + ROWS_AT_ONCE], group[start : start + ROWS_AT_ONCE]
        first, counts = lists.first[of], lists.counts[of]
        found = _among_listed(unit_vectors(lons[part], lats[part]), vectors, first, counts, lists.targets)
        _settle(found, lons[part], lats[part], to_lons, to_lats, first, counts, lists.targets)
        _put(best, part, found)


def _among_listed(people: Floats, vectors: Floats, first: Longs, counts: Longs, targets: Longs) -> _Best:
    """`counts` descend."""
    x, y, z = people
    east, north, up = vectors
    best = _Best.unknown(len(x))
    for place in range(int(counts[0])):
        have = int(np.searchsorted(-counts, -place))
        target = targets[first[:have] + place]
        best.meet(target, x[:have] * east[target] + y[:have] * north[target] + z[:have] * up[target])
    return best


def _settle(
    found: _Best,
    lons: Floats,
    lats: Floats,
    to_lons: Floats,
    to_lats: Floats,
    first: Longs,
    counts: Longs,
    targets: Longs,
) -> None:
    """Measure again where rounding may have decided: all targets of the position's list, the lowest of the nearest."""
    unsure = found.unsure
    while len(unsure):
        some = max(int(np.searchsorted(np.cumsum(counts[unsure]), MOST_PAIRS)), 1)
        rows, unsure = unsure[:some], unsure[some:]
        owner, at = spread(first[rows], counts[rows])
        target, begins = targets[at], starts(counts[rows])
        measured = metres(lons[rows][owner], lats[rows][owner], to_lons[target], to_lats[target])
        least = measured == np.minimum.reduceat(measured, begins)[owner]
        at_least = np.flatnonzero(least)
        _, lowest = np.unique(owner[at_least], return_index=True)
        found.target[rows] = target[at_least[lowest]]


def _put(best: _Best, rows: Longs, found: _Best) -> None:
    best.target[rows], best.cosine[rows], best.next_cosine[rows] = found.target, found.cosine, found.next_cosine


def _gap(best: _Best) -> Floats:
    one, other = (np.arccos(np.clip(cosine, -1.0, 1.0)) for cosine in (best.cosine, best.next_cosine))
    return np.where(best.next_cosine == NONE, np.inf, np.maximum(other - one, 0.0) * EARTH_RADIUS)
