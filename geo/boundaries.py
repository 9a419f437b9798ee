"""Official boundaries: 国土数値情報 N03 and other GeoJSON, whose small flaws are mended rather than refused."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, takewhile

import shapely
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo.area import Area
from geo.faults import Faults
from geo.geojson import Drawn, load, read_polygons
from geo.municipality import municipality_code
from geo.topology import ring_sound
from words.problem import Problem, Refused

MAX_BYTES = 200 << 20
MAX_POINTS = 500_000
"""A municipality's own; Oga in Akita, 2,030 islets in full detail, has 98,863."""

CODE = "N03_007"
NAMES = ("N03_001", "N03_003", "N03_004", "N03_005")
"""Prefecture, district or designated city, municipality, ward. N03_002, a branch office of the prefecture,
is not part of a municipality's name."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """The area of one municipality. `repaired` tells that flaws of the outline were mended on reading."""

    code: str
    name: str
    area: Area
    repaired: bool


@dataclass(frozen=True, slots=True)
class BoundaryFile:
    """The boundaries of a file, ascending by code, and a problem for each feature that is no municipality's."""

    boundaries: tuple[Boundary, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Feature:
    where: str
    document: object

    @property
    def properties(self) -> Mapping[str, object]:
        found = self.document.get("properties") if isinstance(self.document, dict) else None
        return found if isinstance(found, dict) else {}

    @property
    def name(self) -> str:
        plain = self.properties.get("name")
        parts = [plain] if plain else [self.properties.get(key) for key in NAMES]
        return "".join(part for part in parts if isinstance(part, str))

    @property
    def code(self) -> str:
        found = self.properties.get(CODE)
        if isinstance(found, float | int):
            return f"{found:05.0f}"
        return found.strip() if isinstance(found, str) else ""


def read_boundaries(data: bytes, code: str | None = None, *, max_points: int = MAX_POINTS) -> BoundaryFile:
    """All features of one code are one area: of `code` where it is given, else of their own N03_007.

    Outlines that cross themselves or overlap are mended; wrong numbers, places outside Japan, and
    more than `max_points` points (closing ones not counted) in one area are not. Raises Refused.
    """
    features = _features(load(data, where="", max_bytes=MAX_BYTES))
    faults = Faults()
    groups, uncoded = _by_code(features, code, faults)
    boundaries = [_boundary(key, groups[key], max_points, faults) for key in sorted(groups)]
    faults.refuse()
    return BoundaryFile(tuple(boundary for boundary in boundaries if boundary), tuple(map(_uncoded, uncoded)))


def _features(document: object) -> list[_Feature]:
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        return [_Feature("", document)]
    listed = document.get("features")
    if not isinstance(listed, list) or not listed:
        raise Refused(_no_features())
    return [_Feature(f"/features/{number}", feature) for number, feature in enumerate(listed)]


def _by_code(
    features: Sequence[_Feature], code: str | None, faults: Faults
) -> tuple[dict[str, list[_Feature]], list[_Feature]]:
    if code is not None:
        return {municipality_code(code, where="--code"): list(features)}, []
    uncoded = [feature for feature in features if not feature.code]
    if len(uncoded) == len(features):
        raise Refused(_no_codes())
    groups: dict[str, list[_Feature]] = defaultdict(list)
    for feature in features:
        if feature.code:
            groups[_code_of(feature, faults)].append(feature)
    return groups, uncoded


def _code_of(feature: _Feature, faults: Faults) -> str:
    try:
        return municipality_code(feature.code, where=f"{feature.where}/properties/{CODE}")
    except Refused as refused:
        for problem in refused.problems:
            faults.add(problem.code, problem.where, problem.ja, problem.en)
        return ""


def _boundary(code: str, features: Sequence[_Feature], max_points: int, faults: Faults) -> Boundary | None:
    drawn = [
        polygon
        for feature in features
        for polygon in read_polygons(feature.document, faults, where=feature.where, max_points=None)
    ]
    name = _shared_beginning([feature.name for feature in features if feature.name]) or code
    points = sum(len(ring.points) - 1 for polygon in drawn for ring in polygon.rings)
    if points > max_points:
        _say_too_many(name, points, max_points, features[0].where, faults)
    if faults.problems:
        return None
    parts, repaired = _mended(drawn)
    if not parts:
        _say_no_area(name, features[0].where, faults)
        return None
    return Boundary(code, name, Area.of(_together(parts), where=features[0].where), repaired)


def _shared_beginning(names: Sequence[str]) -> str:
    """北海道札幌市 of its wards' names."""
    return "".join(
        letters[0] for letters in takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False))
    )


def _mended(drawn: Sequence[Drawn]) -> tuple[list[Polygon], bool]:
    """Sound polygons, and whether anything had to be left out or made sound."""
    mended = [_polygon(polygon) for polygon in drawn]
    return list(chain.from_iterable(parts for parts, _ in mended)), any(repaired for _, repaired in mended)


def _polygon(drawn: Drawn) -> tuple[list[Polygon], bool]:
    sound = [ring_sound(ring, Faults()) for ring in drawn.rings]
    if not sound[0]:
        return [], True
    holes = [ring.points for ring, good in zip(drawn.rings[1:], sound[1:], strict=True) if good]
    polygon = Polygon(drawn.rings[0].points, holes)
    if polygon.is_valid:
        return [polygon], not all(sound)
    return list(_polygons_in(shapely.make_valid(polygon, method="structure", keep_collapsed=False))), True


def _polygons_in(geometry: BaseGeometry) -> Iterator[Polygon]:
    for part in shapely.get_parts(shapely.get_parts(geometry)):
        if isinstance(part, Polygon) and not part.is_empty:
            yield part


def _together(parts: Sequence[Polygon]) -> BaseGeometry:
    apart = MultiPolygon(parts)
    return apart if apart.is_valid else shapely.union_all(parts)


def _no_features() -> Problem:
    return Problem(
        "boundary.no_features",
        "/features",
        "境界が一つもありません。国土数値情報の行政区域データなど、多角形のある GeoJSON を指定してください。",
        "There is no boundary in it. Name a GeoJSON file with polygons, such as the N03 data.",
    )


def _no_codes() -> Problem:
    return Problem(
        "boundary.no_codes",
        f"properties/{CODE}",
        f"市区町村コード（{CODE}）がありません。--code 33202 のように、どの市区町村かを指定してください。",
        f"No feature has a municipality code ({CODE}). Say whose boundary it is, such as --code 33202.",
    )


def _uncoded(feature: _Feature) -> Problem:
    name = feature.name or feature.where
    return Problem(
        "boundary.uncoded",
        feature.where,
        f"「{name}」には市区町村コードがないため、取り込みませんでした。必要なら --code を付けて別に取り込んでください。",
        f"“{name}” has no municipality code and was left out; if it is needed, import it apart with --code.",
    )


def _say_too_many(name: str, points: int, most: int, where: str, faults: Faults) -> None:
    faults.add(
        "boundary.too_many_points",
        where,
        f"「{name}」の境界には頂点が{points:,}個あります。{most:,}個までに形を簡単にしてください。",
        f"The boundary of “{name}” has {points:,} points; simplify it to at most {most:,}.",
    )


def _say_no_area(name: str, where: str, faults: Faults) -> None:
    faults.add(
        "boundary.no_area",
        where,
        f"「{name}」の境界が囲む面積がありません。ファイルを確かめてください。",
        f"The boundary of “{name}” encloses no area; check the file.",
    )
