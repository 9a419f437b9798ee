"""What is drawn becomes one canonical area, or is refused with the reason and the coordinate, in both languages."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.area import Area, area_from_geojson, parse_geojson, union_of
from words.problem import Problem, Refused

Ring = list[list[float]]
RIVERSIDE: Ring = [[133.69, 34.59], [133.72, 34.59], [133.72, 34.61], [133.69, 34.61], [133.69, 34.59]]


def square(lon: float, lat: float, size: float) -> Ring:
    return [[lon, lat], [lon + size, lat], [lon + size, lat + size], [lon, lat + size], [lon, lat]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def multi(*polygons: Any) -> dict[str, Any]:
    return {"type": "MultiPolygon", "coordinates": list(polygons)}


def feature(geometry: Any) -> dict[str, Any]:
    return {"type": "Feature", "properties": {}, "geometry": geometry}


def features(*geometries: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": [feature(geometry) for geometry in geometries]}


def circle(points: int, radius: float = 0.3) -> Ring:
    angle = np.arange(points) * 2 * math.pi / points
    ring = np.column_stack([133.7 + radius * np.cos(angle), 34.6 + radius * np.sin(angle)]).round(6).tolist()
    return [*ring, ring[0]]


def problems(document: object, **limits: int) -> tuple[Problem, ...]:
    with pytest.raises(Refused) as refused:
        area_from_geojson(document, **limits)  # type: ignore[arg-type]
    return refused.value.problems


def problem(document: object, **limits: int) -> Problem:
    (only,) = problems(document, **limits)
    return only


def problem_in(text: bytes) -> Problem:
    with pytest.raises(Refused) as refused:
        parse_geojson(text)
    (only,) = refused.value.problems
    return only


@pytest.mark.parametrize(
    "document", [polygon(RIVERSIDE), multi([RIVERSIDE]), feature(polygon(RIVERSIDE)), features(polygon(RIVERSIDE))]
)
def test_the_same_area_is_the_same_whichever_way_geojson_says_it(document: object) -> None:
    area = parse_geojson(json.dumps(document).encode())
    assert area == area_from_geojson(polygon(RIVERSIDE))
    assert (area.points, area.polygons, area.bounds) == (5, 1, (133.69, 34.59, 133.72, 34.61))


@given(start=st.integers(0, 3), backwards=st.booleans(), repeated=st.integers(0, 3))
def test_the_digest_does_not_depend_on_where_drawing_began(start: int, backwards: bool, repeated: int) -> None:
    corners = RIVERSIDE[start:-1] + RIVERSIDE[:start]
    corners.insert(repeated, corners[repeated])
    corners = corners[::-1] if backwards else corners
    assert area_from_geojson(polygon([*corners, corners[0]])).wkb == area_from_geojson(polygon(RIVERSIDE)).wkb


def test_shells_run_anticlockwise_and_holes_clockwise() -> None:
    area = area_from_geojson(polygon(RIVERSIDE[::-1], square(133.7, 34.6, 0.005)))
    assert shapely.is_ccw(area.geometry.exterior)
    assert not shapely.is_ccw(area.geometry.interiors[0])


def test_another_area_has_another_digest() -> None:
    assert area_from_geojson(polygon(RIVERSIDE)) != area_from_geojson(polygon(square(133.7, 34.6, 0.01)))


def test_heights_are_dropped() -> None:
    high = [[*position, 12.5] for position in RIVERSIDE]
    assert area_from_geojson(polygon(high)) == area_from_geojson(polygon(RIVERSIDE))


def test_hana_in_the_hole_is_out_and_on_the_edge_is_in() -> None:
    area = area_from_geojson(polygon(RIVERSIDE, square(133.70, 34.595, 0.01)))
    assert shapely.intersects_xy(area.geometry, [133.705, 133.70, 133.69], [34.60, 34.60, 34.59]).tolist() == [
        False,
        True,
        True,
    ]


def test_islands_are_one_area() -> None:
    area = area_from_geojson(multi([square(133.7, 34.6, 0.01)], [square(133.8, 34.6, 0.01)]))
    assert (area.polygons, area.points) == (2, 10)


def test_features_that_overlap_or_share_an_edge_are_united() -> None:
    area = area_from_geojson(
        features(polygon(square(133, 34, 1)), polygon(square(133.5, 34.5, 1)), polygon(square(134, 34, 0.4)))
    )
    assert area.polygons == 1
    assert area.geometry.area == pytest.approx(1 + 1 - 0.25 + 0.16)


def test_a_union_of_areas_covers_each_of_them() -> None:
    one, other = (area_from_geojson(polygon(square(lon, 34, 0.5))) for lon in (133, 133.25))
    assert union_of([one, other]).geometry.area == pytest.approx(0.375)
    assert union_of([other, one]) == union_of([one, other])
    assert union_of([one]) == one


def test_a_union_of_nothing_is_refused() -> None:
    with pytest.raises(Refused, match="Without an area nobody is notified"):
        union_of([])


def test_an_area_comes_back_from_storage_the_same() -> None:
    area = area_from_geojson(multi([circle(500)], [square(135, 34.6, 0.01), square(135.002, 34.602, 0.001)]))
    again = Area.from_wkb(area.wkb)
    assert (again, again.wkb) == (area, area.wkb)


@pytest.mark.parametrize("stored", [shapely.Polygon(), shapely.MultiPolygon(), shapely.Point(133.7, 34.6)])
def test_an_area_lost_in_storage_is_nobody_not_everybody(stored: Any) -> None:
    with pytest.raises(Refused, match="Without an area nobody is notified"):
        Area.from_wkb(shapely.to_wkb(stored))


@pytest.mark.parametrize("stored", [b"", b"\x01\x03", b"nonsense"])
def test_damaged_storage_is_refused(stored: bytes) -> None:
    with pytest.raises(Refused, match="The stored area cannot be read"):
        Area.from_wkb(stored)


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (None, "/area"),
        (feature(None), "/area/geometry"),
        (features(), "/area"),
        (polygon(), "/area/coordinates"),
        (multi(), "/area/coordinates"),
        (multi([]), "/area/coordinates/0"),
        (polygon([]), "/area/coordinates/0"),
        (features(polygon(RIVERSIDE), None), "/area/features/1/geometry"),
    ],
)
def test_an_empty_area_is_refused(document: object, where: str) -> None:
    said = problem(document)
    assert (said.code, said.where) == ("area.empty", where)
    assert "区域のない通知は誰にも届けません" in said.ja
    assert "Without an area nobody is notified" in said.en


@pytest.mark.parametrize(
    "kind", ["Point", "MultiPoint", "LineString", "MultiLineString", "GeometryCollection", "Circle"]
)
def test_what_is_no_polygon_is_refused_by_name(kind: str) -> None:
    said = problem(features(polygon(RIVERSIDE), {"type": kind, "coordinates": [133.7, 34.6]}))
    assert said.where == "/area/features/1/geometry"
    assert said.en == f"{kind} is not an area. Use a Polygon or a MultiPolygon."
    assert kind in said.ja


@pytest.mark.parametrize("document", ["all", 5, [], True])
def test_what_is_no_geojson_is_refused(document: object) -> None:
    assert problem(document).en == "A GeoJSON geometry is needed here. Use a Polygon or a MultiPolygon."


def test_an_object_without_a_type_is_refused() -> None:
    assert problem({}).en == "There is no type. Use a Polygon or a MultiPolygon."


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"type": "FeatureCollection"}, "/area/features"),
        ({"type": "Polygon"}, "/area/coordinates"),
        (polygon("ring"), "/area/coordinates/0"),
        (multi(5), "/area/coordinates/0"),
    ],
)
def test_what_should_be_an_array_is_named(document: object, where: str) -> None:
    said = problem(document)
    assert (said.code, said.where) == ("area.structure", where)
    assert said.en.endswith("must be an array.")


@pytest.mark.parametrize("text", [b"{'type': 'Polygon'}", b"", b'{"type":'])
def test_text_that_is_not_json_is_refused(text: bytes) -> None:
    said = problem_in(text)
    assert (said.code, said.where) == ("area.not_json", "/area")
    assert "JSON として読めません（1行目の" in said.ja
    assert "This is not valid JSON (line 1, column" in said.en


def test_text_that_is_not_utf_8_is_refused() -> None:
    assert (
        problem_in('{"name":"川辺町"}'.encode("cp932")).en
        == "The text is not UTF-8; save it as GeoJSON in UTF-8 again."
    )


@pytest.mark.parametrize("text", [b"[" * 200_000, b'{"a":' * 150_000])
def test_endless_nesting_is_refused(text: bytes) -> None:
    assert "The JSON is nested too deeply" in problem_in(text).en


def test_nesting_among_the_coordinates_is_refused() -> None:
    assert problem(polygon([[[[[133.7, 34.6]]]]])).code == "area.position"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "9" * 5_000])
def test_a_number_that_is_not_finite_is_refused_where_it_stands(number: str) -> None:
    said = problem_in(json.dumps(polygon(RIVERSIDE)).replace("133.72, 34.61", f"133.72, {number}").encode())
    assert (said.code, said.where) == ("area.not_finite", "/area/coordinates/0/2")
    assert said.en.startswith("The coordinate [133.72, ")
    assert "有限でない数" in said.ja


def test_an_integer_too_large_for_a_coordinate_is_refused() -> None:
    assert problem(polygon([[10**400, 34], *RIVERSIDE])).code == "area.not_finite"


@pytest.mark.parametrize("value", ["133.7", True, None, {}, [133.7]])
def test_a_coordinate_that_is_not_a_number_is_refused(value: object) -> None:
    said = problem(polygon([*RIVERSIDE[:2], [value, 34.6], *RIVERSIDE[2:]]))
    assert (said.code, said.where) == ("area.not_a_number", "/area/coordinates/0/2")
    assert "write plain numbers" in said.en


@pytest.mark.parametrize("position", [[], [133.7], [133.7, 34.6, 0, 0], "133.7,34.6", None, 133.7])
def test_a_position_is_two_or_three_numbers(position: object) -> None:
    said = problem(polygon([*RIVERSIDE[:2], position, *RIVERSIDE[2:]]))
    assert (said.code, said.where) == ("area.position", "/area/coordinates/0/2")
    assert "[経度, 緯度]" in said.ja


def test_swapped_latitude_and_longitude_are_recognised() -> None:
    said = problem(polygon([[lat, lon] for lon, lat in RIVERSIDE]))
    assert (said.code, said.where) == ("area.swapped", "/area/coordinates/0/0")
    assert "座標 [34.59, 133.69] は緯度と経度が逆のようです（ほか4点）" in said.ja
    assert "write [longitude, latitude]: [133.69, 34.59]" in said.en


def test_a_place_outside_japan_is_refused() -> None:
    said = problem(polygon([*RIVERSIDE[:2], [13.37, 34.6], *RIVERSIDE[2:]]))
    assert (said.code, said.where) == ("area.outside_japan", "/area/coordinates/0/2")
    assert said.en == "The coordinate [13.37, 34.6] lies outside Japan (122–154° E, 20–46° N); check it."


def test_a_ring_that_is_not_closed_is_refused() -> None:
    said = problem(polygon(RIVERSIDE[:-1]))
    assert (said.code, said.where) == ("area.not_closed", "/area/coordinates/0")
    assert "it starts at [133.69, 34.59] and ends at [133.69, 34.61]" in said.en


@pytest.mark.parametrize("ring", [RIVERSIDE[:1], RIVERSIDE[:2], [*RIVERSIDE[:2], RIVERSIDE[0]]])
def test_a_ring_of_too_few_points_is_refused(ring: Ring) -> None:
    said = problem(polygon(ring))
    assert said.code == "area.too_few_points"
    assert (
        said.ja == f"[133.69, 34.59] から始まる輪郭の点が{len(ring)}個しかありません。閉じる点を含めて4個以上必要です。"
    )


@pytest.mark.parametrize("ring", [[RIVERSIDE[0]] * 5, [[133, 34], [134, 35], [133.3, 34.3], [133, 34]]])
def test_a_ring_without_an_area_is_refused(ring: Ring) -> None:
    said = problem(polygon(ring))
    assert said.code == "area.no_area"
    assert "a ring starts that encloses no area" in said.en


def test_an_outline_that_crosses_itself_is_refused_with_the_place() -> None:
    said = problem(polygon([[133, 34], [134, 35], [134, 34], [133, 35], [133, 34]]))
    assert (said.code, said.where) == ("area.self_intersection", "/area/coordinates/0/0")
    assert said.ja == "座標 [133.5, 34.5] で輪郭の線が自分自身と交わっています。描き直してください。"
    assert said.en == "At [133.5, 34.5] the outline crosses itself; draw it again."


def test_an_outline_that_touches_itself_is_refused() -> None:
    ring = [
        [133, 34],
        [134, 34],
        [134, 35],
        [133.5, 34.5],
        [133, 35],
        [133, 34.5],
        [133.5, 34.5],
        [133.2, 34.2],
        [133, 34],
    ]
    assert problem(polygon(ring)).code == "area.self_intersection"


@pytest.mark.parametrize(
    ("holes", "code", "said"),
    [
        ([square(140, 36, 0.1)], "area.hole_outside", "At [140, 36] a hole lies outside its shell"),
        ([square(133.715, 34.6, 0.009)], "area.rings_cross", "a hole's line crosses another ring"),
        (
            [square(133.7, 34.6, 0.008), square(133.702, 34.602, 0.001)],
            "area.holes_nested",
            "a hole lies inside another",
        ),
        ([RIVERSIDE], "area.rings_cross", "a hole's line crosses another ring"),
        (
            [[[133.69, 34.6], [133.7, 34.59], [133.72, 34.6], [133.69, 34.6]]],
            "area.cut",
            "touching holes cut the inside",
        ),
    ],
)
def test_a_hole_in_the_wrong_place_is_refused(holes: list[Ring], code: str, said: str) -> None:
    found = problem(polygon(RIVERSIDE, *holes))
    assert (found.code, found.where.rsplit("/", 1)[0]) == (code, f"/area/coordinates/{len(holes)}")
    assert said in found.en


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (square(133.5, 34.5, 1), "polygons of one MultiPolygon overlap"),
        (square(133.5, 34.5, 0.1), "a polygon lies inside another one"),
    ],
)
def test_polygons_of_one_multipolygon_must_not_overlap(second: Ring, said: str) -> None:
    found = problem(multi([square(133, 34, 1)], [second]))
    assert found.code == "area.polygons_overlap"
    assert said in found.en


def test_everything_wrong_is_said_at_once() -> None:
    found = problems(
        features(
            {"type": "LineString", "coordinates": []},
            polygon([[34.6, 133.7], *RIVERSIDE]),
            polygon(RIVERSIDE[:-1]),
            polygon([[133, 34], [134, 35], [134, 34], [133, 35], [133, 34]]),
        )
    )
    assert [each.code for each in found] == ["area.type", "area.swapped", "area.not_closed", "area.self_intersection"]


def test_no_more_than_twenty_problems_are_listed() -> None:
    assert len(problems(polygon([["x", "y"]] * 1_000))) == 20
    assert len(problems(multi(*[[square(133 + step / 50, 34, 0.01)[:-1]] for step in range(40)]))) == 20


def test_fifty_thousand_points_are_enough() -> None:
    assert area_from_geojson(polygon(circle(50_000))).points > 49_000
    said = problem(polygon(circle(50_001)))
    assert (said.code, said.where) == ("area.too_many_points", "/area")
    assert said.ja == "頂点が50,001個あります。50,000個までに形を簡単にしてください。"
    assert said.en == "There are 50,001 points; simplify the shape to at most 50,000."


def test_points_are_counted_before_they_are_looked_at() -> None:
    assert problem(polygon([["x", "y"]] * 12), max_points=10).code == "area.too_many_points"


def test_a_thousand_polygons_are_enough() -> None:
    islands = [[square(133 + step / 1_000, 34, 0.0005)] for step in range(1_001)]
    assert area_from_geojson(multi(*islands[:-1])).polygons == 1_000
    assert problem(multi(*islands)).en == "There are 1,001 polygons; draw at most 1,000."
    assert area_from_geojson(multi(*islands), max_polygons=2_000).polygons == 1_001


def test_more_than_a_mebibyte_is_refused() -> None:
    text = json.dumps(polygon(RIVERSIDE)).encode().ljust(1 << 20)
    assert parse_geojson(text).points == 5
    assert problem_in(text + b" ").en == "The area takes 1,048,577 bytes; simplify the shape to at most 1,048,576."


def comb(teeth: int, *, lying: bool) -> Ring:
    step = np.arange(teeth) / teeth
    ring = np.concatenate(
        [
            np.stack(
                [np.repeat(step, 4) + np.tile([0, 0, 0.5, 0.5], teeth) / teeth, np.tile([0, 1, 1, 0], teeth)], axis=1
            ),
            [[1, -0.1], [0, -0.1], [0, 0]],
        ]
    )
    return [[133 + float(x), 34 + float(y)] for x, y in (ring[:, ::-1] if lying else ring)]


def scribble(points: int) -> Ring:
    ring = np.random.default_rng(0).uniform([133, 34], [134, 35], (points, 2)).tolist()
    return [*ring, ring[0]]


def slanted_comb(teeth: int) -> Ring:
    left = np.arange(teeth) * 1e-4
    x = np.repeat(left, 4) + np.tile([0, 5, 5.00005, 0.00005], teeth)
    ring = np.column_stack([133 + x, np.tile([34, 39, 39, 34], teeth)]).tolist()
    return [*ring, [133 + teeth * 1e-4, 33], [132, 33], ring[0]]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (polygon(scribble(49_000)), "the outline crosses itself"),
        (polygon(slanted_comb(12_000)), "too intricate to be checked"),
        (features(polygon(comb(2_000, lying=False)), polygon(comb(2_000, lying=True))), "is too intricate"),
    ],
)
def test_hostile_shapes_are_refused_without_doing_their_work(document: object, said: str) -> None:
    """GEOS alone would take from half a minute to several."""
    assert said in problem(document).en
