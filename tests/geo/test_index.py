"""The index answers exactly what shapely answers place by place, whatever the shape."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo import index as geo_index
from geo.area import parse_geojson
from geo.index import PlaceIndex

Places = NDArray[np.float64]
KAWABE = Polygon([(133.6, 34.5), (133.8, 34.5), (133.8, 34.7), (133.6, 34.7)])


def brute_force(places: Places, geometry: BaseGeometry) -> list[int]:
    hit = shapely.intersects_xy(geometry, places[:, 0], places[:, 1])
    return [int(position) for position in np.flatnonzero(hit)]


def indexed(places: Places, geometry: BaseGeometry) -> list[int]:
    found = PlaceIndex(places[:, 0], places[:, 1]).within(geometry)
    assert found.dtype == np.int64
    return [int(position) for position in found]


def scattered(geometry: BaseGeometry, count: int, seed: int = 1) -> Places:
    """Places all over the bounds, and on the vertices and the middles of edges."""
    west, south, east, north = geometry.bounds
    anywhere = np.random.default_rng(seed).uniform([west - 0.01, south - 0.01], [east + 0.01, north + 0.01], (count, 2))
    corners = shapely.get_coordinates(geometry)
    return np.concatenate([anywhere, corners, (corners[1:] + corners[:-1]) / 2])


def spiral(turns: int, steps: int, width: float) -> Polygon:
    angle = np.linspace(0, turns * 2 * math.pi, steps)
    radius = width + 0.001 + 0.01 * angle / (2 * math.pi)
    outer = np.column_stack([133.7 + radius * np.cos(angle), 34.6 + radius * np.sin(angle)])
    inner = np.column_stack([133.7 + (radius - width) * np.cos(angle), 34.6 + (radius - width) * np.sin(angle)])
    return Polygon(np.concatenate([outer, inner[::-1]]))


def star(points: int, seed: int) -> Polygon:
    angle = np.arange(points) * 2 * math.pi / points
    radius = np.random.default_rng(seed).uniform(0.1, 0.2, points)
    return Polygon(np.column_stack([133.7 + radius * np.cos(angle), 34.6 + radius * np.sin(angle)]))


def comb(teeth: int) -> Polygon:
    x = np.repeat(np.arange(2 * teeth) / teeth * 0.1 + 133.65, 2)
    y = np.tile([34.55, 34.65, 34.65, 34.55], teeth)
    return Polygon([*zip(x, y, strict=True), (133.86, 34.5), (133.64, 34.5)])


SHAPES: dict[str, BaseGeometry] = {
    "a rectangle": KAWABE,
    "a hole": Polygon(KAWABE.exterior, [[(133.65, 34.55), (133.75, 34.6), (133.65, 34.65)]]),
    "an island in a hole": shapely.union(KAWABE.difference(spiral(3, 50, 0.004).buffer(0.03)), spiral(3, 50, 0.004)),
    "two squares touching at a point": MultiPolygon(
        [shapely.box(133.6, 34.5, 133.7, 34.6), shapely.box(133.7, 34.6, 133.8, 34.7)]
    ),
    "a hole touching its shell": Polygon(KAWABE.exterior, [[(133.6, 34.6), (133.7, 34.55), (133.7, 34.65)]]),
    "a spiral": spiral(8, 900, 0.003),
    "a thread": Polygon([(133.6, 34.5), (133.8, 34.7), (133.8, 34.7 + 1e-9)]),
    "a star": star(2_000, seed=3),
    "a comb": comb(200),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_index_answers_as_shapely_does(name: str) -> None:
    shape = SHAPES[name]
    assert shape.is_valid
    places = scattered(shape, 20_000)
    assert indexed(places, shape) == brute_force(places, shape)


@pytest.mark.parametrize("code", ["33202", "05206", "47381"])
def test_real_coasts_and_islands_are_matched_exactly(code: str, shared_data: Callable[..., Path]) -> None:
    text = shared_data("boundaries", f"{code}.geojson").read_bytes()
    area = parse_geojson(text, max_bytes=1 << 23, max_points=500_000, max_polygons=10_000)
    places = scattered(area.geometry, 20_000)
    assert indexed(places, area.geometry) == brute_force(places, area.geometry)


def test_all_japan_is_matched_exactly(shared_data: Callable[..., Path]) -> None:
    text = shared_data("boundaries", "japan-municipalities-simplified.geojson").read_bytes()
    areas = parse_geojson(text, max_bytes=1 << 23, max_points=500_000, max_polygons=10_000)
    places = scattered(areas.geometry, 20_000)
    assert indexed(places, areas.geometry) == brute_force(places, areas.geometry)


# A coarse lattice makes vertices, edges and places fall on each other all the time.
lattice = st.integers(0, 6).map(lambda step: 133.7 + step / 8)
corner = st.tuples(lattice, lattice.map(lambda x: x - 99))
shape = st.lists(corner, min_size=3, max_size=9, unique=True).map(Polygon).filter(lambda polygon: polygon.is_valid)
shapes = st.lists(shape, min_size=1, max_size=4).map(shapely.union_all)
anywhere = st.tuples(st.floats(133.5, 134.7), st.floats(34.5, 35.7))


@given(geometry=shapes, places=st.lists(corner | anywhere, min_size=1, max_size=60), strip=st.integers(1, 20))
@settings(max_examples=400)
def test_places_on_corners_and_edges_are_inside(
    geometry: BaseGeometry, places: list[tuple[float, float]], strip: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo_index, "PLACES_A_STRIP", strip)
        assert indexed(np.array(places), geometry) == brute_force(np.array(places), geometry)


@pytest.mark.parametrize("limit", ["MOST_PIECES", "MOST_PAIRS", "MOST_EDGES"])
def test_working_in_small_portions_changes_nothing(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    places = scattered(star(500, seed=4), 5_000)
    monkeypatch.setattr(geo_index, "PLACES_A_STRIP", 50)
    monkeypatch.setattr(geo_index, limit, 7)
    assert indexed(places, star(500, seed=4)) == brute_force(places, star(500, seed=4))


def test_a_thousand_people_in_one_house_are_all_found() -> None:
    house = np.tile([133.7, 34.6], (5_000, 1))
    assert indexed(house, KAWABE) == list(range(5_000))
    assert indexed(house, Polygon([(133.7, 34.6), (133.8, 34.6), (133.8, 34.7)])) == list(range(5_000))


def test_an_index_without_places_finds_nobody() -> None:
    nobody = PlaceIndex(np.empty(0), np.empty(0))
    assert len(nobody) == 0
    assert nobody.within(KAWABE).tolist() == []


def test_an_area_that_is_empty_or_elsewhere_holds_nobody() -> None:
    places = PlaceIndex(np.array([133.7]), np.array([34.6]))
    assert places.within(Polygon()).tolist() == []
    assert places.within(shapely.box(139, 35, 140, 36)).tolist() == []
    assert places.within(shapely.box(139, 34, 140, 35)).tolist() == []


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_place_that_is_nowhere_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        PlaceIndex(np.array([133.7, bad]), np.array([34.6, 34.6]))


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        PlaceIndex(np.array([133.7]), np.array([34.6, 34.6]))
