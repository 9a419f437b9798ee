"""How far it is, and which is nearest, on the sphere."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

EARTH_RADIUS = 6_371_008.8
"""Metres: the mean radius of GRS 80 (Moritz 2000). The sphere is at most 0.6 % off the ellipsoid."""

MOST_PRODUCTS = 2_000_000
"""Pairs compared at once: 16 MB."""

STEPS = ((1_000, 100), (5_000, 500))
"""Metres: below the first number a text speaks in steps of the second; beyond, in kilometres."""

ROUNDING = 1e-15
"""Two cosines closer than this may stand in the wrong order; such pairs are measured by `metres`."""


def metres(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Great-circle metres between positions in degrees, element by element (haversine: exact also when near)."""
    east1, north1, east2, north2 = (
        np.radians(np.asarray(angle, dtype=np.float64)) for angle in (lon1, lat1, lon2, lat2)
    )
    half = np.sin((north2 - north1) / 2) ** 2
    half = half + np.cos(north1) * np.cos(north2) * np.sin((east2 - east1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


def nearest(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats) -> tuple[Longs, Floats]:
    """For each of n positions the nearest of m others: its position int64[n], the lowest of equally near ones,
    and the distance float64[n] in metres. -1 and NaN for a position that is NaN, and for all when m is 0.
    """
    positions = np.full(len(lons), -1, dtype=np.int64)
    distances = np.full(len(lons), np.nan)
    known = np.flatnonzero(np.isfinite(lons) & np.isfinite(lats))
    if not len(to_lons):
        return positions, distances
    targets = _unit_vectors(to_lons, to_lats).T
    step = max(MOST_PRODUCTS // len(to_lons), 1)
    for start in range(0, len(known), step):
        part = known[start : start + step]
        positions[part] = _nearest(lons[part], lats[part], to_lons, to_lats, targets)
    distances[known] = metres(lons[known], lats[known], to_lons[positions[known]], to_lats[positions[known]])
    return positions, distances


def _nearest(lons: Floats, lats: Floats, to_lons: Floats, to_lats: Floats, targets: Floats) -> Longs:
    cosines: Floats = _unit_vectors(lons, lats) @ targets
    best: Longs = np.argmax(cosines, axis=1)
    near = cosines >= (np.max(cosines, axis=1) - ROUNDING)[:, None]
    unsure = np.flatnonzero(np.count_nonzero(near, axis=1) > 1)
    row, target = np.nonzero(near[unsure])
    asking = unsure[row]
    distance = metres(lons[asking], lats[asking], to_lons[target], to_lats[target])
    order = np.lexsort((target, distance, row))
    row, first = np.unique(row[order], return_index=True)
    best[unsure[row]] = target[order][first]
    return best


def _unit_vectors(lons: Floats, lats: Floats) -> Floats:
    east, north = np.radians(lons), np.radians(lats)
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)


@overload
def rounded_distance(distance: float) -> int: ...
@overload
def rounded_distance(distance: Floats) -> Longs: ...
def rounded_distance(distance: float | Floats) -> int | Longs:
    """The metres a text may state (約800m): steps of 100 m below 1 km (at least 100), 500 m below 5 km, then 1 km.

    Coarse on purpose. People who read the same distance to the same shelter read the same text, and one
    multicast carries it to 500 of them; to the metre, each of them would be a request of their own.
    Raises ValueError for what is not a distance (NaN, negative).
    """
    exact = np.asarray(distance, dtype=np.float64)
    if not (np.isfinite(exact) & (exact >= 0)).all():
        raise ValueError("a distance is a finite number of metres, 0 or more")
    step = np.select([exact < below for below, _ in STEPS], [wide for _, wide in STEPS], default=1_000)
    rounded = np.maximum(np.floor(exact / step + 0.5) * step, 100).astype(np.int64)
    return int(rounded) if rounded.ndim == 0 else rounded
