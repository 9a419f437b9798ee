"""The edges of an area as columns, cut at the borders of strips of latitude into chains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

FLATTEST = 1e-200
"""An edge that rises less is taken for level: one over its rise need not be finite."""


@dataclass(frozen=True, slots=True)
class Outline:
    """All n edges of all rings, ring after ring, in drawing order; each ring ends with an edge of no strip.

    `x0`, `y0` and `x1`, `y1`: float64[n], the lower and the upper end in degrees; `run` is what longitude gains
    on one degree of latitude, 0 for a level edge. `first` and `last` are the strips each reaches, closed at both
    borders; `first` > `last` where none. `begin` is the latitude at which each was begun to be drawn.
    """

    x0: Floats
    y0: Floats
    x1: Floats
    y1: Floats
    run: Floats
    level: Flags
    begin: Floats
    first: Longs
    last: Longs
    rings: Longs
    """The first edge of each ring; one more at the end."""

    @classmethod
    def of(cls, geometry: BaseGeometry, borders: Floats) -> Outline:
        """Of a polygon or multipolygon. Strip k reaches from `borders[k]` up to `borders[k + 1]`, both included."""
        points, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(geometry)), return_index=True)
        x, y = np.ascontiguousarray(points[:, 0]), np.ascontiguousarray(points[:, 1])
        rings = np.flatnonzero(np.append(True, ring[1:] != ring[:-1]))
        up = y[:-1] <= y[1:]
        y0, y1 = np.minimum(y[:-1], y[1:]), np.maximum(y[:-1], y[1:])
        x0, x1 = np.where(up, x[:-1], x[1:]), np.where(up, x[1:], x[:-1])
        rise = y1 - y0
        level = rise < FLATTEST
        first = np.searchsorted(borders[1:], y0, side="left")
        last = np.searchsorted(borders[:-1], y1, side="right") - 1
        last[rings[1:] - 1] = -1
        first[rings[1:] - 1] = 0
        run = np.where(level, 0.0, (x1 - x0) / np.where(level, 1.0, rise))
        return cls(x0, y0, x1, y1, run, level, y[:-1], first, last, np.append(rings, len(x)))


@dataclass(frozen=True, slots=True)
class Chains:
    """The maximal parts of the rings that stay in one strip, strip after strip.

    A chain's edges are `edges[first[i]:first[i + 1]]`. It lies in `strips[i]` between the longitudes `west` and
    `east`, but for rounding. `odd` tells whether it leads from one border of the strip to the other: then, and
    only then, does each parallel within the strip cross it an odd number of times.
    """

    edges: Longs
    first: Longs
    strips: Longs
    west: Floats
    east: Floats
    odd: Flags

    def __len__(self) -> int:
        return len(self.strips)


def chains(outline: Outline, borders: Floats, low: int, high: int) -> Chains:
    """The chains in the strips from `low` up to but without `high`.

    The chain through the point where the drawing of a ring was begun comes in two parts. Each is given the extent
    of both, so that they lie west of the same places; only together is `odd` right about them.
    """
    edges, strips = _pieces(outline, low, high)
    first = _starts(outline, edges, strips, borders)
    west, east, crossing = _extents(outline, edges, borders[strips], borders[strips + 1])
    odd = np.diff(np.cumsum(crossing)[first[1:] - 1], prepend=0) % 2 == 1
    west, east = _reduced(np.minimum, west, first), _reduced(np.maximum, east, first)
    found = Chains(edges, first, strips[first[:-1]], west, east, odd)
    _close(found, outline, borders)
    return found


def spread(first: Longs, stop: Longs) -> tuple[Longs, Longs]:
    """Every number of the ranges first[i] … stop[i] - 1, and which range i it is of. Empty where stop <= first."""
    counts = np.maximum(stop - first, 0)
    owner = np.repeat(np.arange(len(first)), counts)
    ends = np.cumsum(counts)
    return owner, np.arange(int(ends[-1]) if len(ends) else 0) - (ends - counts - first)[owner]


def _pieces(outline: Outline, low: int, high: int) -> tuple[Longs, Longs]:
    """Each edge once for each strip it reaches, strip after strip, in drawing order within."""
    first, last = np.maximum(outline.first, low), np.minimum(outline.last, high - 1)
    reaching = np.flatnonzero(first <= last)
    number, strips = spread(first[reaching], last[reaching] + 1)
    order = np.argsort((strips - low).astype(np.uint16), kind="stable")
    return reaching[number[order]], strips[order]


def _starts(outline: Outline, edges: Longs, strips: Longs, borders: Floats) -> Longs:
    """Where the chains begin among the pieces, and their end: an edge goes on from the one before it when that
    was drawn just before and they meet within the strip."""
    follows = np.flatnonzero((edges[1:] == edges[:-1] + 1) & (strips[1:] == strips[:-1])) + 1
    meeting, strip = outline.begin[edges[follows]], strips[follows]
    starts = np.ones(len(edges) + 1, dtype=np.bool_)
    starts[follows] = (meeting < borders[strip]) | (borders[strip + 1] < meeting)
    return np.flatnonzero(starts)


def _extents(outline: Outline, edges: Longs, south: Floats, north: Floats) -> tuple[Floats, Floats, Flags]:
    """The westernmost and easternmost longitude of each edge between two latitudes, of a level one all of it;
    and whether it crosses the southern."""
    y0, y1, x0, run = outline.y0[edges], outline.y1[edges], outline.x0[edges], outline.run[edges]
    enter = x0 + (np.maximum(south, y0) - y0) * run
    leave = x0 + (np.minimum(north, y1) - y0) * run
    level = np.flatnonzero(outline.level[edges])
    leave[level] = outline.x1[edges[level]]
    return np.minimum(enter, leave), np.maximum(enter, leave), (y0 <= south) & (south < y1)


def _reduced(least_or_most: np.ufunc, values: Floats, first: Longs) -> Floats:
    """One of each range. Most are a number or two, for which `reduceat` would be slow."""
    counts = np.diff(first)
    result: Floats = values[first[:-1]]
    two, several = np.flatnonzero(counts == 2), np.flatnonzero(counts > 2)  # noqa: PLR2004
    result[two] = least_or_most(result[two], values[first[two] + 1])
    if len(several):
        cuts = np.column_stack([first[several], first[several + 1]]).ravel()
        result[several] = least_or_most.reduceat(np.append(values, values[-1]), cuts)[::2]
    return result


def _close(found: Chains, outline: Outline, borders: Floats) -> None:
    """Give the two parts of the chain through each ring's beginning the extent of both."""
    begins, ends = outline.rings[:-1], outline.rings[1:] - 2
    keys = found.strips * len(outline.x0) + found.edges[found.first[:-1]]
    at = outline.begin[begins]
    first = np.searchsorted(borders[1:], at, side="left")
    stop = np.searchsorted(borders[:-1], at, side="right")
    if len(keys):
        low, high = found.strips[0], found.strips[-1] + 1
        ring, strips = spread(np.maximum(first, low), np.minimum(stop, high))
        one = np.searchsorted(keys, strips * len(outline.x0) + begins[ring], side="right") - 1
        other = np.searchsorted(keys, strips * len(outline.x0) + ends[ring], side="right") - 1
        found.west[one] = found.west[other] = np.minimum(found.west[one], found.west[other])
        found.east[one] = found.east[other] = np.maximum(found.east[one], found.east[other])
