"""The report's map in numbers: paths and marks of an SVG, in units of about a pixel. No tiles, no addresses."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from console.report.labels import Label
from dispatcher.history import Fate, People
from geo.area import Area
from geo.shelters import ShelterStatus

WIDTH = 1000
FLATTEST, TALLEST = 0.5, 0.9
"""Limits of the height as a share of the width."""
MARGIN = 0.08
METRES_PER_DEGREE = 111_320.0
DOTS_AT_MOST = 5_000
BLUR_METRES = 50
"""Homes are drawn to this many metres: a report is handed round."""
CELL = 20
"""Units of a cell of the grid that stands for a crowd."""
DOT, SMALLEST = 3.0, 2.0
"""Radius of one person, and of the fewest people in a crowd, in units."""
PRECISION = 0.5
"""Units within which an outline may be simplified."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Frame:
    """A piece of the world on paper; `height` and coordinates in units, degrees in."""

    west: float
    north: float
    units_per_lon: float
    units_per_lat: float
    height: int

    @property
    def metres_per_unit(self) -> float:
        return METRES_PER_DEGREE / self.units_per_lat

    def to_paper(self, points: Floats) -> Floats:
        """Rows of (lon, lat) to rows of (x, y), y downwards."""
        return (points - [self.west, self.north]) * [self.units_per_lon, -self.units_per_lat]

    def path(self, geometry: BaseGeometry) -> str:
        """The outlines as an SVG path (fill rule evenodd), simplified to what can be seen."""
        drawn = shapely.transform(geometry, self.to_paper)
        framed = shapely.clip_by_rect(drawn, -50, -50, WIDTH + 50, self.height + 50)
        rings = shapely.get_rings(shapely.get_parts(shapely.simplify(framed, PRECISION)))
        return "".join(_ring(shapely.get_coordinates(ring)) for ring in rings)


def _ring(points: Floats) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points[:-1].tolist()) + "Z"


def frame(area: Area, shelters: Floats) -> Frame:
    """Holds the area and the rows of (lon, lat) that people were sent to, with a margin."""
    corners = np.vstack([np.array(area.bounds).reshape(2, 2), shelters])
    (west, south), (east, north) = corners.min(axis=0), corners.max(axis=0)
    squeeze = math.cos(math.radians((south + north) / 2))
    width = (east - west) * squeeze
    height = min(max(north - south, width * FLATTEST), width * TALLEST)
    size = max(width, height / TALLEST, (north - south) / TALLEST) * (1 + 2 * MARGIN)
    tall = max(FLATTEST, min(TALLEST, (north - south) * (1 + 2 * MARGIN) / size))
    per_lat = WIDTH / size
    return Frame(
        west=(west + east) / 2 - size / squeeze / 2,
        north=(south + north) / 2 + size * tall / 2,
        units_per_lon=per_lat * squeeze,
        units_per_lat=per_lat,
        height=round(WIDTH * tall),
    )


@dataclass(frozen=True, slots=True)
class Mark:
    """A person, or the people of a cell: where, and how large to draw them."""

    x: float
    y: float
    size: float


@dataclass(frozen=True, slots=True)
class ShelterMark:
    """`fit`: designated for this hazard; `receives`: people can be sent there now."""

    number: int
    name: str
    status: ShelterStatus
    label: Label
    fit: bool
    messages: int
    x: float
    y: float

    @property
    def kind(self) -> str:
        if not self.fit:
            return "unfit"
        return "open" if self.status.receives else "shut"


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything on the map. `bar` is a length of `bar_label` in units; `crowd` when marks stand for several people."""

    height: int
    lands: Sequence[str]
    area: str
    shelters: Sequence[ShelterMark]
    people: dict[Fate, Sequence[Mark]]
    crowd: bool
    bar: float
    bar_label: str
    unplaced: int


def scale_bar(paper: Frame) -> tuple[float, str]:
    """The roundest length of at most a quarter of the width: in units, and in words."""
    longest = WIDTH * paper.metres_per_unit / 4
    power = 10 ** math.floor(math.log10(longest))
    metres = next(step * power for step in (5, 2, 1) if step * power <= longest)
    words = f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"  # noqa: PLR2004
    return metres / paper.metres_per_unit, words


def marks(paper: Frame, people: People, points: Floats) -> dict[Fate, Sequence[Mark]]:
    """Each person at `points` (lon, lat; NaN: nowhere), blurred; a grid of crowds when they are many."""
    crowd = is_crowd(people)
    cell = CELL if crowd else max(BLUR_METRES / paper.metres_per_unit, 1.0)
    placed = np.isfinite(points[:, 0])
    cells = np.floor(paper.to_paper(points[placed]) / cell)
    fates = people.fates[placed]
    return {each: _cells(cells[fates == number], cell, crowd=crowd) for number, each in enumerate(Fate)}


def is_crowd(people: People) -> bool:
    return len(people) > DOTS_AT_MOST


def _cells(cells: Floats, cell: float, *, crowd: bool) -> list[Mark]:
    if not len(cells):
        return []
    found, counts = np.unique(cells, axis=0, return_counts=True)
    largest = CELL * 0.55 / np.sqrt(counts.max()) if crowd else DOT
    sizes = np.clip(largest * np.sqrt(counts), SMALLEST, CELL * 0.55)
    middles = ((found + 0.5) * cell).round(1)
    return [Mark(*row) for row in np.column_stack([middles, sizes.round(1)]).tolist()]
