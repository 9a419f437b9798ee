"""Districts: named parts of a town, smaller than any official boundary, from a GeoJSON file of the town's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from geo.area import MAX_BYTES, Area, area_from_geojson
from geo.geojson import load
from words.problem import Problem, Refused

NAME = "name"


@dataclass(frozen=True, slots=True)
class District:
    name: str
    area: Area


def read_districts(text: bytes, *, where: str = "districts") -> tuple[District, ...]:
    """The districts of a FeatureCollection whose features have a `name` of their own each, in its order.

    Raises Refused with every feature that has none, that has another's, or whose outline is not sound.
    """
    document = load(text, where=where, max_bytes=20 * MAX_BYTES)
    features = document.get("features") if isinstance(document, dict) else None
    if not isinstance(features, list) or not features:
        raise Refused(_none(where))
    problems: list[Problem] = []
    found: dict[str, District] = {}
    for number, feature in enumerate(features):
        place = f"{where}/features/{number}"
        problems += _take(feature, place, found)
    if problems:
        raise Refused(problems)
    return tuple(found.values())


def _take(feature: Any, place: str, found: dict[str, District]) -> Iterator[Problem]:
    name = _name(feature)
    if not name:
        yield _nameless(place)
    elif name in found:
        yield _twice(place, name)
    try:
        found.setdefault(name, District(name, area_from_geojson(feature, where=place)))
    except Refused as refusal:
        yield from refusal.problems


def _name(feature: Any) -> str:
    properties = feature.get("properties") if isinstance(feature, Mapping) else None
    name = properties.get(NAME) if isinstance(properties, Mapping) else None
    return name.strip() if isinstance(name, str) else ""


def _none(where: str) -> Problem:
    return Problem(
        "district.none",
        where,
        "地区が一つもありません。name の付いた多角形の FeatureCollection を指定してください。",
        "There is no district in it. Name a FeatureCollection of polygons that have a name each.",
    )


def _nameless(where: str) -> Problem:
    return Problem(
        "district.nameless",
        f"{where}/properties/{NAME}",
        "地区に名前がありません。properties の name に書いてください。",
        "This district has no name; write it as name in its properties.",
    )


def _twice(where: str, name: str) -> Problem:
    return Problem(
        "district.twice",
        f"{where}/properties/{NAME}",
        f"「{name}」という地区が二つあります。一つの多角形の集まり（MultiPolygon）にするか、名前を変えてください。",
        f"Two districts are called “{name}”; make them one MultiPolygon, or name one differently.",
    )
