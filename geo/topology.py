"""Whether drawn rings enclose an area one can be sure about, and if not, where they do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

import numpy as np
import shapely
from shapely import MultiPolygon, Polygon

from geo.faults import Faults, pair
from geo.geojson import Drawn, Positions, Ring
from geo.segments import encounters, segments_of

LEAST_AREA = 1e-14
"""Square degrees, about a square centimetre: collinear positions leave less than this after rounding."""

LOOK_FIRST = 8_000_000
"""Pairs of segments with overlapping boxes from which on a sample is searched for a crossing first:
GEOS takes 25 ns a pair, and hostile scribbles must not cost more than 200 ms."""

MOST_PAIRS = 200_000_000
"""Beyond this GEOS would take more than five seconds to tell whether the shape is sound."""

CORNERS = 3
"""A ring has at least so many, and one position more that closes it (RFC 7946, 3.1.6)."""

TOUCHING = 1e-9
"""Degrees, a tenth of a millimetre: GEOS rounds the place where it saw two lines meet."""

_PLACE = re.compile(r"^(?P<kind>.*?)\[(?P<lon>\S+) (?P<lat>\S+)\]$")

Kind = tuple[str, str, str]

_REASONS: dict[str, Kind] = {
    "Self-intersection": (
        "area.self_intersection",
        "で輪郭の線が自分自身と交わっています",
        "the outline crosses itself",
    ),
    "Ring Self-intersection": (
        "area.self_intersection",
        "で輪郭が自分自身に触れています",
        "the outline touches itself",
    ),
    "Hole lies outside shell": ("area.hole_outside", "で穴が外周の外にあります", "a hole lies outside its shell"),
    "Holes are nested": ("area.holes_nested", "で穴の中に別の穴があります", "a hole lies inside another hole"),
    "Interior is disconnected": (
        "area.cut",
        "で穴が触れ合い内側が分断されています",
        "touching holes cut the inside in two",
    ),
    "Duplicate Rings": ("area.rings_equal", "で同じ輪郭が二度あります", "the same ring stands there twice"),
    "Nested shells": (
        "area.polygons_overlap",
        "で多角形の中に別の多角形があります",
        "a polygon lies inside another one",
    ),
}
_NO_AREA = ("area.no_area", "から始まる輪郭が囲む面積がありません", "a ring starts that encloses no area")
_UNKNOWN = ("area.unsound", "で形が正しくありません", "the shape is not sound")
_RINGS_MEET = (
    "area.rings_cross",
    "で穴と外周、または穴どうしの線が交わっています",
    "a hole's line crosses another ring",
)
_OVERLAP = (
    "area.polygons_overlap",
    "で一つの MultiPolygon の多角形どうしが重なっています",
    "polygons of one MultiPolygon overlap",
)


def sound_polygons(drawn: Sequence[Drawn], faults: Faults) -> list[Polygon]:
    """The polygons, each sound in itself and within its geometry. Raises Refused with each fault's coordinate,
    and with what `faults` already holds."""
    closed = [polygon for polygon in drawn if _rings_sound(polygon, faults)]
    _refuse_endless_work(closed, faults)
    polygons = {polygon.where: Polygon(*_shell_and_holes(polygon)) for polygon in closed}
    sound = [polygon for polygon in closed if _polygon_sound(polygon, polygons[polygon.where], faults)]
    for _, group in groupby(sound, key=lambda polygon: polygon.geometry):
        _geometry_sound(list(group), polygons, faults)
    faults.refuse()
    return [polygons[polygon.where] for polygon in drawn]


def _shell_and_holes(polygon: Drawn) -> tuple[Positions, list[Positions]]:
    return polygon.rings[0].points, [ring.points for ring in polygon.rings[1:]]


def _rings_sound(polygon: Drawn, faults: Faults) -> bool:
    return all([ring_sound(ring, faults) for ring in polygon.rings])  # noqa: C419 - every ring is looked at


def ring_sound(ring: Ring, faults: Faults) -> bool:
    """Whether a ring is closed and encloses an area; if not, why not is added to `faults`."""
    points = ring.points
    if not len(points):
        _say_no_points(ring.where, faults)
    elif len(np.unique(points, axis=0)) >= CORNERS and (points[0] != points[-1]).any():
        _say_open(ring, faults)
    elif len(points) <= CORNERS:
        _say_few(ring, faults)
    elif shapely.MultiPoint(points).convex_hull.area < LEAST_AREA:
        _say(faults, _NO_AREA, ring.where, float(points[0, 0]), float(points[0, 1]))
    else:
        return True
    return False


def _refuse_endless_work(drawn: Sequence[Drawn], faults: Faults) -> None:
    """What GEOS would not answer in reasonable time is judged by a sample of its segments."""
    rings = [ring for polygon in drawn for ring in polygon.rings]
    if sum(len(ring.points) for ring in rings) ** 2 < 2 * LOOK_FIRST:
        return
    all_segments = segments_of([ring.points for ring in rings])
    met = encounters(all_segments, all_segments)
    if met.overlaps / 2 < LOOK_FIRST:
        return
    if met.crossing and met.crossing[0] == met.crossing[1]:
        ring, _, lon, lat = met.crossing
        _say(faults, _REASONS["Self-intersection"], _nearest([rings[ring]], lon, lat), lon, lat)
        faults.refuse()
    if met.overlaps / 2 > MOST_PAIRS:
        _say_intricate(drawn[0].where, faults)
        faults.refuse()


def _polygon_sound(drawn: Drawn, polygon: Polygon, faults: Faults) -> bool:
    if faults.full:
        return False
    reason = _PLACE.match(shapely.is_valid_reason(polygon))
    if reason is None:
        return True
    lon, lat = float(reason["lon"]), float(reason["lat"])
    kind = _REASONS.get(reason["kind"], _UNKNOWN)
    touching = [ring for ring in drawn.rings if _distance(ring, lon, lat).min() < TOUCHING]
    if reason["kind"] == "Self-intersection" and len(touching) > 1:
        kind = _RINGS_MEET
    _say(faults, kind, _nearest(touching[-1:] or drawn.rings, lon, lat), lon, lat)
    return False


def _geometry_sound(group: Sequence[Drawn], polygons: dict[str, Polygon], faults: Faults) -> None:
    if len(group) == 1 or faults.full:
        return
    reason = _PLACE.match(shapely.is_valid_reason(MultiPolygon([polygons[drawn.where] for drawn in group])))
    if reason is None:
        return
    lon, lat = float(reason["lon"]), float(reason["lat"])
    kind = _REASONS["Nested shells"] if reason["kind"] == "Nested shells" else _OVERLAP
    _say(faults, kind, _nearest([ring for drawn in group for ring in drawn.rings], lon, lat), lon, lat)


def _distance(ring: Ring, lon: float, lat: float) -> Positions:
    """Degrees from a point to each segment of the ring."""
    lines = shapely.linestrings(np.stack([ring.points[:-1], ring.points[1:]], axis=1))
    return np.asarray(shapely.distance(lines, shapely.Point(lon, lat)))


def _nearest(rings: Sequence[Ring], lon: float, lat: float) -> str:
    """The pointer of the position where the segment next to a point begins."""
    distances = [_distance(ring, lon, lat) for ring in rings]
    ring = int(np.argmin([distance.min() for distance in distances]))
    return f"{rings[ring].where}/{int(distances[ring].argmin())}"


def _say(faults: Faults, kind: Kind, where: str, lon: float, lat: float) -> None:
    code, ja, en = kind
    faults.add(
        code,
        where,
        f"座標 {pair(lon, lat)} {ja}。描き直してください。",
        f"At {pair(lon, lat)} {en}; draw it again.",
    )


def _say_no_points(where: str, faults: Faults) -> None:
    faults.add(
        "area.empty",
        where,
        "輪郭に点がありません。区域のない通知は誰にも届けません。多角形を描いてください。",
        "The ring has no positions. Without an area nobody is notified; draw a polygon.",
    )


def _say_open(ring: Ring, faults: Faults) -> None:
    first, last = (pair(float(lon), float(lat)) for lon, lat in (ring.points[0], ring.points[-1]))
    faults.add(
        "area.not_closed",
        ring.where,
        f"輪郭が閉じていません。最初の点 {first} と最後の点 {last} が違います。最初の点を最後にも書いてください。",
        f"The ring is not closed: it starts at {first} and ends at {last}; repeat the first position at the end.",
    )


def _say_few(ring: Ring, faults: Faults) -> None:
    count, first = len(ring.points), pair(float(ring.points[0, 0]), float(ring.points[0, 1]))
    faults.add(
        "area.too_few_points",
        ring.where,
        f"{first} から始まる輪郭の点が{count}個しかありません。閉じる点を含めて4個以上必要です。",
        f"The ring starting at {first} has only {count} positions; it needs at least 4, the closing one included.",
    )


def _say_intricate(where: str, faults: Faults) -> None:
    faults.add(
        "area.too_intricate",
        where,
        "形が入り組みすぎていて確かめられません。もっと簡単な形に描き直してください。",
        "The shape is too intricate to be checked; draw a simpler one.",
    )
