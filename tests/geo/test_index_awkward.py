"""Whatever valid polygon a person can draw, the index says of every place what shapely says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from geo import index as geo_index
from geo.index import PlaceIndex

Places = NDArray[np.float64]
Corners = list[tuple[float, float]]

WEST, SOUTH = 133.0, 34.0
STEP = 1 / 64
"""Kept exactly by doubles, so that middles and quarters of edges lie on them exactly."""


def lattice(column: int, row: int) -> tuple[float, float]:
    return WEST + column * STEP, SOUTH + row * STEP


def near_edges(geometry: BaseGeometry) -> Places:
    """Every vertex; points at quarters of every edge, exactly on it or as near as rounding lets them; and all
    of these again one ulp away to the east, the west, the north and the south."""
    rings = [shapely.get_coordinates(ring) for ring in shapely.get_rings(shapely.get_parts(geometry))]
    starts = np.concatenate([ring[:-1] for ring in rings])
    ends = np.concatenate([ring[1:] for ring in rings])
    on = np.concatenate([starts + share * (ends - starts) for share in (0, 0.25, 0.5, 0.75, 1 / 3)])
    moved = [np.column_stack([np.nextafter(on[:, 0], way), on[:, 1]]) for way in (-np.inf, np.inf)]
    moved += [np.column_stack([on[:, 0], np.nextafter(on[:, 1], way)]) for way in (-np.inf, np.inf)]
    return np.concatenate([on, *moved])


def around(geometry: BaseGeometry, count: int = 200) -> Places:
    west, south, east, north = geometry.bounds
    return np.random.default_rng(1).uniform([west - STEP, south - STEP], [east + STEP, north + STEP], (count, 2))


def agree(geometry: BaseGeometry, places: Places, a_strip: int, few: int = 8) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(geo_index, "PLACES_A_STRIP", a_strip)
        patch.setattr(geo_index, "FEW_PIECES", few)
        found = PlaceIndex(places[:, 0], places[:, 1]).within(geometry)
    wanted = np.flatnonzero(shapely.intersects_xy(geometry, places[:, 0], places[:, 1]))
    np.testing.assert_array_equal(found, wanted)


def valid(*shapes: BaseGeometry) -> BaseGeometry:
    """The shapes as one, as they are: `union_all` would take touching vertices out."""
    together = shapes[0] if len(shapes) == 1 else MultiPolygon(shapes)
    assume(together.is_valid and together.area > 0)
    return together


strips = st.sampled_from([1, 2, 5, 30, 1_000])
few = st.sampled_from([0, 8])
cell = st.tuples(st.integers(0, 12), st.integers(0, 12))
property_test = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])


def turned(corners: Corners, by: int) -> Polygon:
    """The same ring, begun elsewhere: whatever happens at its beginning may not depend on it."""
    by %= len(corners)
    return Polygon(corners[by:] + corners[:by])


@given(st.lists(cell, min_size=3, max_size=3, unique=True), st.integers(0, 2), strips, few)
@property_test
def test_triangles_down_to_the_thinnest(cells: list[tuple[int, int]], by: int, a_strip: int, few: int) -> None:
    triangle = valid(turned([lattice(*each) for each in cells], by))
    agree(triangle, np.concatenate([near_edges(triangle), around(triangle)]), a_strip, few)


@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from([1e-13, 1e-11, 1e-9, 1e-6]), strips, few)
@property_test
def test_threads_thinner_than_a_hair(across: int, up: int, width: float, a_strip: int, few: int) -> None:
    assume((across, up) != (0, 0))
    x, y = lattice(across, up)
    thread = valid(Polygon([(WEST, SOUTH), (x, y), (x + width * (up != 0), y + width * (up == 0))]))
    agree(thread, np.concatenate([near_edges(thread), around(thread)]), a_strip, few)


@given(st.integers(1, 6), st.integers(5, 40), st.floats(0.05, 0.9), st.integers(0, 999), strips, few)
@property_test
def test_spirals(turns: int, steps: int, width: float, by: int, a_strip: int, few: int) -> None:
    angle = np.linspace(0, turns * 2 * math.pi, turns * steps)
    out, back = 1 + angle / (2 * math.pi), 1 - width + angle / (2 * math.pi)
    arms = [np.column_stack([each * np.cos(angle), each * np.sin(angle)]) for each in (out, back)]
    corners = [(WEST + x * STEP, SOUTH + y * STEP) for x, y in np.concatenate([arms[0], arms[1][::-1]])]
    spiral = valid(turned(corners, by))
    agree(spiral, np.concatenate([near_edges(spiral), around(spiral)]), a_strip, few)


@given(st.integers(3, 60), st.integers(0, 2**32 - 1), st.floats(0.0, 0.95), st.integers(0, 99), strips, few)
@property_test
def test_stars_begun_anywhere(corners: int, seed: int, noise: float, by: int, a_strip: int, few: int) -> None:
    turn = np.arange(corners) * 2 * math.pi / corners
    away = STEP * 5 * (1 + noise * np.random.default_rng(seed).uniform(-1, 1, corners))
    star = valid(turned([*zip(WEST + away * np.cos(turn), SOUTH + away * np.sin(turn), strict=True)], by))
    agree(star, np.concatenate([near_edges(star), around(star)]), a_strip, few)


@given(st.lists(st.integers(1, 12), min_size=1, max_size=12), st.booleans(), st.integers(0, 99), strips, few)
@property_test
def test_combs_of_upright_and_level_edges_with_corners_in_line(
    teeth: list[int], lying: bool, by: int, a_strip: int, few: int
) -> None:
    top = [(column + side, height) for column, height in enumerate(teeth) for side in (0, 0.5, 1)]
    outline = [(0.0, 0.0), *top, (len(teeth), 0), (len(teeth) / 2, 0)]
    corners = [(WEST + x * STEP, SOUTH + y * STEP) for x, y in ((y, x) if lying else (x, y) for x, y in outline)]
    comb = valid(turned(corners, by))
    agree(comb, np.concatenate([near_edges(comb), around(comb)]), a_strip, few)


@given(st.sets(cell, min_size=2, max_size=40), strips, few)
@property_test
def test_squares_touching_at_points_and_holes_touching_shells(
    cells: set[tuple[int, int]], a_strip: int, few: int
) -> None:
    squares = [shapely.box(*lattice(x, y), *lattice(x + 1, y + 1)) for x, y in cells]
    pattern = shapely.union_all(squares)
    agree(pattern, np.concatenate([near_edges(pattern), around(pattern)]), a_strip, few)
    rest = shapely.box(*lattice(0, 0), *lattice(13, 13)).difference(pattern)
    if not rest.is_empty:
        agree(rest, np.concatenate([near_edges(rest), around(rest)]), a_strip, few)


@given(st.integers(2, 8), st.integers(2, 12), st.integers(0, 99), strips, few)
@property_test
def test_fans_whose_triangles_share_a_vertex(fans: int, height: int, by: int, a_strip: int, few: int) -> None:
    tip = lattice(0, 0)
    triangles = [
        turned([tip, lattice(2 * number - fans, height), lattice(2 * number + 1 - fans, height)], by)
        for number in range(fans)
    ]
    fan = valid(*triangles)
    agree(fan, np.concatenate([near_edges(fan), around(fan)]), a_strip, few)


@given(st.integers(0, 3), st.integers(1, 5), strips, few)
@property_test
def test_a_ring_of_holes_that_touch_each_other_and_the_shell(by: int, holes: int, a_strip: int, few: int) -> None:
    shell = [lattice(0, 0), lattice(12, 0), lattice(12, 12), lattice(0, 12)]
    diamonds = [
        turned([lattice(2 * i, 6), lattice(2 * i + 1, 5), lattice(2 * i + 2, 6), lattice(2 * i + 1, 7)], by)
        for i in range(holes)
    ]
    pierced = valid(Polygon(shell, [hole.exterior for hole in diamonds]))
    agree(pierced, np.concatenate([near_edges(pierced), around(pierced)]), a_strip, few)


@given(st.integers(1, 5), st.integers(0, 999), strips, few)
@property_test
def test_vertices_drawn_twice_change_nothing(times: int, by: int, a_strip: int, few: int) -> None:
    corners = [lattice(x, y) for x, y in ((0, 0), (6, 1), (12, 0), (7, 6), (12, 12), (6, 7), (0, 12), (5, 6))]
    doubled = valid(turned([corner for corner in corners for _ in range(times)], by))
    agree(doubled, np.concatenate([near_edges(doubled), around(doubled)]), a_strip, few)


@given(st.lists(st.tuples(cell, st.integers(1, 20)), min_size=1, max_size=30), strips, few)
@property_test
def test_many_homes_in_one_house_on_the_border_of_strips(
    houses: list[tuple[tuple[int, int], int]], a_strip: int, few: int
) -> None:
    homes = np.repeat([lattice(*at) for at, _ in houses], [count for _, count in houses], axis=0)
    for area in (
        shapely.box(*lattice(2, 2), *lattice(9, 9)),
        Polygon([lattice(0, 6), lattice(6, 0), lattice(12, 6), lattice(6, 12)]),
    ):
        agree(area, homes, a_strip, few)


@pytest.mark.parametrize("rise", [5e-324, 1e-300, 1e-20, 1e-16])
def test_near_the_equator_even_the_flattest_slope_is_a_slope(rise: float) -> None:
    wedge = Polygon([(0.0, 0.0), (1.0, rise), (1.0, 1.0)])
    places = np.array([(0.5, rise), (0.5, 0.0), (0.0, 0.0), (1.0, rise), (0.5, 0.5), (0.5, rise * 2), (1.0, 0.0)])
    for a_strip in (1, 2, 100):
        agree(wedge, places, a_strip)
