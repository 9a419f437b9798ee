"""How far it is on the sphere, and how far a text says it is."""

from __future__ import annotations

from typing import overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

EARTH_RADIUS = 6_371_008.8
"""Metres: the mean radius of GRS 80 (Moritz 2000). The sphere is at most 0.6 % off the ellipsoid."""

STEPS = ((1_000, 100), (5_000, 500))
"""Metres: below the first number a text speaks in steps of the second; beyond, in kilometres."""


def metres(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Floats:
    """Great-circle metres between positions in degrees, element by element (haversine: exact also when near)."""
    east1, north1, east2, north2 = (
        np.radians(np.asarray(angle, dtype=np.float64)) for angle in (lon1, lat1, lon2, lat2)
    )
    half = np.sin((north2 - north1) / 2) ** 2
    half = half + np.cos(north1) * np.cos(north2) * np.sin((east2 - east1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.minimum(half, 1.0))))


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
