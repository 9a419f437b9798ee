"""Area: where an event applies. A validated, canonical polygon or multipolygon; nothing is never everybody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.faults import Faults
from geo.geojson import Drawn, load, read_polygons
from geo.segments import encounters, segments
from geo.topology import sound_polygons
from words.problem import Problem, Refused

MAX_BYTES = 1 << 20
MAX_POINTS = 50_000
MAX_POLYGONS = 1_000
"""What a person draws; official boundaries go through `geo.boundaries`."""

MOST_CROSSINGS = 20_000
"""Between two shapes to be united: GEOS takes 15 µs for each, a pair of combs a minute."""


@dataclass(frozen=True, slots=True)
class Area:
    """A sound, non-empty area in WGS84, lon and lat in degrees; its edge belongs to it (`shapely.intersects`).

    `wkb` is canonical: the same shape gives the same bytes, whichever point or ring was drawn first
    (parts in a fixed order, shells anticlockwise as RFC 7946 has it, no repeated positions, little endian).
    `digest` is its SHA-256 in hex; areas with the same digest are equal. `points` counts positions,
    the closing one of each ring included.
    """

    geometry: Polygon | MultiPolygon = field(repr=False, compare=False)
    wkb: bytes = field(repr=False, compare=False)
    digest: str
    points: int = field(compare=False)

    @classmethod
    def of(cls, geometry: BaseGeometry, *, where: str = "/area") -> Area:
        """The area of a geometry known to be sound. Raises Refused when it is empty or no polygon."""
        if not isinstance(geometry, Polygon | MultiPolygon) or geometry.is_empty:
            raise Refused(_empty(where))
        if not np.isfinite(shapely.get_coordinates(geometry)).all():
            raise Refused(_damaged(where))
        canonical = _canonical(geometry)
        wkb: bytes = shapely.to_wkb(canonical, byte_order=1, include_srid=False)
        shapely.prepare(canonical)
        return cls(canonical, wkb, hashlib.sha256(wkb).hexdigest(), int(shapely.get_num_coordinates(canonical)))

    @classmethod
    def from_wkb(cls, wkb: bytes, *, where: str = "/area") -> Area:
        """The area that was stored. Raises Refused when the bytes hold no polygon (any more)."""
        try:
            geometry = shapely.from_wkb(wkb)
        except shapely.GEOSException:
            raise Refused(_damaged(where)) from None
        return cls.of(geometry, where=where)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees."""
        west, south, east, north = self.geometry.bounds
        return west, south, east, north

    @property
    def polygons(self) -> int:
        return int(shapely.get_num_geometries(self.geometry))


def parse_geojson(
    text: bytes,
    *,
    where: str = "/area",
    max_bytes: int = MAX_BYTES,
    max_points: int = MAX_POINTS,
    max_polygons: int = MAX_POLYGONS,
) -> Area:
    """The one area that all polygons of a GeoJSON text make together.

    Raises Refused with up to 20 problems, each with a JSON pointer below `where` and the coordinate.
    """
    document = load(text, where=where, max_bytes=max_bytes)
    return area_from_geojson(document, where=where, max_points=max_points, max_polygons=max_polygons)


def area_from_geojson(
    document: object, *, where: str = "/area", max_points: int = MAX_POINTS, max_polygons: int = MAX_POLYGONS
) -> Area:
    """As `parse_geojson`, from a decoded document: Polygon, MultiPolygon, Feature or FeatureCollection.

    Features that overlap or share an edge are united; polygons of one MultiPolygon must not overlap.
    """
    faults = Faults()
    drawn = read_polygons(document, faults, where=where, max_points=max_points, max_polygons=max_polygons)
    return Area.of(_together(drawn, sound_polygons(drawn, faults), where), where=where)


def union_of(areas: Iterable[Area], *, where: str = "/area") -> Area:
    """The area covered by any of `areas`. Raises Refused when there is none: no area means nobody."""
    return Area.of(_united([area.geometry for area in areas], where), where=where)


def _together(drawn: Sequence[Drawn], polygons: Sequence[Polygon], where: str) -> BaseGeometry:
    if len({polygon.geometry for polygon in drawn}) == 1:
        return MultiPolygon(polygons)
    return _united(polygons, where)


def _united(shapes: Sequence[BaseGeometry], where: str) -> BaseGeometry:
    """By halves, so that each step can be looked at before GEOS is let loose on it."""
    apart = MultiPolygon([part for shape in shapes for part in shapely.get_parts(shape)])
    if apart.is_valid:
        return apart
    round_of = list(shapes)
    while len(round_of) > 1:
        pairs = zip(round_of[::2], round_of[1::2], strict=False)
        odd = round_of[len(round_of) // 2 * 2 :]
        round_of = [_pair_united(one, other, where) for one, other in pairs] + odd
    return round_of[0]


def _pair_united(one: BaseGeometry, other: BaseGeometry, where: str) -> BaseGeometry:
    if shapely.get_num_coordinates(one) * shapely.get_num_coordinates(other) > MOST_CROSSINGS:
        met = encounters(segments(one), segments(other))
        if met.crossings > MOST_CROSSINGS:
            raise Refused(_too_intricate(where))
    return shapely.union(one, other)


def _canonical(geometry: Polygon | MultiPolygon) -> Polygon | MultiPolygon:
    """Idempotent, so that what comes back from the database keeps its digest."""
    flat = shapely.remove_repeated_points(shapely.force_2d(geometry))
    parts = shapely.get_parts(flat)
    one: BaseGeometry = parts[0] if len(parts) == 1 else flat
    oriented: Polygon | MultiPolygon = shapely.orient_polygons(shapely.normalize(shapely.set_srid(one, 0)))
    return oriented


def _empty(where: str) -> Problem:
    return Problem(
        "area.empty",
        where,
        "区域が空です。区域のない通知は誰にも届けません。多角形を描いてください。",
        "The area is empty. Without an area nobody is notified; draw a polygon.",
    )


def _damaged(where: str) -> Problem:
    return Problem(
        "area.damaged",
        where,
        "保存された区域を読めません。区域を取り込み直すか、描き直してください。",
        "The stored area cannot be read; import or draw it again.",
    )


def _too_intricate(where: str) -> Problem:
    return Problem(
        "area.too_intricate",
        where,
        "区域どうしの重なりが入り組みすぎています。もっと簡単な形に描き直してください。",
        "The way the areas overlap is too intricate; draw simpler ones.",
    )
