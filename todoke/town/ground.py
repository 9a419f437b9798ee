"""The ground a town stands on: the land inside its boundary, and drawing points that lie on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon

from geo.boundaries import MAX_BYTES, read_boundaries
from geo.shelter_csv import read_shelters
from todoke.reading import read_bytes
from words.problem import Problem, Refused

Floats = NDArray[np.float64]
Draw = Callable[[int], tuple[Floats, Floats]]

METRES_PER_DEGREE = 111_320.0
"""Of latitude, and of longitude at the equator."""
INHABITED_SHARE = 1 / 2000
"""Islets smaller than this share of the largest piece of land carry no homes."""
DECIMALS = 6
"""Of a coordinate in degrees: 0.1 m, what a subscribers file holds."""
MOST_ROUNDS = 400
ANY_CODE = "99201"
"""Whose boundary it is makes no difference here."""


class Ground:
    """Polygons in WGS84 degrees. Every point it gives is rounded as the file will hold it, and tested after that."""

    def __init__(self, polygons: list[Polygon]) -> None:
        self.land = shapely.union_all(polygons)
        shapely.prepare(self.land)
        self.pieces = _inhabited(polygons)
        self._areas = shapely.area(np.array(self.pieces))

    @property
    def metres_per_lon(self) -> float:
        return METRES_PER_DEGREE * float(np.cos(np.radians(self.land.centroid.y)))

    @property
    def square_metres(self) -> float:
        return float(self.land.area) * METRES_PER_DEGREE * self.metres_per_lon

    def holds(self, lons: Floats, lats: Floats) -> NDArray[np.bool_]:
        """Which of the points lie strictly inside, holes excluded."""
        return np.asarray(shapely.contains_xy(self.land, lons, lats), dtype=np.bool_)

    def fill(self, count: int, draw: Draw) -> tuple[Floats, Floats]:
        """`count` points on the land, in the order `draw` gives them; whatever falls into water is drawn again."""
        lons, lats = np.empty(count), np.empty(count)
        missing = np.arange(count)
        for _ in range(MOST_ROUNDS):
            if not len(missing):
                return lons, lats
            lon, lat = (np.round(axis, DECIMALS) for axis in draw(len(missing)))
            inside = self.holds(lon, lat)
            lons[missing[inside]], lats[missing[inside]] = lon[inside], lat[inside]
            missing = missing[~inside]
        raise Refused(_too_thin())

    def anywhere(self, rng: np.random.Generator) -> Draw:
        """Points spread evenly over the inhabited pieces (to be tested: they are drawn from bounding boxes)."""
        boxes = np.array([piece.bounds for piece in self.pieces])
        shares = self._areas / self._areas.sum()

        def draw(count: int) -> tuple[Floats, Floats]:
            west, south, east, north = boxes[rng.choice(len(boxes), count, p=shares)].T
            return rng.uniform(west, east), rng.uniform(south, north)

        return draw


def _inhabited(polygons: list[Polygon]) -> list[Polygon]:
    least = max(polygon.area for polygon in polygons) * INHABITED_SHARE
    return [polygon for polygon in polygons if polygon.area >= least]


def read_ground(path: Path) -> Ground:
    """The land of a boundary file, all of its polygons together. Raises Refused when it holds none."""
    content = read_bytes(path, MAX_BYTES)
    with _named(path):
        [found] = read_boundaries(content, ANY_CODE).boundaries
    return Ground(list(shapely.get_parts(found.area.geometry)))


def read_shelter_points(path: Path) -> Floats:
    """Rows of (lon, lat) from a shelters file in an official layout. Raises Refused when it is none.

    Rows that cannot be read are no centre of anything here; importing the file lists them.
    """
    content = read_bytes(path, MAX_BYTES)
    with _named(path):
        rows = read_shelters(content).rows
    return np.array([(shelter.lon, shelter.lat) for shelter in rows], dtype=np.float64).reshape(-1, 2)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Whoever gives two files is told which one is refused."""
    try:
        yield
    except Refused as refused:
        raise Refused(replace(each, where=f"{path} {each.where}".rstrip()) for each in refused.problems) from None


def _too_thin() -> Problem:
    return Problem(
        "town.too_thin",
        "--boundary",
        "境界の面が細すぎて、中に住まいを置けません。市町村全体の境界を渡してください。",
        "The boundary is too thin to place homes in. Give the boundary of a whole municipality.",
    )
