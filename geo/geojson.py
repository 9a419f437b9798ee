"""GeoJSON (RFC 7946) into rings of numbers. Every fault is named by the JSON pointer of its position."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from geo import japan
from geo.faults import Faults, pair
from words.problem import Problem, Refused

Positions = NDArray[np.float64]

NOT_AREAS = {
    "Point": "点",
    "MultiPoint": "点の集まり",
    "LineString": "線",
    "MultiLineString": "線の集まり",
    "GeometryCollection": "図形の寄せ集め",
}


@dataclass(frozen=True, slots=True)
class Ring:
    """`points` is float64[n, 2], lon and lat in degrees; `where` its JSON pointer."""

    where: str
    points: Positions


@dataclass(frozen=True, slots=True)
class Drawn:
    """One polygon as written: its shell, then its holes. `geometry` numbers the geometry it was part of."""

    where: str
    geometry: int
    rings: tuple[Ring, ...]


@dataclass(frozen=True, slots=True)
class _Raw:
    where: str
    geometry: int
    rings: Sequence[object]


def load(text: bytes, *, where: str, max_bytes: int) -> object:
    """The JSON document in `text`. Raises Refused when it is larger than `max_bytes` or not JSON."""
    if len(text) > max_bytes:
        raise Refused(_too_big(len(text), max_bytes, where))
    try:
        # Whole numbers as floats: int() refuses 5,000 digits with an error of its own, float() says inf.
        document: object = json.loads(text, parse_int=float)
    except RecursionError:
        raise Refused(_too_deep(where)) from None
    except json.JSONDecodeError as error:
        raise Refused(_not_json(error, where)) from None
    except UnicodeDecodeError:
        raise Refused(_not_text(where)) from None
    return document


def read_polygons(
    document: object, faults: Faults, *, where: str, max_points: int | None, max_polygons: int | None = None
) -> list[Drawn]:
    """Every polygon of a Polygon, MultiPolygon, Feature or FeatureCollection whose numbers are right.

    What is wrong with the others, in structure, number or place, is added to `faults`. Heights are dropped.
    `max_points` counts vertices (the closing position of a ring is not one more); it and `max_polygons`
    are checked before any geometry is built, and raise Refused.
    """
    raw = list(_document(document, where, faults))
    if not raw and not faults.problems:
        _say_empty(where, faults)
    if _too_many(raw, where, max_points, max_polygons, faults):
        faults.refuse()
    drawn = [_drawn(polygon, faults) for polygon in raw]
    return [polygon for polygon in drawn if polygon]


def _document(document: object, where: str, faults: Faults) -> Iterator[_Raw]:
    if not isinstance(document, dict) or document.get("type") != "FeatureCollection":
        yield from _feature(document, where, 0, faults)
        return
    features = document.get("features")
    if not isinstance(features, list):
        faults.add(
            "area.structure",
            f"{where}/features",
            "FeatureCollection の features は配列で書いてください。",
            "The features of a FeatureCollection must be an array.",
        )
        return
    for number, feature in enumerate(features):
        if faults.full:
            return
        yield from _feature(feature, f"{where}/features/{number}", number, faults)


def _feature(feature: object, where: str, number: int, faults: Faults) -> Iterator[_Raw]:
    if isinstance(feature, dict) and feature.get("type") == "Feature":
        yield from _geometry(feature.get("geometry"), f"{where}/geometry", number, faults)
    else:
        yield from _geometry(feature, where, number, faults)


def _geometry(geometry: object, where: str, number: int, faults: Faults) -> Iterator[_Raw]:
    if geometry is None:
        _say_empty(where, faults)
        return
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    coordinates = geometry.get("coordinates") if isinstance(geometry, dict) else None
    if kind not in {"Polygon", "MultiPolygon"}:
        _say_wrong_type(geometry, kind, where, faults)
    elif not isinstance(coordinates, list | tuple):
        _say_not_array(f"{where}/coordinates", faults)
    elif kind == "Polygon":
        yield from _polygon(coordinates, f"{where}/coordinates", number, faults)
    elif not coordinates:
        _say_empty(f"{where}/coordinates", faults)
    else:
        for position, polygon in enumerate(coordinates):
            yield from _polygon(polygon, f"{where}/coordinates/{position}", number, faults)


def _polygon(rings: object, where: str, number: int, faults: Faults) -> Iterator[_Raw]:
    if not isinstance(rings, list | tuple):
        _say_not_array(where, faults)
    elif not rings:
        _say_empty(where, faults)
    else:
        yield _Raw(where, number, rings)


def _too_many(
    raw: Sequence[_Raw], where: str, max_points: int | None, max_polygons: int | None, faults: Faults
) -> bool:
    rings = (ring for polygon in raw for ring in polygon.rings)
    points = sum(max(len(ring) - 1, 0) for ring in rings if isinstance(ring, list | tuple))
    many_polygons = max_polygons is not None and len(raw) > max_polygons
    many_points = max_points is not None and points > max_points
    if many_polygons:
        faults.add(
            "area.too_many_polygons",
            where,
            f"多角形が{len(raw):,}個あります。{max_polygons:,}個までにしてください。",
            f"There are {len(raw):,} polygons; draw at most {max_polygons:,}.",
        )
    if many_points:
        faults.add(
            "area.too_many_points",
            where,
            f"頂点が{points:,}個あります。{max_points:,}個までに形を簡単にしてください。",
            f"There are {points:,} points; simplify the shape to at most {max_points:,}.",
        )
    return many_polygons or many_points


def _drawn(polygon: _Raw, faults: Faults) -> Drawn | None:
    before = len(faults.problems)
    rings = []
    for number, ring in enumerate(polygon.rings):
        if faults.full:
            return None
        where = f"{polygon.where}/{number}"
        rings.append(Ring(where, read_positions(ring, where, faults)))
    return Drawn(polygon.where, polygon.geometry, tuple(rings)) if len(faults.problems) == before else None


def read_positions(ring: object, where: str, faults: Faults) -> Positions:
    """float64[n, 2] of an array of positions; what is wrong with them is added to `faults`."""
    if not isinstance(ring, list | tuple):
        _say_not_array(where, faults)
        return np.empty((0, 2))
    values = _all_numbers(ring)
    if values is None:
        values = _one_by_one(ring, where, faults)
    _check_places(values, where, faults)
    return values[:, :2]


def read_position(value: object, where: str, faults: Faults) -> tuple[float, float]:
    """Longitude and latitude of one position; what is wrong with it is added to `faults`."""
    found = _position(value, where, faults)
    if found is None:
        return math.nan, math.nan
    if japan.swapped(*found):
        _say_swapped(where, *found, 0, faults)
    elif not japan.inside(*found):
        _say_outside(where, *found, 0, faults)
    return found


def _all_numbers(ring: Sequence[object]) -> Positions | None:
    """float64[n, 2 or 3] when every position is an array of as many plain numbers, else None.

    The whole ring at once: a million positions one by one take seconds.
    """
    if not ring or not {type(position) for position in ring} <= {list, tuple}:
        return None
    positions: Sequence[Sequence[float]] = ring  # type: ignore[assignment]
    widths = set(map(len, positions))
    if widths not in ({2}, {3}) or not set(map(type, chain.from_iterable(positions))) <= {float, int}:
        return None
    try:
        return np.array(positions, dtype=np.float64)
    except OverflowError:
        return None


def _one_by_one(ring: Sequence[object], where: str, faults: Faults) -> Positions:
    rows = []
    for number, position in enumerate(ring):
        if faults.full:
            break
        rows.append(_position(position, f"{where}/{number}", faults))
    return np.array([row for row in rows if row is not None], dtype=np.float64).reshape(-1, 2)


def _position(position: object, where: str, faults: Faults) -> tuple[float, float] | None:
    if not isinstance(position, list | tuple) or len(position) not in {2, 3}:
        faults.add(
            "area.position",
            where,
            "位置は [経度, 緯度] の2つの数（高さを付けるなら3つ）で書いてください。",
            "A position is [longitude, latitude]: two numbers, or three with a height.",
        )
        return None
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in position):
        faults.add(
            "area.not_a_number",
            where,
            "座標に数でないものがあります。引用符などを付けず、数だけで書いてください。",
            "A coordinate is not a number; write plain numbers, without quotation marks.",
        )
        return None
    numbers = [_float(value) for value in position]
    if not all(map(math.isfinite, numbers)):
        _say_not_finite(where, numbers[0], numbers[1], 0, faults)
        return None
    return numbers[0], numbers[1]


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf")


def _check_places(values: Positions, where: str, faults: Faults) -> None:
    """One problem for each kind of mistake in a ring: its first position, and how many more there are."""
    finite = np.isfinite(values).all(axis=1)
    lons, lats = values[:, 0], values[:, 1]
    turned = finite & japan.swapped(lons, lats)
    outside = finite & ~turned & ~japan.inside(lons, lats)
    for wrong, say in ((~finite, _say_not_finite), (turned, _say_swapped), (outside, _say_outside)):
        found = np.flatnonzero(wrong)
        if found.size:
            first = int(found[0])
            say(f"{where}/{first}", float(lons[first]), float(lats[first]), found.size - 1, faults)


def _more(count: int) -> tuple[str, str]:
    return (f"（ほか{count:,}点）", f" ({count:,} more)") if count else ("", "")


def _say_not_finite(where: str, lon: float, lat: float, more: int, faults: Faults) -> None:
    ja, en = _more(more)
    faults.add(
        "area.not_finite",
        where,
        f"座標 {pair(lon, lat)} に有限でない数（NaN や無限大）があります{ja}。正しい数に直してください。",
        f"The coordinate {pair(lon, lat)} holds a number that is not finite{en}; correct it.",
    )


def _say_swapped(where: str, lon: float, lat: float, more: int, faults: Faults) -> None:
    ja, en = _more(more)
    faults.add(
        "area.swapped",
        where,
        f"座標 {pair(lon, lat)} は緯度と経度が逆のようです{ja}。"
        f"[経度, 緯度] の順に、{pair(lat, lon)} と書いてください。",
        f"The coordinate {pair(lon, lat)} seems to have latitude and longitude swapped{en}; "
        f"write [longitude, latitude]: {pair(lat, lon)}.",
    )


def _say_outside(where: str, lon: float, lat: float, more: int, faults: Faults) -> None:
    ja, en = _more(more)
    faults.add(
        "area.outside_japan",
        where,
        f"座標 {pair(lon, lat)} は日本の範囲（東経122〜154度、北緯20〜46度）の外です{ja}。座標を確かめてください。",
        f"The coordinate {pair(lon, lat)} lies outside Japan (122–154° E, 20–46° N){en}; check it.",
    )


def _say_empty(where: str, faults: Faults) -> None:
    faults.add(
        "area.empty",
        where,
        "区域が空です。区域のない通知は誰にも届けません。多角形を描いてください。",
        "The area is empty. Without an area nobody is notified; draw a polygon.",
    )


def _say_not_array(where: str, faults: Faults) -> None:
    faults.add("area.structure", where, "座標は配列で書いてください。", "Coordinates must be an array.")


def _say_wrong_type(geometry: object, kind: object, where: str, faults: Faults) -> None:
    if not isinstance(geometry, dict):
        ja, en = "ここには GeoJSON の図形が必要です。", "A GeoJSON geometry is needed here."
    elif isinstance(kind, str):
        name = f"{kind[:40]}（{NOT_AREAS[kind]}）" if kind in NOT_AREAS else f"「{kind[:40]}」"
        ja, en = f"{name}は区域になりません。", f"{kind[:40]} is not an area."
    else:
        ja, en = "type がありません。", "There is no type."
    faults.add(
        "area.type",
        where,
        f"{ja}Polygon か MultiPolygon で描いてください。",
        f"{en} Use a Polygon or a MultiPolygon.",
    )


def _too_big(size: int, most: int, where: str) -> Problem:
    return Problem(
        "area.too_big",
        where,
        f"区域のデータが{size:,}バイトあります。{most:,}バイトまでに形を簡単にしてください。",
        f"The area takes {size:,} bytes; simplify the shape to at most {most:,}.",
    )


def _too_deep(where: str) -> Problem:
    return Problem(
        "area.not_json",
        where,
        "JSON の入れ子が深すぎて読めません。GeoJSON として書き出し直してください。",
        "The JSON is nested too deeply to be read; export it as GeoJSON again.",
    )


def _not_json(error: json.JSONDecodeError, where: str) -> Problem:
    return Problem(
        "area.not_json",
        where,
        f"JSON として読めません（{error.lineno}行目の{error.colno}文字目）。GeoJSON として書き出し直してください。",
        f"This is not valid JSON (line {error.lineno}, column {error.colno}); export it as GeoJSON again.",
    )


def _not_text(where: str) -> Problem:
    return Problem(
        "area.not_json",
        where,
        "文字コードが UTF-8 ではないため読めません。UTF-8 の GeoJSON として保存し直してください。",
        "The text is not UTF-8; save it as GeoJSON in UTF-8 again.",
    )
