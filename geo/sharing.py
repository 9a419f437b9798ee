"""People shared out among shelters by capacity: nobody is sent to a full one while another has room."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from geo.distance import metres
from geo.nearest import nearest, nearest_with_gap

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]
Flags = NDArray[np.bool_]

UNKNOWN = -1
"""A capacity nobody stated. It sets no limit."""


def shared(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats, capacities: Longs) -> tuple[Longs, Floats]:
    """For each of n positions one of m shelters, int64[n], and the metres to it, float64[n]; as `nearest` otherwise.

    Round by round, everybody not yet placed asks the nearest shelter with room. One that is asked by more than it
    has room for takes those who would have to go farthest out of their way to the next; the others ask again. Whoever
    is placed stays. So each round fills a shelter or is the last. People at one place stand together, so that a
    shelter that fills divides one place at most. When none has room left, the rest go to the nearest of all.
    """
    positions = np.full(len(lons), -1, dtype=np.int64)
    room = np.where(capacities == UNKNOWN, len(lons), capacities)
    waiting = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
    while len(waiting) and (room > 0).any():
        free = np.flatnonzero(room > 0)
        found, _, gaps = nearest_with_gap(lons[waiting], lats[waiting], to_lons[free], to_lats[free])
        wished = free[found]
        taken = _taken(wished, gaps, lons[waiting], lats[waiting], room)
        positions[waiting[taken]] = wished[taken]
        room = room - np.bincount(wished[taken], minlength=len(room))
        waiting = waiting[~taken]
    positions[waiting], _ = nearest(lons[waiting], lats[waiting], to_lons, to_lats)
    return positions, _far(lons, lats, to_lons, to_lats, positions)


def _taken(wished: Longs, gaps: Floats, lons: Floats, lats: Floats, room: Longs) -> Flags:
    """Who gets a place where they asked for one."""
    asked = np.bincount(wished, minlength=len(room))
    taken = np.ones(len(wished), dtype=np.bool_)
    rows = np.flatnonzero((asked > room)[wished])
    order = rows[np.lexsort((lats[rows], lons[rows], -gaps[rows], wished[rows]))]
    before = np.searchsorted(wished[order], wished[order], side="left")
    taken[order] = np.arange(len(order)) - before < room[wished[order]]
    return taken


def _far(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats, positions: Longs) -> Floats:
    distances = np.full(len(lons), np.nan)
    placed = np.flatnonzero(positions >= 0)
    to = positions[placed]
    distances[placed] = metres(lons[placed], lats[placed], to_lons[to], to_lats[to])
    return distances
