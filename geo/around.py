"""Areas given in metres on the ground: within a radius of a point, or along a line of some width."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import shapely
from numpy.typing import NDArray

from geo.area import MAX_POINTS, Area
from geo.distance import metres
from geo.ellipsoid import destinations, metres_a_degree
from geo.faults import Faults
from geo.geojson import read_position, read_positions
from geo.ranges import spread
from words.problem import Problem, Refused

Floats = NDArray[np.float64]

LEAST, MOST_RADIUS, MOST_WIDTH = 1.0, 500_000.0, 20_000.0
"""Metres. A wider line would no longer be true to 0.5 % by the flat pieces it is made of."""

MOST_POSITIONS = 2_000
"""Of a line: a river of 200 km with one every 100 m."""

MOST_LENGTH = 5_000_000.0
"""Metres, farther than Japan is long: a zigzag across the country would take minutes."""

CORNERS = 128
AZIMUTHS: Floats = np.linspace(0, -2 * np.pi, CORNERS, endpoint=False)
OUTSIDE = 1.0001 / math.cos(math.pi / CORNERS)
"""The corners stand outside the circle, so that nobody within the radius is left out; 0.04 % farther at most."""

BAND = 0.05
"""Degrees of latitude over which a degree of longitude is taken to be as wide as in the middle: at 46° N 0.05 % off,
with MOST_WIDTH 0.2 %, but on one side more what is less on the other."""

QUARTER = 16
GROWN = 1.002
"""A round corner of 90° has 16 edges, 0.12 % inside of it; so much wider, nobody within the width is left out."""

DIGITS = 9
"""Of a degree: a tenth of a millimetre. What machines compute differently in the last digit does not count."""

KEYS = {"point": "radius_m", "line": "width_m"}


def is_in_metres(document: Mapping[str, object]) -> bool:
    """Whether somebody meant an area in metres, rightly written or not."""
    return not document.keys().isdisjoint(KEYS.keys() | KEYS.values())


def area_in_metres(document: Mapping[str, object], *, where: str = "/area") -> Area:
    """The area of `{"point": [lon, lat], "radius_m": r}` or `{"line": [[lon, lat], …], "width_m": w}`.

    Raises Refused with all problems, each with a JSON pointer below `where`.
    """
    faults = Faults()
    what = "line" if "line" in document or ("point" not in document and "width_m" in document) else "point"
    _check_keys(document, what, where, faults)
    most = MOST_WIDTH if what == "line" else MOST_RADIUS
    size = _metres(document.get(KEYS[what]), most, f"{where}/{KEYS[what]}", faults) if KEYS[what] in document else 0.0
    if what == "line":
        line = _line(document["line"], f"{where}/line", faults) if "line" in document else np.empty((0, 2))
        faults.refuse()
        return strip(line, size, where=where)
    lon, lat = read_position(document["point"], f"{where}/point", faults) if "point" in document else (0.0, 0.0)
    faults.refuse()
    return circle(lon, lat, size, where=where)


def circle(lon: float, lat: float, radius: float, *, where: str = "/area") -> Area:
    """Everything within `radius` metres of a point in degrees, and at most 0.05 % more."""
    corners = np.round(destinations(lon, lat, AZIMUTHS, radius * OUTSIDE), DIGITS)
    return Area.of(shapely.Polygon(corners), where=where)


def strip(line: Floats, width: float, *, where: str = "/area") -> Area:
    """Everything within half of `width` metres of a line, its ends round, and at most 0.4 % of that more.

    `line` is float64[n, 2], lon and lat in degrees, at least two of them different. Between two positions it runs
    straight in these, as GeoJSON has it (RFC 7946, 3.1.1).
    """
    start, end = _pieces(line)
    east, north = metres_a_degree((start[:, 1] + end[:, 1]) / 2)
    scale = np.stack([east, north], axis=1)
    flat = shapely.linestrings(np.stack([start * scale, end * scale], axis=1))
    buffered = shapely.buffer(flat, width / 2 * GROWN, quad_segs=QUARTER)
    corners, piece = shapely.get_coordinates(buffered, return_index=True)
    pieces = shapely.polygons(shapely.linearrings(corners / scale[piece], indices=piece))
    area = Area.of(shapely.set_precision(shapely.union_all(pieces), 10.0**-DIGITS), where=where)
    if area.points > MAX_POINTS:
        raise Refused(_too_intricate(f"{where}/line"))
    return area


def _pieces(line: Floats) -> tuple[Floats, Floats]:
    """The segments of the line, each parted until it spans BAND at most."""
    start, end = line[:-1], line[1:]
    differ = (start != end).any(axis=1)
    start, end = start[differ], end[differ]
    parts = np.maximum(np.ceil(np.abs(end[:, 1] - start[:, 1]) / BAND).astype(np.int64), 1)
    segment, number = spread(np.zeros(len(parts), np.int64), parts)
    step = ((end - start) / parts[:, None])[segment]
    begin = start[segment] + step * number[:, None]
    return begin, np.where((number + 1 == parts[segment])[:, None], end[segment], begin + step)


def _line(value: object, where: str, faults: Faults) -> Floats:
    if isinstance(value, list | tuple) and len(value) > MOST_POSITIONS:
        faults.add(
            "area.too_many_points",
            where,
            f"線に点が{len(value):,}個あります。{MOST_POSITIONS:,}個までに簡単にしてください。",
            f"The line has {len(value):,} positions; simplify it to at most {MOST_POSITIONS:,}.",
        )
        return np.empty((0, 2))
    before = len(faults.problems)
    positions = read_positions(value, where, faults)
    if len(faults.problems) == before:
        _check_line(positions, where, faults)
    return positions


def _check_line(positions: Floats, where: str, faults: Faults) -> None:
    length = float(metres(*positions[:-1].T, *positions[1:].T).sum())
    if len(np.unique(positions, axis=0)) <= 1:
        faults.add(
            "area.line",
            where,
            "線には、違う場所の点が2つ以上必要です。一点のまわりなら point と radius_m で書いてください。",
            "A line needs two positions that differ; around a single one, write point and radius_m.",
        )
    elif length > MOST_LENGTH:
        faults.add(
            "area.line_too_long",
            where,
            f"線の長さが{length / 1_000:,.0f}キロメートルあります。{MOST_LENGTH / 1_000:,.0f}キロメートルまでにしてください。",
            f"The line is {length / 1_000:,.0f} km long and may have {MOST_LENGTH / 1_000:,.0f}.",
        )


def _metres(value: object, most: float, where: str, faults: Faults) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        faults.add(
            "area.not_a_number",
            where,
            "メートルの数を、引用符や単位を付けずに書いてください（例：800）。",
            "Write a number of metres, without quotation marks or a unit, such as 800.",
        )
    elif LEAST <= value <= most:
        return float(value)
    else:
        faults.add(
            "area.metres",
            where,
            f"{value:.10g} メートルは使えません。{LEAST:.0f}〜{most:,.0f} メートルにしてください。",
            f"{value:.10g} metres cannot be used; write {LEAST:.0f} to {most:,.0f}.",
        )
    return 0.0


def _check_keys(document: Mapping[str, object], what: str, where: str, faults: Faults) -> None:
    known = (what, KEYS[what])
    for key in known:
        if key not in document:
            faults.add(
                "area.missing",
                f"{where}/{key}",
                f"「{key}」がありません。{known[0]} と {known[1]} の両方を書いてください。",
                f"'{key}' is missing; write both {known[0]} and {known[1]}.",
            )
    for key in document.keys() - set(known):
        faults.add(
            "area.unknown_key",
            where,
            f"{known[0]} と {known[1]} のほかの項目（「{key[:40]}」）は書けません。取り除いてください。",
            f"Beside {known[0]} and {known[1]} there can be no '{key[:40]}'; remove it.",
        )


def _too_intricate(where: str) -> Problem:
    return Problem(
        "area.too_intricate",
        where,
        "線が入り組みすぎています。もっと簡単な線に描き直してください。",
        "The line is too intricate; draw a simpler one.",
    )
