"""The land of the fictional 川辺町 (Kawabe): two banks of a river, an island in it, a lake and a hill.

Every line is drawn from a few sines, so nothing of it is anybody's real coast.
"""

from __future__ import annotations

import math

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Point, Polygon
from shapely.affinity import rotate, scale

Floats = NDArray[np.float64]

CENTRE = (133.70, 34.60)
DECIMALS = 6
FLOOD_REACH = 0.0105
"""Degrees of longitude from the middle of the river to where the flood is expected to end: about 1 km."""


def outline() -> Polygon:
    """The border of the municipality, water included."""
    turn = np.linspace(0, 2 * math.pi, 360, endpoint=False)
    wave = 1 + 0.07 * np.sin(3 * turn + 0.4) + 0.05 * np.sin(5 * turn + 1.9) + 0.018 * np.sin(17 * turn)
    wave += 0.009 * np.sin(41 * turn + 0.7) + 0.006 * np.sin(67 * turn)
    return Polygon(np.c_[CENTRE[0] + 0.066 * wave * np.cos(turn), CENTRE[1] + 0.054 * wave * np.sin(turn)])


def _middle(lat: Floats) -> Floats:
    return CENTRE[0] + 0.0045 * np.sin((lat - CENTRE[1]) * 75) + 0.0015 * np.sin((lat - CENTRE[1]) * 210)


def river(south: float = 34.53, north: float = 34.67) -> Polygon:
    """川辺川, from north to south, widening round the island."""
    lat = np.linspace(south, north, 97)
    half = 0.0019 + 0.0036 * np.exp(-(((lat - CENTRE[1]) / 0.0085) ** 2)) + 0.008 * (34.67 - lat) * 0.8
    west, east = np.c_[_middle(lat) - half, lat], np.c_[_middle(lat) + half, lat]
    return Polygon(np.vstack([west, east[::-1]]))


def island() -> Polygon:
    """中之島, in the river."""
    middle = float(_middle(np.array([CENTRE[1]]))[0])
    return rotate(scale(Point(middle, CENTRE[1]).buffer(1, 24), 0.0030, 0.0078), -14)


def lake() -> Polygon:
    """鏡池, on the western plain: a hole in the boundary."""
    return rotate(scale(Point(133.668, 34.606).buffer(1, 32), 0.0072, 0.0046), 24)


def land() -> list[Polygon]:
    """The western bank with its lake cut out, the eastern bank, the island: largest first."""
    dry = shapely.union_all([outline().difference(river()).difference(lake()), island()])
    parts = shapely.get_parts(shapely.set_precision(dry, 10**-DECIMALS))
    return sorted(parts, key=lambda part: -part.area)


def districts() -> dict[str, Polygon]:
    """The five districts by name; together all of the land."""
    west, east, _ = sorted(land(), key=lambda part: (part.area < island().area * 1.01, part.centroid.x))
    hill = Polygon([(133.727, 34.52), (133.722, 34.60), (133.731, 34.68), (133.80, 34.68), (133.80, 34.52)])
    lakeside = lake().buffer(0.010)
    shapes = {
        "川西": west.difference(lakeside),
        "鏡池": west.intersection(lakeside),
        "中之島": island(),
        "川東": east.difference(hill),
        "山手": east.intersection(hill),
    }
    return {name: shapely.set_precision(shape, 10**-DECIMALS) for name, shape in shapes.items()}


def flood_area() -> Polygon:
    """Where the river would go first, as an officer draws it: both banks and the island around the town's centre."""
    lat = np.linspace(34.572, 34.633, 92)
    reach = FLOOD_REACH * np.sqrt(1.02 - ((lat - lat.mean()) / 0.0305) ** 2) + 0.002
    ragged = 0.0006 * np.sin(lat * 1900) + 0.0003 * np.sin(lat * 4300)
    west, east = np.c_[_middle(lat) - reach - ragged, lat], np.c_[_middle(lat) + 0.9 * reach - ragged[::-1], lat]
    drawn = Polygon(np.vstack([west, east[::-1]])).intersection(outline())
    return shapely.set_precision(drawn, 10**-DECIMALS)
