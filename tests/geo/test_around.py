"""Areas in metres: true on the ground anywhere in Japan, and refused in words when they cannot be."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import shapely

from geo.around import area_in_metres, circle, is_in_metres, strip
from geo.ellipsoid import metres_a_degree
from tests.geo.ground import ground_metres
from words.problem import Problem, Refused

RIVER = [[133.70, 34.60], [133.71, 34.62], [133.75, 34.63]]


def refusal(document: dict[str, Any]) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        area_in_metres(document)
    return list(refused.value.problems)


def outline(area: Any, step: float, most: int = 300) -> Any:
    """Positions on the area's edge, corners and what lies between them."""
    points = shapely.get_coordinates(shapely.segmentize(area.geometry, step))
    return points[:: max(len(points) // most, 1)]


def nearest_of_line(line: Any, lon: float, lat: float) -> float:
    """Metres to the line: its nearest position found in a plane of metres, then measured on the ellipsoid."""
    wide, high = metres_a_degree(lat)
    scale = np.array([wide, high])
    plane = shapely.LineString((np.asarray(line) - (lon, lat)) * scale)
    foot = shapely.get_coordinates(shapely.shortest_line(plane, shapely.Point(0, 0)))[0] / scale + (lon, lat)
    return ground_metres(lon, lat, *foot)


def test_the_measure_agrees_with_the_survey_office() -> None:
    """Tsukuba to Tokyo, the worked example of 国土地理院."""
    one, other = (140.08785504166664, 36.103774791666666), (139.74475044444443, 35.65502847222223)
    assert ground_metres(*one, *other) == pytest.approx(58_643.804, abs=0.01)


@pytest.mark.parametrize(
    ("place", "radius"), list(itertools.product([(122.0, 20.0), (154.0, 20.0), (133.7, 34.6), (141.9, 46.0)], [1, 800, 30_000, 500_000]))
)  # fmt: skip
def test_a_radius_is_true_on_the_ground_and_leaves_nobody_out(place: tuple[float, float], radius: float) -> None:
    edge = outline(circle(*place, radius), radius / 5_000_000)
    far = np.array([ground_metres(*place, lon, lat) for lon, lat in edge.tolist()]) / radius
    assert far.min() >= 1
    assert far.max() <= 1.0005


@pytest.mark.parametrize(
    ("line", "width"),
    [
        (RIVER, 100), (RIVER, 2), ([[141.0, 44.2], [143.0, 45.4]], 20_000), ([[141.0, 45.9], [143.0, 45.9]], 20_000),
        ([[122.0, 20.0], [123.5, 21.5]], 20_000), ([[143.1, 44.0], [143.1, 45.8]], 50),
    ],
)  # fmt: skip
def test_a_width_is_true_on_the_ground_also_along_200_kilometres(line: Any, width: float) -> None:
    edge = outline(strip(np.array(line), width), 0.01)
    far = np.array([nearest_of_line(line, lon, lat) for lon, lat in edge.tolist()]) / (width / 2)
    assert far.min() >= 1
    assert far.max() <= 1.005


def test_a_line_ends_round() -> None:
    area = strip(np.array([[133.70, 34.60], [133.72, 34.60]]), 1_000)
    wide, high = metres_a_degree(34.6)
    beyond = shapely.Point(133.70 - 499 / wide, 34.60)
    corner = shapely.Point(133.70 - 400 / wide, 34.60 + 400 / high)
    assert area.geometry.intersects(beyond)
    assert not area.geometry.intersects(corner)


def test_a_line_that_turns_back_on_itself_has_no_holes_in_its_width() -> None:
    area = strip(np.array([[133.70, 34.60], [133.72, 34.60], [133.70, 34.6001]]), 200)
    assert area.polygons == 1
    assert not area.geometry.interiors


def test_a_ring_road_leaves_its_middle_out() -> None:
    area = strip(np.array([[133.7, 34.6], [133.8, 34.6], [133.8, 34.7], [133.7, 34.7], [133.7, 34.6]]), 100)
    assert not area.geometry.intersects(shapely.Point(133.75, 34.65))


def test_the_same_circle_is_the_same_area() -> None:
    document = {"point": [133.7, 34.6, 12.0], "radius_m": 800}
    assert area_in_metres(document) == area_in_metres({**document, "point": [133.7, 34.6]})


def test_several_positions_in_one_place_are_still_a_line() -> None:
    line = [RIVER[0], RIVER[0], RIVER[1], RIVER[1]]
    assert area_in_metres({"line": line, "width_m": 50}) == area_in_metres({"line": RIVER[:2], "width_m": 50})


@pytest.mark.parametrize("key", ["point", "line", "radius_m", "width_m"])
def test_any_one_of_the_words_tells_that_metres_are_meant(key: str) -> None:
    assert is_in_metres({key: None})
    assert not is_in_metres({"code": "99201"})


REFUSALS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"point": [133.7, 34.6], "radius_m": 0}, "/area/radius_m", "1〜500,000 メートルに", "write 1 to 500,000"),
    ({"point": [133.7, 34.6], "radius_m": -5}, "/area/radius_m", "-5 メートルは使えません", "-5 metres cannot"),
    ({"point": [133.7, 34.6], "radius_m": 500_001}, "/area/radius_m", "500001 メートル", "500001 metres"),
    ({"point": [133.7, 34.6], "radius_m": "800m"}, "/area/radius_m", "単位を付けずに", "without quotation marks"),
    ({"point": [133.7, 34.6], "radius_m": True}, "/area/radius_m", "メートルの数", "a number of metres"),
    ({"point": [133.7, 34.6], "radius_m": float("nan")}, "/area/radius_m", "使えません", "cannot be used"),
    ({"point": [133.7, 34.6]}, "/area/radius_m", "「radius_m」がありません", "'radius_m' is missing"),
    ({"radius_m": 800}, "/area/point", "「point」がありません", "'point' is missing"),
    ({"point": [34.6, 133.7], "radius_m": 800}, "/area/point", "緯度と経度が逆", "swapped"),
    ({"point": [2.3, 48.9], "radius_m": 800}, "/area/point", "日本の範囲", "outside Japan"),
    ({"point": "駅", "radius_m": 800}, "/area/point", "[経度, 緯度]", "[longitude, latitude]"),
    ({"point": [133.7, "34.6"], "radius_m": 800}, "/area/point", "数でないもの", "not a number"),
    ({"line": RIVER, "width_m": 0}, "/area/width_m", "1〜20,000 メートルに", "write 1 to 20,000"),
    ({"line": RIVER, "width_m": 20_001}, "/area/width_m", "20001 メートル", "20001 metres"),
    ({"line": RIVER}, "/area/width_m", "「width_m」がありません", "'width_m' is missing"),
    ({"width_m": 80}, "/area/line", "「line」がありません", "'line' is missing"),
    ({"line": RIVER[:1], "width_m": 80}, "/area/line", "違う場所の点が2つ以上", "two positions that differ"),
    ({"line": [RIVER[0]] * 3, "width_m": 80}, "/area/line", "違う場所の点が2つ以上", "two positions that differ"),
    ({"line": [], "width_m": 80}, "/area/line", "違う場所の点が2つ以上", "two positions that differ"),
    ({"line": [RIVER[0], [2, 48]], "width_m": 80}, "/area/line/1", "日本の範囲", "outside Japan"),
    ({"line": "川", "width_m": 80}, "/area/line", "配列で", "must be an array"),
    ({"line": [RIVER[0], RIVER[1]] * 1_001, "width_m": 80}, "/area/line", "2,000個までに", "at most 2,000"),
    ({"line": [[130, 31], [141, 45]] * 3, "width_m": 80}, "/area/line", "5,000キロメートルまで", "may have 5,000"),
    ({"point": [133.7, 34.6], "radius_m": 9, "unit": "km"}, "/area", "「unit」", "no 'unit'"),
]  # fmt: skip


@pytest.mark.parametrize(("document", "where", "ja", "en"), REFUSALS)
def test_what_cannot_be_an_area_is_refused_with_its_place(document: Any, where: str, ja: str, en: str) -> None:
    (problem,) = refusal(document)
    assert problem.where == where
    assert ja in problem.ja
    assert en in problem.en


def test_all_problems_are_listed_at_once() -> None:
    found = refusal({"line": [[34.6, 133.7], [2.0, 48.0]], "width_m": -1, "colour": "red"})
    assert {problem.where for problem in found} == {"/area", "/area/width_m", "/area/line/0", "/area/line/1"}


def test_a_scribble_is_refused_before_it_becomes_too_large() -> None:
    random = np.random.default_rng(1)
    line = (np.cumsum(random.normal(0, 0.001, (2_000, 2)), axis=0) + np.array([135, 35])).tolist()
    (problem,) = refusal({"line": line, "width_m": 20})
    assert "too intricate" in problem.en
