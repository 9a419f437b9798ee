"""The map of those not reached: counted in squares of about 500 m, so that no home can be told from it.

Squares are those of the Japanese standard grid (JIS X 0410, half mesh). Fewer than five in one are drawn without a number.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from numpy.typing import NDArray

from console.report import drawing
from console.where.districts import District
from dispatcher.history import DispatchHistory, Fate, boundaries_near, dispatch_history
from dispatcher.model import Standing
from geo.area import Area
from subscribers.profile import place_points

if TYPE_CHECKING:
    from asyncpg import Pool

PER_LON, PER_LAT = 160, 240
"""Squares a degree: 22.5 by 15 seconds."""
FEW = 5
"""Fewer than so many are not told apart from one another."""
KEPT_SECONDS = 45.0
SHARE = 1 / 200
"""Of the time that working it out may take; a large dispatch is drawn less often."""
_MARGIN = 0.35
KINDS = (Fate.MISSED, Fate.UNCERTAIN, Fate.WAITING)

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Square:
    """People of one kind in one square: where on the drawing its mark goes and how large, in units."""

    kind: Fate
    people: int
    x: float
    y: float
    size: float

    @property
    def told(self) -> str:
        return f"{self.people:,}" if self.people >= FEW else ""


@dataclass(frozen=True, slots=True)
class InDistrict:
    """`missed` includes those of whom nobody knows."""

    name: str
    missed: int


@dataclass(frozen=True, slots=True)
class Unreached:
    """`height` of the drawing in units, its width is `drawing.WIDTH`. `unplaced`: whose place is not on it."""

    counts: Mapping[Fate, int]
    standings: Mapping[Standing, int]
    height: int
    area: str
    lands: Sequence[str]
    squares: Sequence[Square]
    districts: Sequence[InDistrict]
    unplaced: int

    @property
    def drawn(self) -> bool:
        return bool(self.area)


@dataclass(slots=True)
class _Kept:
    found: Unreached
    until: float


class Unreaching:
    """Works it out, one dispatch at a time, and keeps it for a while for whoever asks next."""

    def __init__(self, pool: Pool, districts: Sequence[District]) -> None:
        self._pool = pool
        self._districts = districts
        self._kept: dict[str, _Kept] = {}
        self._one_at_a_time = asyncio.Lock()

    async def of(self, dispatch: str) -> Unreached:
        """Raises Refused when there is no such dispatch, or its details are gone."""
        async with self._one_at_a_time:
            began = time.monotonic()
            self._kept = {name: kept for name, kept in self._kept.items() if kept.until > began}
            if dispatch not in self._kept:
                found = await self._work_out(dispatch)
                ended = time.monotonic()
                self._kept[dispatch] = _Kept(found, ended + max(KEPT_SECONDS, (ended - began) / SHARE))
            return self._kept[dispatch].found

    async def _work_out(self, dispatch: str) -> Unreached:
        history = await dispatch_history(self._pool, dispatch)
        area = Area.from_wkb(history.area) if history.area else None
        lands = await boundaries_near(self._pool, area) if area is not None else []
        wanted = ~history.people.with_fate(Fate.REACHED)
        points = await place_points(self._pool, history.people.places[wanted])
        shapes = [land for land, _ in lands]
        return await asyncio.to_thread(_found, history, area, shapes, points, wanted, self._districts)


def _found(
    history: DispatchHistory,
    area: Area | None,
    lands: Sequence[Area],
    points: Floats,
    wanted: NDArray[np.bool_],
    districts: Sequence[District],
) -> Unreached:
    kinds = [history.people.with_fate(kind)[wanted] for kind in KINDS]
    placed = np.isfinite(points[:, 0])
    paper = drawing.frame(area, np.empty((0, 2))) if area is not None else None
    return Unreached(
        counts=history.people.counts(),
        standings=history.standings,
        height=paper.height if paper is not None else 0,
        area=paper.path(area.geometry) if paper is not None and area is not None else "",
        lands=[paper.path(land.geometry) for land in lands] if paper is not None else [],
        squares=_squares(paper, kinds, points, placed) if paper is not None else [],
        districts=_by_district(districts, points[(kinds[0] | kinds[1]) & placed]),
        unplaced=int((~placed).sum()),
    )


def _squares(
    paper: drawing.Frame, kinds: Sequence[NDArray[np.bool_]], points: Floats, placed: NDArray[np.bool_]
) -> list[Square]:
    """Marks of a square stand beside one another, by kind."""
    found = []
    wide = paper.units_per_lon / PER_LON
    for column, (kind, chosen) in enumerate(zip(KINDS, kinds, strict=True)):
        cells = np.floor(points[chosen & placed] * [PER_LON, PER_LAT])
        if not len(cells):
            continue
        each, counts = np.unique(cells, axis=0, return_counts=True)
        middles = paper.to_paper((each + 0.5) / [PER_LON, PER_LAT])
        for (x, y), people in zip(middles.tolist(), counts.tolist(), strict=True):
            if 0 <= x <= drawing.WIDTH and 0 <= y <= paper.height:
                size = min(max(10.0, 4.0 + 3.0 * people**0.5), max(wide * 0.5, 14.0))
                found.append(
                    Square(kind, people, round(x + (column - 1) * wide * _MARGIN, 1), round(y, 1), round(size, 1))
                )
    return found


def _by_district(districts: Sequence[District], points: Floats) -> list[InDistrict]:
    """Those with anybody, most first."""
    if not len(points):
        return []
    found = [
        InDistrict(each.name, int(shapely.contains_xy(each.area.geometry, points[:, 0], points[:, 1]).sum()))
        for each in districts
    ]
    return sorted((each for each in found if each.missed), key=lambda each: (-each.missed, each.name))
