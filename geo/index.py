"""PlaceIndex: which of millions of places lie in an area, exactly, in milliseconds.

The places are cut into strips of latitude holding equally many, and sorted by longitude within each. An area's
edges, clipped to a strip, cover some intervals of longitude; between two intervals no edge runs, so all places
there are inside or all outside, and stand next to each other in memory. Only places under an interval are
tested, against the few edges of that interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.segments import segments

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.signedinteger[Any]]

PLACES_A_STRIP = 2_500
"""At most, for ten million places: more means more places to test, fewer more pieces of edge to sort."""

MOST_STRIPS = 4_000
MOST_PIECES = 500_000
"""Pieces of edge handled at once: a zigzag of 50,000 edges over all strips has 300 million of them."""

MOST_EDGES = 96
"""A place under more edges than this is given to shapely, whose own index is then faster."""

MOST_PAIRS = 1_000_000
"""Places times edges tested at once."""

MARGIN = 1e-10
"""Degrees, a hundredth of a millimetre: more than clipping an edge to a strip can round. It costs no
exactness, for whatever stands under the margin is tested."""

ROUNDING = 4e-16
"""The relative error bound of a 2-D orientation in doubles (Shewchuk 1997, section 4.1: 3.33e-16), rounded up."""


@dataclass(frozen=True, slots=True)
class _Edges:
    """`x` and `y` are float64[n] at the lower (`0`) and upper (`1`) end, in degrees."""

    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats

    def __getitem__(self, chosen: Longs | Flags) -> _Edges:
        return _Edges(self.x0[chosen], self.y0[chosen], self.x1[chosen], self.y1[chosen])


@dataclass(frozen=True, slots=True)
class _Runs:
    """Maximal unions of intervals in which edges run, ascending: one entry a run.

    Pieces `first_piece[i]` up to `first_piece[i + 1]` make run i; places `low[i]` up to `high[i]` stand
    under it; `odd[i]` tells whether what follows it, up to the next run, lies inside the area.
    """

    pieces: _Edges
    first_piece: Longs
    low: Longs
    high: Longs
    odd: Flags


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

    def within(self, geometry: BaseGeometry) -> Longs:
        """The positions of the places in a sound polygon or multipolygon, its edge included, ascending int64.

        Exactly those for which `shapely.intersects_xy` is true.
        """
        if not self._count or geometry.is_empty:
            return np.empty(0, dtype=np.int64)
        shapely.prepare(geometry)
        found: list[Numbers] = []
        edges, first, last = self._edges(geometry)
        for low, high in _blocks(first, last, len(self._south)):
            runs = self._runs(edges, np.maximum(first, low), np.minimum(last, high - 1))
            if runs is not None:
                found += self._between(runs)
                found += self._under(runs, geometry)
        return self._ascending(found)

    def _sort(self, lons: Floats, lats: Floats) -> None:
        strips = int(np.clip(self._count // PLACES_A_STRIP, 1, MOST_STRIPS))
        size = -(-self._count // strips)
        starts = np.arange(0, self._count, size)
        order: Numbers = np.argsort(lats)
        if self._count < 2**31:
            order = order.astype(np.int32)
        self._south, self._north = lats[order[starts]], lats[order[np.append(starts[1:], self._count) - 1]]
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

    def _edges(self, geometry: BaseGeometry) -> tuple[_Edges, Longs, Longs]:
        """The edges that reach into any strip, and the first and last strip of each."""
        all_of = segments(geometry)
        up = (all_of.start[:, 1] <= all_of.end[:, 1])[:, None]
        lower, upper = np.where(up, all_of.start, all_of.end), np.where(up, all_of.end, all_of.start)
        edges = _Edges(lower[:, 0], lower[:, 1], upper[:, 0], upper[:, 1])
        first = np.searchsorted(self._north, edges.y0, side="left")
        last = np.searchsorted(self._south, edges.y1, side="right") - 1
        reaching = first <= last
        return edges[reaching], first[reaching], last[reaching]

    def _runs(self, edges: _Edges, first: Longs, last: Longs) -> _Runs | None:
        number, strips = _spread(first, last)
        if not len(number):
            return None
        pieces = edges[number]
        west, east = _clipped(pieces, self._south[strips], self._north[strips])
        left, right = self._key(strips, west - MARGIN), self._key(strips, east + MARGIN)
        order = np.argsort(left)
        left, reach = left[order], np.maximum.accumulate(right[order])
        begins = np.flatnonzero(np.append(True, left[1:] > reach[:-1]))
        ends = np.append(begins[1:], len(left)) - 1
        # A ray from any place between two runs crosses the same edges, those of the runs before: it may as
        # well run along the southern border. Each ring crosses that an even number of times, so that the
        # count need not begin anew with each strip.
        south = self._south[strips]
        crossing = ((pieces.y0 <= south) & (south < pieces.y1))[order]
        return _Runs(
            pieces[order],
            np.append(begins, len(left)),
            np.searchsorted(self._keys, left[begins], side="left"),
            np.searchsorted(self._keys, reach[ends], side="right"),
            np.cumsum(crossing)[ends] % 2 == 1,
        )

    def _between(self, runs: _Runs) -> list[Numbers]:
        """The places that no edge comes near, and that are inside."""
        inside = np.flatnonzero(runs.odd[:-1] & (runs.high[:-1] < runs.low[1:]))
        starts, stops = runs.high[inside].tolist(), runs.low[inside + 1].tolist()
        return [self._order[start:stop] for start, stop in zip(starts, stops, strict=True)]

    def _under(self, runs: _Runs, geometry: BaseGeometry) -> list[Numbers]:
        """The places under a run, tested one by one."""
        busy = runs.high > runs.low
        many = np.diff(runs.first_piece) > MOST_EDGES
        _, few_places = _spread(runs.low[busy & ~many], runs.high[busy & ~many] - 1)
        run_of = np.repeat(np.flatnonzero(busy & ~many), (runs.high - runs.low)[busy & ~many])
        inside, unsure = self._test(runs, few_places, run_of)
        _, rest = _spread(runs.low[busy & many], runs.high[busy & many] - 1)
        rest = np.concatenate([rest, few_places[unsure]])
        sure = shapely.intersects_xy(geometry, self._lons[rest], self._lats[rest]) if len(rest) else rest == 0
        return [self._order[few_places[inside & ~unsure]], self._order[rest[sure]]]

    def _test(self, runs: _Runs, places: Longs, run_of: Longs) -> tuple[Flags, Flags]:
        """Which places are inside, and which lie so near an edge that rounding might decide."""
        inside = np.append(False, runs.odd[:-1])[run_of]
        unsure = np.zeros(len(places), dtype=np.bool_)
        first, stop = runs.first_piece[run_of], runs.first_piece[run_of + 1]
        pairs = np.cumsum(stop - first)
        at = 0
        while at < len(places):
            done = int(pairs[at - 1]) if at else 0
            upto = max(int(np.searchsorted(pairs, done + MOST_PAIRS)), at + 1)
            part = slice(at, upto)
            crossed, near = self._cross(runs.pieces, places[part], first[part], stop[part] - 1)
            inside[part] ^= crossed
            unsure[part] = near
            at = upto
        return inside, unsure

    def _cross(self, pieces: _Edges, places: Longs, first: Longs, last: Longs) -> tuple[Flags, Flags]:
        """Whether a ray westward from each place crosses an odd number of its pieces, and which are too near."""
        row, piece = _spread(first, last)
        lat = self._lats[places][row]
        level = (pieces.y0[piece] <= lat) & (lat <= pieces.y1[piece])
        row, lat = row[level], lat[level]
        edge = pieces[piece[level]]
        lon = self._lons[places][row]
        one, other = (edge.x1 - edge.x0) * (lat - edge.y0), (edge.y1 - edge.y0) * (lon - edge.x0)
        near = np.abs(other - one) <= ROUNDING * (np.abs(one) + np.abs(other)) + 1e-300
        west = (other > one) & (lat < edge.y1)
        crossed = np.bincount(row[west], minlength=len(places)) % 2 == 1
        unsure = np.zeros(len(places), dtype=np.bool_)
        unsure[row[near]] = True
        return crossed, unsure

    def _ascending(self, found: list[Numbers]) -> Longs:
        positions = np.concatenate(found) if found else np.empty(0, dtype=np.int64)
        if len(positions) * 64 < self._count:
            return np.sort(positions).astype(np.int64)
        chosen = np.zeros(self._count, dtype=np.bool_)
        chosen[positions] = True
        return np.flatnonzero(chosen)


def _blocks(first: Longs, last: Longs, strips: int) -> list[tuple[int, int]]:
    """Ranges of strips (from, to) that hold about MOST_PIECES pieces of edge, or are a single strip."""
    begin = np.bincount(first, minlength=strips + 1)[:strips]
    end = np.bincount(last + 1, minlength=strips + 1)[:strips]
    total = np.cumsum(np.cumsum(begin - end))
    blocks, low = [], 0
    while low < strips and total[-1] > (total[low - 1] if low else 0):
        before = int(total[low - 1]) if low else 0
        high = max(int(np.searchsorted(total, before + MOST_PIECES, side="right")), low + 1)
        blocks.append((low, min(high, strips)))
        low = high
    return blocks


def _spread(first: Longs, last: Longs) -> tuple[Longs, Longs]:
    """Every number of the ranges first[i] … last[i], and which range i it is of. Empty where last < first."""
    counts = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(len(first)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(int(ends[-1]) if len(ends) else 0) - (ends - counts - first)[owner]


def _clipped(edges: _Edges, south: Floats, north: Floats) -> tuple[Floats, Floats]:
    """The westernmost and easternmost longitude of each edge between two latitudes that it reaches."""
    rise = edges.y1 - edges.y0
    level = rise == 0
    safe = np.where(level, 1.0, rise)
    enter = edges.x0 + (np.maximum(south, edges.y0) - edges.y0) / safe * (edges.x1 - edges.x0)
    leave = edges.x0 + (np.minimum(north, edges.y1) - edges.y0) / safe * (edges.x1 - edges.x0)
    leave[level] = edges.x1[level]
    return np.minimum(enter, leave), np.maximum(enter, leave)
