"""Places and areas for measuring what lies in what: a square of one degree around Kawabe."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

Floats = NDArray[np.float64]

WEST, SOUTH, SIDE = 133.2, 34.1, 1.0
TOWNS, TOWN_WIDTH = 300, 0.01
"""How many towns there are, and the standard deviation of the homes in each, in degrees."""
_SEED = 99_201


def places(count: int, *, towns: bool) -> tuple[Floats, Floats]:
    """Longitudes and latitudes, float64[count]: evenly spread, or half of them in towns."""
    chance = np.random.default_rng(_SEED)
    spots = chance.random((count, 2))
    if towns:
        home = chance.random((TOWNS, 2))[chance.integers(0, TOWNS, count // 2)]
        spots[: count // 2] = np.clip(home + chance.normal(0, TOWN_WIDTH, home.shape), 0, SIDE)
    return WEST + spots[:, 0], SOUTH + spots[:, 1]


def areas() -> dict[str, BaseGeometry]:
    """What is asked for, by name."""
    return {
        "a box over 1 %": shapely.box(WEST + 0.45, SOUTH + 0.45, WEST + 0.55, SOUTH + 0.55),
        "5,000 vertices with 4 holes over 0.5 %": _with_holes(),
        "30 parts with 50,000 vertices over 2 %": _parts(noise=0.05),
        "30 parts that zigzag, 50,000 vertices": _parts(noise=0.2),
        "a star that zigzags, 50,000 vertices": Polygon(_ring((0.5, 0.5), _radius(0.02), 50_000, 0.1, seed=1)),
    }


def _radius(share: float) -> float:
    """Of a circle over that share of the square."""
    return float(np.sqrt(share / np.pi))


def _ring(centre: tuple[float, float], radius: float, corners: int, noise: float, *, seed: int) -> Floats:
    """A circle each corner of which is moved in or out by up to `noise` of the radius."""
    turn = np.arange(corners) * 2 * np.pi / corners
    away = radius * (1 + noise * np.random.default_rng([_SEED, seed]).uniform(-1, 1, corners))
    return np.column_stack([WEST + centre[0] + away * np.cos(turn), SOUTH + centre[1] + away * np.sin(turn)])


def _with_holes() -> Polygon:
    radius = _radius(0.0053)
    away = 0.45 * radius
    centres = [(0.5 + away, 0.5), (0.5, 0.5 + away), (0.5 - away, 0.5), (0.5, 0.5 - away)]
    holes = [_ring(centre, 0.12 * radius, 500, 0.05, seed=seed) for seed, centre in enumerate(centres)]
    return Polygon(_ring((0.5, 0.5), radius, 3_000, 0.05, seed=4), holes)


def _parts(*, noise: float) -> MultiPolygon:
    """Six by five islands."""
    centres = [((column + 0.5) / 6, (row + 0.5) / 5) for column in range(6) for row in range(5)]
    corners = [1_667] * 20 + [1_666] * 10
    return MultiPolygon(
        [
            Polygon(_ring(centre, _radius(0.02 / 30), count, noise, seed=seed))
            for seed, (centre, count) in enumerate(zip(centres, corners, strict=True))
        ]
    )
