"""Fences: which of thousands of areas hold a place that moves, exactly, in a few microseconds.

Lines of longitude and latitude, closest where the areas have most corners, cut the map into cells. A cell knows the
areas that cover it wholly and those whose edge may run through it. Only for the latter is a place tested: against the
few edges of that area at its own latitude.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.area import Area
from geo.ranges import spread, starts
from geo.segments import segments

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Ints = NDArray[np.int32]
Flags = NDArray[np.bool_]

CORNERS_A_LINE = 8
MOST_LINES = 1_024
"""Along each axis: a million cells."""

CORNERS_A_SLAB = 2
"""Each area is cut into slabs of equal height, one for so many corners: more slabs have fewer edges to test."""

PIECES_AN_EDGE = 16
"""On average, at most: where long edges run side by side, fewer slabs keep the lists short."""

MOST_EDGES = 96
"""A place with more edges to test is given to shapely, whose own index is then faster."""

MARGIN = 1e-10
"""Degrees, a hundredth of a millimetre: more than cutting an edge at a line can round. It costs no exactness,
for in every cell under the margin places are tested."""

ROUNDING = 4e-16
"""The relative error bound of a 2-D orientation in doubles (Shewchuk 1997, section 4.1: 3.33e-16), rounded up."""

ROWS_AT_ONCE = 65_536
EDGES_AT_ONCE = 30_000
"""Tested at once: their columns stay in a processor's cache, which makes it half as fast again."""

CELLS_AT_ONCE = 500_000


@dataclass(frozen=True, slots=True)
class _Lists:
    """List i is `members[first[i]:first[i + 1]]`."""

    first: Longs
    members: Ints

    @classmethod
    def of(cls, owners: Longs, members: Longs, length: int) -> _Lists:
        """The members of each of `length` owners, ascending."""
        many = int(members.max(initial=0)) + 1
        first = np.zeros(length + 1, np.int64)
        np.cumsum(np.bincount(owners, minlength=length), out=first[1:])
        return cls(first, (np.sort(owners * many + members) % many).astype(np.int32))

    def of_each(self, owners: Longs) -> tuple[Longs, Ints]:
        """Which of `owners` each member is of, and the member."""
        first = self.first[owners]
        which, at = spread(first, self.first[owners + 1] - first)
        return which, self.members[at]

    def of_one(self, owner: int) -> Ints:
        first, stop = self.first[owner : owner + 2].tolist()
        return self.members[first:stop]


_NO_EDGES = np.empty(0, np.int32)


class _Slabs:
    """Each area's edges by latitude: `edges` float64[n, 4] holds x0, y0 (the lower end), x1, y1 in degrees."""

    def __init__(self, areas: Sequence[Area]) -> None:
        parts = [_upward(area) for area in areas]
        self.edges = np.concatenate(parts)
        sizes = np.array([len(part) for part in parts])
        self.area_of = np.repeat(np.arange(len(areas)), sizes)
        bounds = np.array([area.bounds for area in areas])
        self.south, self.north = bounds[:, 1], bounds[:, 3]
        self.west, self.east = bounds[:, 0], bounds[:, 2]
        heights = np.bincount(self.area_of, self.edges[:, 3] - self.edges[:, 1])
        most = PIECES_AN_EDGE * sizes * (self.north - self.south) / np.maximum(heights, 1e-12)
        self._slabs = np.maximum(np.minimum(sizes // CORNERS_A_SLAB, most.astype(np.int64)), 1)
        self._scale = self._slabs / np.maximum(self.north - self.south, 1e-12)
        self._first = starts(self._slabs)
        low, high = self.slab(self.area_of, self.edges[:, 1]), self.slab(self.area_of, self.edges[:, 3])
        edge, slab = spread(low, high - low + 1)
        self.lists = _Lists.of(slab, edge, int(self._slabs.sum()))
        columns = [self._scale[:, None], self._slabs[:, None], self._first[:, None]]
        self._alone: list[list[float]] = np.concatenate([bounds, *columns], axis=1).tolist()

    def slab(self, areas: Longs, lats: Floats) -> Longs:
        """Never decreases with the latitude, whatever is rounded, so that a place meets every edge at its latitude."""
        within = ((lats - self.south[areas]) * self._scale[areas]).astype(np.int64)
        return np.asarray(self._first[areas] + np.minimum(within, self._slabs[areas] - 1))

    def of_one(self, area: int, lon: float, lat: float) -> Ints:
        """The numbers of the edges to test for one place; none when it lies outside the area's box."""
        west, south, east, north, scale, slabs, first = self._alone[area]
        if not (west <= lon <= east and south <= lat <= north):
            return _NO_EDGES
        return self.lists.of_one(int(first) + min(int((lat - south) * scale), int(slabs) - 1))


class Fences:
    """An immutable index of areas, told apart by their position in the sequence."""

    def __init__(self, areas: Sequence[Area]) -> None:
        self._geometries = [area.geometry for area in areas]
        for geometry in self._geometries:
            shapely.prepare(geometry)
        if areas:
            self._slabs = _Slabs(areas)
            self._lay_lines()
            self._fill_cells()

    def __len__(self) -> int:
        return len(self._geometries)

    def around(self, lon: float, lat: float) -> list[int]:
        """The areas that hold one place, their edges included, ascending. None holds a place that is not finite."""
        if not self._geometries:
            return []
        column, row = bisect_right(self._columns, lon) - 1, bisect_right(self._rows, lat) - 1
        if not (0 <= column < self._width and 0 <= row < self._height):
            return []
        cell = row * self._width + column
        found: list[int] = self._covering.of_one(cell).tolist()
        held = [area for area in self._touching.of_one(cell).tolist() if self._holds(area, lon, lat)]
        return sorted(found + held) if held else found

    def around_each(self, lons: Floats, lats: Floats) -> tuple[Longs, Longs]:
        """For n places in degrees, each pair of a place and an area that holds it: two int64 columns,
        ascending by place, then by area. Exactly where `shapely.intersects_xy` is true.
        """
        places, areas = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for start in range(0, len(lons) if self._geometries else 0, ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            place, area = self._around(np.asarray(lons[part], np.float64), np.asarray(lats[part], np.float64))
            places.append(place + start)
            areas.append(area)
        return np.concatenate(places), np.concatenate(areas)

    # -- building --------------------------------------------------------------------------------

    def _lay_lines(self) -> None:
        slabs = self._slabs
        xs = np.concatenate([slabs.edges[:, 0], slabs.edges[:, 2]])
        ys = np.concatenate([slabs.edges[:, 1], slabs.edges[:, 3]])
        self._x, self._y = _lines(xs), _lines(ys)
        self._columns, self._rows = self._x.tolist(), self._y.tolist()
        self._width, self._height = len(self._x) - 1, len(self._y) - 1

    def _fill_cells(self) -> None:
        area, row, column = self._cells_of_edges()
        self._touching = _Lists.of(row * self._width + column, area, self._width * self._height)
        same = (area[1:] == area[:-1]) & (row[1:] == row[:-1])
        gap = np.flatnonzero(same & (column[1:] > column[:-1] + 1))
        area, row, low, high = area[gap], row[gap], column[gap] + 1, column[gap + 1]
        # No edge runs through the cells of a gap, so that its first one's centre speaks for all.
        middle_x, middle_y = (self._x[low] + self._x[low + 1]) / 2, (self._y[row] + self._y[row + 1]) / 2
        inside = self._test(area, middle_x, middle_y)
        area, row, low, high = area[inside], row[inside], low[inside], high[inside]
        which, column = spread(low, high - low)
        self._covering = _Lists.of(row[which] * self._width + column, area[which], self._width * self._height)

    def _cells_of_edges(self) -> tuple[Longs, Longs, Longs]:
        """Area, row and column of each cell that an edge may run through, once, sorted in this order."""
        edges, areas = self._slabs.edges, self._slabs.area_of
        keys = []
        first, last = self._row(edges[:, 1] - MARGIN), self._row(edges[:, 3] + MARGIN)
        wide = np.abs(self._column(edges[:, 2]) - self._column(edges[:, 0]))
        for part in _portions(last - first + wide + 1, CELLS_AT_ONCE):
            piece, row = spread(first[part], (last - first)[part] + 1)
            edge = piece + part.start
            west, east = _clipped(edges[edge], self._y[row] - MARGIN, self._y[row + 1] + MARGIN)
            low = self._column(west - MARGIN)
            piece, column = spread(low, self._column(east + MARGIN) - low + 1)
            edge, row = edge[piece], row[piece]
            keys.append(_distinct((areas[edge] * self._height + row) * self._width + column))
        key = _distinct(np.concatenate(keys))
        key, column = np.divmod(key, self._width)
        area, row = np.divmod(key, self._height)
        return area, row, column

    def _column(self, lons: Floats) -> Longs:
        return np.clip(np.searchsorted(self._x, lons, side="right") - 1, 0, self._width - 1)

    def _row(self, lats: Floats) -> Longs:
        return np.clip(np.searchsorted(self._y, lats, side="right") - 1, 0, self._height - 1)

    # -- asking ----------------------------------------------------------------------------------

    def _around(self, lons: Floats, lats: Floats) -> tuple[Longs, Longs]:
        near = np.flatnonzero((lons >= self._x[0]) & (lons < self._x[-1]) & (lats >= self._y[0]) & (lats < self._y[-1]))
        cells = self._row(lats[near]) * self._width + self._column(lons[near])
        covered, covering = self._covering.of_each(cells)
        touched, touching = self._touching.of_each(cells)
        place = near[touched]
        held = self._test(touching.astype(np.int64), lons[place], lats[place])
        places = np.concatenate([near[covered], place[held]])
        areas = np.concatenate([covering, touching[held]])
        order = np.argsort(places * len(self) + areas)
        return places[order], areas[order].astype(np.int64)

    def _test(self, areas: Longs, lons: Floats, lats: Floats) -> Flags:
        """Whether area i holds place i."""
        slabs, held = self._slabs, np.zeros(len(areas), dtype=np.bool_)
        boxed = (lons >= slabs.west[areas]) & (lons <= slabs.east[areas])
        rows = np.flatnonzero(boxed & (lats >= slabs.south[areas]) & (lats <= slabs.north[areas]))
        slab = slabs.slab(areas[rows], lats[rows])
        edges = slabs.lists.first[slab + 1] - slabs.lists.first[slab]
        many = rows[edges > MOST_EDGES]
        held[many] = self._by_shapely(areas[many], lons[many], lats[many])
        few = edges <= MOST_EDGES
        rows, slab = rows[few], slab[few]
        for part in _portions(edges[few], EDGES_AT_ONCE):
            held[rows[part]] = self._crossed(areas[rows[part]], slab[part], lons[rows[part]], lats[rows[part]])
        return held

    def _crossed(self, areas: Longs, slab: Longs, lons: Floats, lats: Floats) -> Flags:
        """Whether a ray westward from each place crosses its area's edge an odd number of times."""
        row, edge = self._slabs.lists.of_each(slab)
        x0, y0, x1, y1 = self._slabs.edges.take(edge, axis=0).T.copy()
        lon, lat = lons[row], lats[row]
        one, other = (x1 - x0) * (lat - y0), (y1 - y0) * (lon - x0)
        level = (y0 <= lat) & (lat <= y1)
        near = level & (np.abs(other - one) <= ROUNDING * (np.abs(one) + np.abs(other)) + 1e-300)
        crossings = np.bincount(row[level & (other > one) & (lat < y1)], minlength=len(areas))
        held: Flags = crossings % 2 == 1
        unsure = np.unique(row[near])
        held[unsure] = self._by_shapely(areas[unsure], lons[unsure], lats[unsure])
        return held

    def _by_shapely(self, areas: Longs, lons: Floats, lats: Floats) -> Flags:
        held = np.zeros(len(areas), dtype=np.bool_)
        for area in np.unique(areas).tolist():
            rows = np.flatnonzero(areas == area)
            held[rows] = shapely.intersects_xy(self._geometries[area], lons[rows], lats[rows])
        return held

    def _holds(self, area: int, lon: float, lat: float) -> bool:
        """`_crossed` for one place: NumPy's calls would cost more than the edges."""
        held = False
        edges = self._slabs.of_one(area, lon, lat)
        if len(edges) > MOST_EDGES:
            return bool(shapely.intersects_xy(self._geometries[area], lon, lat))
        for x0, y0, x1, y1 in self._slabs.edges[edges].tolist():
            if y0 <= lat <= y1:
                one, other = (x1 - x0) * (lat - y0), (y1 - y0) * (lon - x0)
                if abs(other - one) <= ROUNDING * (abs(one) + abs(other)) + 1e-300:
                    return bool(shapely.intersects_xy(self._geometries[area], lon, lat))
                held ^= other > one and lat < y1
        return held


def _portions(sizes: Longs, most: int) -> Iterator[slice]:
    """Consecutive ranges, each of about `most` in all."""
    ends = np.cumsum(sizes)
    marks = np.arange(most, int(ends[-1]) if len(ends) else 0, most)
    borders = np.unique(np.concatenate([[0], np.searchsorted(ends, marks), [len(sizes)]])).tolist()
    return (slice(low, high) for low, high in pairwise(borders))


def _distinct(values: Longs) -> Longs:
    """Ascending. NumPy's own `unique` hashes, which takes three times as long here."""
    ordered: Longs = np.sort(values)
    return np.asarray(ordered[np.append(True, ordered[1:] != ordered[:-1])])


def _upward(area: Area) -> Floats:
    """float64[n, 4]: x0, y0, x1, y1 of each edge, the lower end first."""
    every = segments(area.geometry)
    up = (every.start[:, 1] <= every.end[:, 1])[:, None]
    return np.concatenate([np.where(up, every.start, every.end), np.where(up, every.end, every.start)], axis=1)


def _lines(values: Floats) -> Floats:
    """Ascending borders of cells, about as many corners between any two; the outer ones just beyond all of them."""
    number = int(np.clip(len(values) // CORNERS_A_LINE, 1, MOST_LINES))
    chosen = np.sort(values)[np.linspace(0, len(values) - 1, number + 1).astype(np.int64)]
    return np.unique(np.concatenate([chosen[:1] - 10 * MARGIN, chosen[1:-1], chosen[-1:] + 10 * MARGIN]))


def _clipped(edges: Floats, south: Floats, north: Floats) -> tuple[Floats, Floats]:
    """The westernmost and easternmost longitude of each edge between two latitudes that it reaches."""
    x0, y0, x1, y1 = edges.T
    rise = y1 - y0
    level = rise == 0
    safe = np.where(level, 1.0, rise)
    enter = x0 + (np.clip(south, y0, y1) - y0) / safe * (x1 - x0)
    leave = np.where(level, x1, x0 + (np.clip(north, y0, y1) - y0) / safe * (x1 - x0))
    return np.minimum(enter, leave), np.maximum(enter, leave)
