"""Which of many areas hold a place: exactly where shapely says so, its edge included."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import fences as geo_fences
from geo.area import Area
from geo.boundaries import read_boundaries
from geo.fences import Fences, Floats

WEST = Area.of(shapely.box(133.60, 34.50, 133.70, 34.70))
EAST = Area.of(shapely.box(133.70, 34.50, 133.80, 34.70))
RING = Area.of(shapely.box(133.60, 34.50, 133.80, 34.70) - shapely.box(133.65, 34.55, 133.75, 34.65))


def blob(random: np.random.Generator, corners: int, *, ragged: float, digits: int = 15) -> Area:
    """A star-shaped area, its outline as ragged as wanted, sometimes with a hole."""
    angles = np.sort(random.uniform(0, 2 * np.pi, corners))
    size = random.uniform(0.005, 0.2)
    far = size * (1 + ragged * random.uniform(-1, 1, corners))
    shell = np.round(
        random.uniform((133, 34), (134, 35)) + far[:, None] * np.stack([np.cos(angles), np.sin(angles)], 1), digits
    )
    holes = [((shell - shell.mean(0)) * 0.3 + shell.mean(0)).tolist()] if random.random() < 0.3 and digits > 3 else []
    found = shapely.make_valid(shapely.Polygon(shell, holes))
    parts = [part for part in shapely.get_parts(found) if part.geom_type == "Polygon"]
    return Area.of(shapely.union_all(parts)) if parts else WEST


def places_for(areas: list[Area], random: np.random.Generator) -> tuple[Floats, Floats]:
    """Anywhere, on corners, on edges, just beside them, and at the latitude of a corner."""
    corners = np.concatenate([shapely.get_coordinates(area.geometry) for area in areas])
    middles = (corners[1:] + corners[:-1]) / 2
    anywhere = random.uniform((132.9, 33.9), (134.1, 35.1), (400, 2))
    level = np.stack([random.uniform(133, 134, len(corners)), corners[:, 1]], axis=1)
    beside = np.nextafter(corners, random.choice([-1e9, 1e9], corners.shape))
    lons, lats = np.concatenate([anywhere, corners, middles, level, beside]).T.copy()
    return lons, lats


def truth(areas: list[Area], lons: Floats, lats: Floats) -> list[tuple[int, int]]:
    held = np.stack([shapely.intersects_xy(area.geometry, lons, lats) for area in areas], axis=1)
    return [(int(place), int(area)) for place, area in np.argwhere(held)]


def check(areas: list[Area], lons: Floats, lats: Floats) -> None:
    fences, expected = Fences(areas), truth(areas, lons, lats)
    places, found = fences.around_each(lons, lats)
    assert list(zip(places.tolist(), found.tolist(), strict=True)) == expected
    one_by_one = [(i, area) for i in range(len(lons)) for area in fences.around(float(lons[i]), float(lats[i]))]
    assert one_by_one == expected


def test_an_edge_that_two_areas_share_belongs_to_both() -> None:
    fences = Fences([WEST, EAST])
    assert fences.around(133.65, 34.6) == [0]
    assert fences.around(133.70, 34.6) == [0, 1]
    assert fences.around(133.80, 34.7) == [1]
    assert fences.around(133.81, 34.6) == []


def test_a_hole_is_outside_and_its_edge_is_inside() -> None:
    fences = Fences([RING])
    assert fences.around(133.70, 34.60) == []
    assert fences.around(133.65, 34.60) == [0]


@pytest.mark.parametrize("place", [(np.nan, 34.6), (133.65, np.nan), (np.inf, 34.6), (133.65, -np.inf)])
def test_who_is_nowhere_is_in_no_area(place: tuple[float, float]) -> None:
    fences = Fences([WEST, EAST])
    assert fences.around(*place) == []
    assert fences.around_each(np.array([place[0]]), np.array([place[1]]))[0].tolist() == []


def test_without_areas_nobody_is_in_one() -> None:
    assert Fences([]).around(133.65, 34.6) == []
    assert Fences([]).around_each(np.array([133.65]), np.array([34.6]))[1].tolist() == []
    assert Fences([WEST]).around_each(np.empty(0), np.empty(0))[1].tolist() == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 60), st.sampled_from([0.05, 0.5, 0.99]), st.sampled_from([2, 3, 15]))
def test_every_place_is_held_by_exactly_the_areas_shapely_names(
    seed: int, corners: int, ragged: float, digits: int
) -> None:
    random = np.random.default_rng(seed)
    areas = [blob(random, corners, ragged=ragged, digits=digits) for _ in range(6)]
    check(areas, *places_for(areas, random))


def test_hundreds_of_areas_and_a_country_wide_one_are_told_apart() -> None:
    random = np.random.default_rng(1)
    country = Area.of(shapely.box(122, 20, 154, 46) - shapely.box(133.4, 34.4, 133.5, 34.5))
    areas = [*(blob(random, 40, ragged=0.3) for _ in range(300)), country]
    lons, lats = places_for(areas, random)
    chosen = random.choice(len(lons), 3_000, replace=False)
    check(areas, lons[chosen], lats[chosen])


@pytest.mark.parametrize("turned", [False, True])
def test_a_comb_of_long_teeth_is_left_to_shapely(turned: bool) -> None:
    teeth = np.linspace(133.0, 134.0, 801)
    comb = np.stack([teeth, np.where(np.arange(801) % 2, 34.9, 34.1)], axis=1)
    shell = np.concatenate([comb, [[134.0, 34.0], [133.0, 34.0]]])
    area = Area.of(shapely.Polygon(shell[:, ::-1] - (-99, 99) if turned else shell))
    random = np.random.default_rng(2)
    lons, lats = places_for([area], random)
    check([area], lons[:1_500], lats[:1_500])


def test_working_in_small_portions_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(3)
    areas = [blob(random, 50, ragged=0.5) for _ in range(20)]
    lons, lats = places_for(areas, random)
    for name, size in (("ROWS_AT_ONCE", 100), ("EDGES_AT_ONCE", 7), ("CELLS_AT_ONCE", 50)):
        monkeypatch.setattr(geo_fences, name, size)
    check(areas, lons, lats)


def test_every_municipality_of_japan_holds_its_corners_as_shapely_says(shared_data: Callable[..., Path]) -> None:
    data = shared_data("boundaries", "japan-municipalities-simplified.geojson").read_bytes()
    areas = [boundary.area for boundary in read_boundaries(data).boundaries]
    corners = np.concatenate([shapely.get_coordinates(area.geometry) for area in areas])
    random = np.random.default_rng(4)
    some = corners[random.choice(len(corners), 3_000, replace=False)]
    lons, lats = np.concatenate([some, some + random.normal(0, 0.01, some.shape)]).T.copy()
    pairs = shapely.STRtree([area.geometry for area in areas]).query(shapely.points(lons, lats), predicate="intersects")
    places, found = Fences(areas).around_each(lons, lats)
    assert sorted(zip(places.tolist(), found.tolist(), strict=True)) == sorted(zip(*pairs.tolist(), strict=True))
