"""PlaceIndex: which of millions of places lie in an area, exactly, in milliseconds.

The places are cut into strips of latitude holding equally many, and sorted by longitude within each. An area's
edges, cut at the borders of the strips, become chains that cover some intervals of longitude; between two
intervals nothing runs, so all places there are inside or all outside, and stand next to each other in memory.
Only places under an interval are tested, against the few edges near them. docs/geo.md has a picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.outline import Chains, Outline, chains, spread

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.signedinteger[Any]]

PLACES_A_STRIP, MOST_STRIPS = 2_500, 1_400
"""Fewer and wider strips mean more places to test, more and narrower ones more pieces of edge to sort. Measured
with ten million places: 4,000 strips take half as long again for 50,000 vertices, 700 a fifth."""

MOST_PIECES = 100_000
"""Pieces of edge handled at once: what they need stays in the processor's cache, and a zigzag of 50,000 edges
over all strips has 70 million of them."""

FEW_PIECES = 8
"""Among so few a place is tested against all under the run."""

MOST_EDGES = 400
"""A place near more edges than this is given to shapely, whose own index is then faster."""

MOST_PAIRS = 100_000
"""Places times edges tested at once."""

SHORT = 50
"""Places standing together, on average, below which they are collected by number instead of run by run."""

SPARSE = 4
"""Numbers are sorted when fewer than one place in so many was found, else marked and read off in order."""

MARGIN = 1e-10
"""Degrees, a hundredth of a millimetre: more than cutting an edge at a border can round. It costs no
exactness, for whatever stands under the margin is tested."""

ROUNDING = 4e-16
"""The relative error bound of a 2-D orientation in doubles (Shewchuk 1997, section 4.1: 3.33e-16), rounded up."""


@dataclass(frozen=True, slots=True)
class _Runs:
    """Chains by their western end, and the maximal unions of what they cover: one run each.

    Chain j covers the keys `left[j]` up to at most `reach[j]`, which is how far it or any before it reaches; its
    edges are `edges[first[j]:first[j + 1]]`; `odd[j]` tells whether the chains before j are crossed an odd number
    of times; `tied[j]` is the first chain with the same left end. Run i is made of the chains from `begin[i]` up
    to `begin[i + 1]`; the places `low[i]` up to `high[i]` stand under it.
    """

    edges: Longs
    first: Longs
    left: Floats
    reach: Floats
    odd: Flags
    tied: Longs
    begin: Longs
    low: Longs
    high: Longs


class PlaceIndex:
    """An immutable index of n places. `lons`, `lats`: float64[n] in degrees.

    Raises ValueError when they differ in length or hold a number that is not finite.
    Memory: 28 bytes a place.
    """

    def __init__(self, lons: Floats, lats: Floats) -> None:
        lons, lats = np.ascontiguousarray(lons, dtype=np.float64), np.ascontiguousarray(lats, dtype=np.float64)
        if lons.ndim != 1 or lons.shape != lats.shape:
            raise ValueError("lons and lats must be one-dimensional and equally long")
        if not (np.isfinite(lons).all() and np.isfinite(lats).all()):
            raise ValueError("a place needs a finite longitude and latitude")
        self._count = len(lons)
        if self._count:
            self._sort(lons, lats)

    def __len__(self) -> int:
        return self._count

    @property
    def nbytes(self) -> int:
        """What it keeps in memory, its own copy of the coordinates included."""
        return sum(each.nbytes for each in (self._order, self._lons, self._lats, self._keys)) if self._count else 0

    def within(self, geometry: BaseGeometry) -> Longs:
        """The positions of the places in a sound polygon or multipolygon, its edge included, ascending int64.

        Exactly those for which `shapely.intersects_xy` is true.
        """
        if not self._count or geometry.is_empty:
            return np.empty(0, dtype=np.int64)
        found: list[Numbers] = []
        outline = Outline.of(geometry, self._borders)
        for low, high in _blocks(outline.first, outline.last, len(self._borders) - 1):
            runs = self._runs(chains(outline, self._borders, low, high))
            found += self._between(runs)
            found += self._under(runs, outline, geometry)
        return self._ascending(found)

    def _sort(self, lons: Floats, lats: Floats) -> None:
        strips = int(np.clip(self._count // PLACES_A_STRIP, 1, MOST_STRIPS))
        size = -(-self._count // strips)
        starts = np.arange(0, self._count, size)
        order: Numbers = np.argsort(lats)
        if self._count < 2**31:
            order = order.astype(np.int32)
        self._borders = lats[order[np.append(starts, self._count - 1)]]
        self._west = float(lons.min()) - 1
        self._east = float(lons.max()) + 1
        for start in starts:
            strip = order[start : start + size]
            strip[:] = strip[np.argsort(lons[strip])]
        self._order, self._lons, self._lats = order, lons[order], lats[order]
        self._keys = self._lons - self._west
        offsets = self._offsets(np.arange(len(starts)))
        for start, offset in zip(starts, offsets, strict=True):
            self._keys[start : start + size] += offset

    def _offsets(self, strips: Longs) -> Floats:
        return np.asarray(strips * (self._east - self._west + 1), dtype=np.float64)

    def _key(self, strips: Longs, lons: Floats) -> Floats:
        """Where a longitude would stand in a strip. Never decreases with the longitude, whatever is rounded,
        so that a place with a smaller key does lie further west."""
        keys: Floats = (np.clip(lons, self._west, self._east) - self._west) + self._offsets(strips)
        return keys

    def _runs(self, found: Chains) -> _Runs:
        left = self._key(found.strips, found.west - MARGIN)
        order = np.argsort(left)
        left, reach = left[order], np.maximum.accumulate(self._key(found.strips, found.east + MARGIN)[order])
        begin = np.flatnonzero(np.append(True, left[1:] > reach[:-1])) if len(found) else np.zeros(0, np.int64)
        start = np.append(begin, len(found))
        # Each ring crosses a border of strips an even number of times, so that the count need not begin anew
        # with each strip.
        odd = np.append(False, np.cumsum(found.odd[order]) % 2 == 1)
        tied = np.maximum.accumulate(np.where(np.append(True, left[1:] != left[:-1]), np.arange(len(left)), 0))
        _, pieces = spread(found.first[order], found.first[order + 1])
        first = np.append(0, np.cumsum(found.first[order + 1] - found.first[order]))
        low = np.searchsorted(self._keys, left[begin], side="left")
        high = low.copy()
        some = np.flatnonzero(np.diff(low, append=self._count))
        high[some] = np.searchsorted(self._keys, reach[start[some + 1] - 1], side="right")
        return _Runs(found.edges[pieces], first, left, reach, odd, tied, start, low, high)

    def _between(self, runs: _Runs) -> list[Numbers]:
        """The places that no edge comes near, and that are inside."""
        inside = np.flatnonzero(runs.odd[runs.begin[1:-1]] & (runs.high[:-1] < runs.low[1:]))
        starts, stops = runs.high[inside], runs.low[inside + 1]
        if (stops - starts).sum() < SHORT * len(inside):
            return [self._order[spread(starts, stops)[1]]]
        return [self._order[start:stop] for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)]

    def _under(self, runs: _Runs, outline: Outline, geometry: BaseGeometry) -> list[Numbers]:
        """The places under a run, tested one by one."""
        run, places = spread(runs.low, runs.high)
        low, high = self._near(runs, run, places)
        inside = runs.odd[low]
        first, stop = runs.first[low], runs.first[high]
        unsure = stop - first > MOST_EDGES
        stop = np.where(unsure, first, stop)
        self._test(outline, runs.edges, places, (first, stop), inside, unsure)
        rest = places[unsure]
        if not len(rest):
            return [self._order[places[inside]]]
        shapely.prepare(geometry)
        sure = shapely.intersects_xy(geometry, self._lons[rest], self._lats[rest])
        return [self._order[places[inside & ~unsure]], self._order[rest[sure]]]

    def _near(self, runs: _Runs, run: Longs, places: Longs) -> tuple[Longs, Longs]:
        """The chains to test each place against, from … up to: those before lie west of it, those after east."""
        low, high = runs.begin[run], runs.begin[run + 1]
        many = np.flatnonzero(runs.first[high] - runs.first[low] > FEW_PIECES)
        keys = self._keys[places[many]]
        low[many] = runs.tied[np.searchsorted(runs.reach, keys, side="left")]
        high[many] = np.searchsorted(runs.left, keys, side="right")
        return low, high

    def _test(
        self, outline: Outline, edges: Longs, places: Longs, ranges: tuple[Longs, Longs], inside: Flags, unsure: Flags
    ) -> None:
        """Turn `inside` wherever the edges of a place's range are crossed an odd number of times on the way west,
        and mark as `unsure` the places so near an edge that rounding might decide."""
        first, stop = ranges
        pairs = np.cumsum(stop - first)
        at = 0
        while at < len(places):
            done = int(pairs[at - 1]) if at else 0
            upto = max(int(np.searchsorted(pairs, done + MOST_PAIRS)), at + 1)
            part = slice(at, upto)
            row, piece = spread(first[part], stop[part])
            crossed, near = self._cross(outline, places[part], row, edges[piece])
            inside[part] ^= crossed
            unsure[part] |= near
            at = upto

    def _cross(self, outline: Outline, places: Longs, row: Longs, edge: Longs) -> tuple[Flags, Flags]:
        """Whether a ray westward from each place crosses an odd number of its edges, and which are too near.
        Pair i is of `places[row[i]]` and `edge[i]`."""
        lat = self._lats[places][row]
        level = np.flatnonzero((outline.y0[edge] <= lat) & (lat <= outline.y1[edge]))
        row, lat, edge = row[level], lat[level], edge[level]
        lon = self._lons[places][row]
        x0, y0, y1 = outline.x0[edge], outline.y0[edge], outline.y1[edge]
        one, other = (outline.x1[edge] - x0) * (lat - y0), (y1 - y0) * (lon - x0)
        near = np.abs(other - one) <= ROUNDING * (np.abs(one) + np.abs(other)) + 1e-300
        west = (other > one) & (lat < y1)
        crossed = np.bincount(row[west], minlength=len(places)) % 2 == 1
        unsure = np.zeros(len(places), dtype=np.bool_)
        unsure[row[near]] = True
        return crossed, unsure

    def _ascending(self, found: list[Numbers]) -> Longs:
        positions = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        if len(positions) * SPARSE < self._count:
            return np.sort(positions).astype(np.int64)
        chosen = np.zeros(self._count, dtype=np.bool_)
        chosen[positions] = True
        return np.flatnonzero(chosen)


def _blocks(first: Longs, last: Longs, strips: int) -> list[tuple[int, int]]:
    """Ranges of strips (from, to) that hold about MOST_PIECES pieces of edge, or are a single strip."""
    begin = np.bincount(first[first <= last], minlength=strips + 1)[:strips]
    end = np.bincount(last[first <= last] + 1, minlength=strips + 1)[:strips]
    total = np.cumsum(np.cumsum(begin - end))
    blocks, low = [], 0
    while low < strips and total[-1] > (total[low - 1] if low else 0):
        before = int(total[low - 1]) if low else 0
        high = max(int(np.searchsorted(total, before + MOST_PIECES, side="right")), low + 1)
        blocks.append((low, min(high, strips)))
        low = high
    return blocks
