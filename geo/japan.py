"""Japan's box: a coordinate outside it is a mistake, and one that fits when turned round is a swap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

WEST, SOUTH, EAST, NORTH = 122.0, 20.0, 154.0, 46.0
"""Degrees. Yonaguni 122.9 E, Okinotorishima 20.4 N, Minamitorishima 154.0 E, Cape Benten 45.5 N."""


def inside(lons: NDArray[np.float64] | float, lats: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Which positions lie in Japan's box, its edge included; never one that is not finite."""
    lon, lat = np.asarray(lons), np.asarray(lats)
    return np.asarray((lon >= WEST) & (lon <= EAST) & (lat >= SOUTH) & (lat <= NORTH))


def swapped(lons: NDArray[np.float64] | float, lats: NDArray[np.float64] | float) -> NDArray[np.bool_]:
    """Which positions would lie in Japan's box if latitude and longitude changed places."""
    return inside(lats, lons)
