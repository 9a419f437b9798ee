"""What the map shows, as GeoJSON: boundaries and districts, shelters by status, orders in force."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import shapely
from shapely.geometry.base import BaseGeometry

from console.where.districts import District
from dispatcher.gazetteer import shelters
from geo.area import Area
from geo.shelters import HAZARDS
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_NAMES = sql("console.where", "boundary_names")
_SHAPES = sql("console.where", "boundary_shapes")
_ACTIVE = sql("console.where", "active_areas")

STEPS = 2_000
"""Of an outline's longer side: finer than a screen shows. What is sent is never this, but the outline itself."""

DECIMALS = 6
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Something to pick by name. `part` is what stands for it in an order's area."""

    name: str
    part: Mapping[str, str]


class Layers:
    """Read anew whenever they are asked for; only the boundaries' outlines, which take long, are kept."""

    def __init__(self, pool: Pool, districts: Sequence[District] = ()) -> None:
        self._pool = pool
        self._districts = districts
        self._kept: tuple[list[Record], Json] | None = None

    async def municipalities(self) -> list[Place]:
        return [Place(row["name"], {"code": row["code"]}) for row in await self._pool.fetch(_NAMES)]

    def districts(self) -> list[Place]:
        return [Place(each.name, {"district": each.name}) for each in self._districts]

    async def boundaries(self) -> Json:
        """Outlines to show, with the names and the `part` of each."""
        names = await self._pool.fetch(_NAMES)
        if self._kept is None or self._kept[0] != names:
            shapes = await self._pool.fetch(_SHAPES)
            self._kept = names, await asyncio.to_thread(self._outlines, names, shapes)
        return self._kept[1]

    async def shelters(self) -> Json:
        """Every shelter as a point: name, status, capacity in people or null, what it is designated for."""
        return _collection(
            _feature(
                shapely.Point(each.shelter.lon, each.shelter.lat),
                id=each.shelter.id,
                name=each.shelter.name,
                status=each.status.value,
                capacity=each.shelter.capacity,
                hazards=[hazard for bit, hazard in enumerate(HAZARDS) if each.shelter.hazards >> bit & 1],
            )
            for each in await shelters(self._pool)
        )

    async def active(self) -> Json:
        """The areas of orders in force, drills among them."""
        rows = await self._pool.fetch(_ACTIVE)
        return _collection(
            _feature(
                shown(Area.from_wkb(row["area"])),
                id=row["id"],
                mode=row["mode"],
                **{"class": row["class"]},
                level=row["level"],
                name=row["name"],
                valid_until=row["valid_until"].isoformat(timespec="seconds"),
            )
            for row in rows
        )

    def _outlines(self, names: Sequence[Record], shapes: Sequence[Record]) -> Json:
        return _collection(self._each_outline({row["code"]: row["name"] for row in names}, shapes))

    def _each_outline(self, names: Mapping[str, str], shapes: Sequence[Record]) -> Iterator[Json]:
        for row in shapes:
            area = Area.from_wkb(row["geometry"])
            name = names.get(row["code"], row["code"])
            yield _feature(shown(area), kind="municipality", name=name, part={"code": row["code"]})
        for each in self._districts:
            yield _feature(shown(each.area), kind="district", name=each.name, part={"district": each.name})


def shown(area: Area) -> BaseGeometry:
    """The outline as fine as a screen shows it."""
    west, south, east, north = area.bounds
    step = max(east - west, north - south) / STEPS
    return shapely.simplify(area.geometry, step)


def geojson(geometry: BaseGeometry) -> Json:
    decoded: Json = json.loads(shapely.to_geojson(geometry))
    return {"type": decoded["type"], "coordinates": _rounded(decoded["coordinates"])}


def _rounded(numbers: Any) -> Any:
    return [_rounded(number) for number in numbers] if isinstance(numbers, list) else round(numbers, DECIMALS)


def _feature(geometry: BaseGeometry, **properties: Any) -> Json:
    return {"type": "Feature", "properties": properties, "geometry": geojson(geometry)}


def _collection(features: Iterable[Json]) -> Json:
    return {"type": "FeatureCollection", "features": list(features)}
