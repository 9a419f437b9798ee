"""Official boundaries: all features of a code are one area, and small flaws are mended, not refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geo.area import union_of
from geo.boundaries import BoundaryFile, read_boundaries
from words.problem import Refused

Ring = list[list[float]]
KAWABE = {"N03_001": "岡山県", "N03_002": None, "N03_003": "清流郡", "N03_004": "川辺町", "N03_007": "99201"}
HILLS = {"N03_001": "岡山県", "N03_002": "備中県民局", "N03_003": None, "N03_004": "丘上市", "N03_007": "99202"}


def square(lon: float, lat: float, size: float) -> Ring:
    return [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]


def feature(properties: dict[str, Any] | None, *rings: Ring) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Polygon", "coordinates": list(rings)}}


def read(*features: Any, code: str | None = None, **limits: int) -> BoundaryFile:
    text = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    return read_boundaries(text, code, **limits)


def refusal(*features: Any, code: str | None = None, **limits: int) -> str:
    with pytest.raises(Refused) as refused:
        read(*features, code=code, **limits)
    return "\n".join(refused.value.say("ja") + refused.value.say("en"))


def test_each_feature_goes_to_its_own_municipality() -> None:
    found = read(
        feature(KAWABE, square(133.7, 34.6, 0.1)),
        feature(HILLS, square(133.8, 34.6, 0.1)),
        feature(KAWABE, square(133.5, 34.6, 0.1)),
    )
    assert [(each.code, each.name, each.area.polygons) for each in found.boundaries] == [
        ("99201", "岡山県清流郡川辺町", 2),
        ("99202", "岡山県丘上市", 1),
    ]
    assert found.problems == ()


def test_with_a_code_all_of_the_file_is_one_area() -> None:
    wards = [
        feature({"name": f"川辺市{ward}区"}, square(lon, 34.6, 0.125)) for ward, lon in (("東", 133.625), ("西", 133.5))
    ]
    (found,) = read(*wards, code="99201").boundaries
    assert (found.code, found.name, found.area.polygons) == ("99201", "川辺市", 1)


def test_a_bare_polygon_is_taken_under_the_code_given() -> None:
    text = json.dumps({"type": "Polygon", "coordinates": [square(133.7, 34.6, 0.1)]}).encode()
    (found,) = read_boundaries(text, "99201").boundaries
    assert (found.name, found.area.points) == ("99201", 5)


def test_a_feature_without_a_code_is_named_and_left_out() -> None:
    nobodys = feature({**KAWABE, "N03_004": "所属未定地", "N03_007": None}, square(133.9, 34.6, 0.1))
    found = read(feature(KAWABE, square(133.7, 34.6, 0.1)), nobodys)
    assert [each.code for each in found.boundaries] == ["99201"]
    assert found.problems[0].say("ja").startswith("/features/1: 「岡山県清流郡所属未定地」には市区町村コードがないため")


def test_without_any_code_one_is_asked_for() -> None:
    said = refusal(feature({"name": "川辺町"}, square(133.7, 34.6, 0.1)))
    assert "--code 33202 のように、どの市区町村かを指定してください" in said
    assert "Say whose boundary it is, such as --code 33202" in said


def test_a_wrong_code_in_the_file_is_refused_where_it_stands() -> None:
    said = refusal(feature({**KAWABE, "N03_007": "川辺"}, square(133.7, 34.6, 0.1)))
    assert "/features/0/properties/N03_007: 「川辺」は市区町村コードではありません" in said


def test_a_code_that_lost_its_leading_zero_as_a_number_is_understood() -> None:
    assert read(feature({"N03_007": 5206}, square(139.7, 39.9, 0.1))).boundaries[0].code == "05206"


def test_an_outline_that_crosses_itself_is_mended_and_said_to_be() -> None:
    bow_tie = [[133.7, 34.6], [133.8, 34.7], [133.8, 34.6], [133.7, 34.7], [133.7, 34.6]]
    found = read(feature(KAWABE, bow_tie), feature(HILLS, square(134, 34.6, 0.1))).boundaries
    assert [each.repaired for each in found] == [True, False]
    assert found[0].area.geometry.is_valid
    assert found[0].area.geometry.area == pytest.approx(0.005)


def test_a_sliver_without_an_area_is_left_out() -> None:
    sliver = [[133.7, 34.6], [133.8, 34.6], [133.75, 34.6], [133.7, 34.6]]
    (found,) = read(feature(KAWABE, sliver), feature(KAWABE, square(133.7, 34.6, 0.1), sliver)).boundaries
    assert (found.repaired, found.area.points) == (True, 5)


def test_nothing_but_slivers_is_refused() -> None:
    said = refusal(feature(KAWABE, [[133.7, 34.6], [133.8, 34.6], [133.75, 34.6], [133.7, 34.6]]))
    assert "「岡山県清流郡川辺町」の境界が囲む面積がありません" in said


def test_a_coordinate_outside_japan_is_not_mended() -> None:
    said = refusal(feature(KAWABE, square(133.7, 34.6, 0.1)), feature(HILLS, square(13.37, 34.6, 0.1)))
    assert "/features/1/geometry/coordinates/0/0: The coordinate [13.37, 34.6] lies outside Japan" in said


def test_too_many_points_are_refused_by_the_municipalitys_name() -> None:
    said = refusal(feature(KAWABE, square(133.7, 34.6, 0.1)), max_points=3)
    assert "The boundary of “岡山県清流郡川辺町” has 4 points; simplify it to at most 3." in said


@pytest.mark.parametrize("text", [b'{"type":"FeatureCollection","features":[]}', b'{"type":"FeatureCollection"}'])
def test_a_file_without_features_is_refused(text: bytes) -> None:
    with pytest.raises(Refused, match="There is no boundary in it"):
        read_boundaries(text)


@pytest.mark.parametrize(
    ("code", "name", "polygons", "points"),
    [
        ("33202", "岡山県倉敷市", 85, 15_386),
        ("05206", "秋田県男鹿市", 2_030, 98_863),
        ("47381", "沖縄県八重山郡竹富町", 170, 24_052),
    ],
)
def test_real_coasts_are_read_to_the_last_islet(
    code: str, name: str, polygons: int, points: int, shared_data: Callable[..., Path]
) -> None:
    data = shared_data("boundaries", f"{code}.geojson").read_bytes()
    (found,) = read_boundaries(data, code).boundaries
    assert (found.code, found.name, found.repaired) == (code, name, False)
    assert (found.area.polygons, found.area.points) == (polygons, points)


def test_all_of_japan_is_read_at_once(shared_data: Callable[..., Path]) -> None:
    found = read_boundaries(shared_data("boundaries", "japan-municipalities-simplified.geojson").read_bytes())
    names = {each.code: each.name for each in found.boundaries}
    assert (len(names), names["01101"], names["33202"]) == (1_894, "北海道札幌市中央区", "岡山県倉敷市")
    assert ["所属未定地" in problem.ja for problem in found.problems] == [True] * 3
    assert union_of(each.area for each in found.boundaries[:50]).polygons < 50
