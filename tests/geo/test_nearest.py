"""The nearest of several and of thousands: exactly what comparing all pairs finds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geo import nearest as geo_nearest
from geo.distance import metres
from geo.nearest import nearest, nearest_with_gap


def test_everybody_is_sent_to_the_nearest_of_all() -> None:
    random = np.random.default_rng(1)
    lons, lats = random.uniform(133, 134, 3_000), random.uniform(34, 35, 3_000)
    to_lons, to_lats = random.uniform(133, 134, 70), random.uniform(34, 35, 70)
    every = metres(lons[:, None], lats[:, None], to_lons[None, :], to_lats[None, :])
    positions, distances = nearest(lons, lats, to_lons, to_lats)
    assert positions.tolist() == every.argmin(axis=1).tolist()
    assert distances.tolist() == every.min(axis=1).tolist()


def test_of_equally_near_ones_the_first_is_taken() -> None:
    twins = np.array([133.71, 133.70, 133.70, 133.70] * 5)
    positions, _ = nearest(np.full(99, 133.6), np.full(99, 34.6), twins, np.full(20, 34.6))
    assert set(positions.tolist()) == {1}


def test_shelters_a_centimetre_apart_are_told_apart() -> None:
    to_lats = np.array([34.6000002, 34.6000001])
    positions, _ = nearest(np.array([133.7]), np.array([34.6]), np.array([133.7, 133.7]), to_lats)
    assert positions.tolist() == [1]


def test_working_in_small_portions_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    lons, lats = np.linspace(133, 134, 101), np.linspace(34, 35, 101)
    whole = nearest(lons, lats, lons[::10], lats[::10])
    monkeypatch.setattr(geo_nearest, "ROWS_AT_ONCE", 5)
    portions = nearest(lons, lats, lons[::10], lats[::10])
    assert portions[0].tolist() == whole[0].tolist()
    assert portions[1].tolist() == whole[1].tolist()


def test_who_is_nowhere_has_no_nearest_shelter() -> None:
    positions, distances = nearest(
        np.array([math.nan, 133.7]), np.array([math.nan, 34.6]), np.array([133.7]), np.array([34.6])
    )
    assert positions.tolist() == [-1, 0]
    assert math.isnan(distances[0])
    assert distances[1] == 0


def test_without_shelters_nobody_has_a_nearest_one() -> None:
    positions, distances = nearest(np.array([133.7]), np.array([34.6]), np.empty(0), np.empty(0))
    assert positions.tolist() == [-1]
    assert math.isnan(distances[0])


Four = tuple[geo_nearest.Floats, geo_nearest.Floats, geo_nearest.Floats, geo_nearest.Floats]


def towns(people: int, shelters: int, *, spread: float, seed: int, digits: int = 15) -> Four:
    """People and shelters in five towns; of coarse coordinates many are the same."""
    random = np.random.default_rng(seed)
    centres = random.uniform((125, 24), (150, 45), (5, 2))
    places = [centres[random.integers(5, size=n)] + random.normal(0, spread, (n, 2)) for n in (people, shelters)]
    (lons, lats), (to_lons, to_lats) = (np.round(place, digits).T.copy() for place in places)
    return lons, lats, to_lons, to_lats


@pytest.mark.parametrize(
    ("spread", "digits"), [(0.02, 15), (2.0, 15), (0.02, 3), (0.000001, 15), (0.0, 15), (0.0001, 4), (30.0, 0)]
)
def test_of_hundreds_everybody_finds_the_nearest_of_all(spread: float, digits: int) -> None:
    lons, lats, to_lons, to_lats = towns(4_000, 300, spread=spread, seed=2, digits=digits)
    every = metres(lons[:, None], lats[:, None], to_lons[None, :], to_lats[None, :])
    positions, distances = nearest(lons, lats, to_lons, to_lats)
    assert positions.tolist() == every.argmin(axis=1).tolist()
    assert distances.tolist() == every.min(axis=1).tolist()


def test_a_visitor_far_from_everybody_changes_nothing_for_them() -> None:
    lons, lats, to_lons, to_lats = towns(3_000, 200, spread=0.02, seed=3)
    alone, _ = nearest(lons, lats, to_lons, to_lats)
    together, _ = nearest(np.append(lons, -46.3), np.append(lats, -34.6), to_lons, to_lats)
    assert together[:-1].tolist() == alone.tolist()


def test_among_hundreds_who_is_nowhere_has_no_nearest_one() -> None:
    lons, lats, to_lons, to_lats = towns(500, 100, spread=0.02, seed=4)
    lats[7] = np.nan
    positions, distances = nearest(lons, lats, to_lons, to_lats)
    assert (positions == -1).nonzero()[0].tolist() == [7]
    assert np.isnan(distances).nonzero()[0].tolist() == [7]


@pytest.mark.parametrize("shelters", [2, 90])
def test_how_much_farther_the_next_one_is(shelters: int) -> None:
    lons, lats, to_lons, to_lats = towns(500, shelters, spread=0.02, seed=5)
    every = np.sort(metres(lons[:, None], lats[:, None], to_lons[None, :], to_lats[None, :]), axis=1)
    _, _, gaps = nearest_with_gap(lons, lats, to_lons, to_lats)
    assert gaps == pytest.approx(every[:, 1] - every[:, 0], abs=0.01)


def test_next_to_a_twin_it_is_no_farther_and_without_another_endlessly_far() -> None:
    here = np.array([133.7]), np.array([34.6])
    assert nearest_with_gap(*here, np.full(2, 133.71), np.full(2, 34.6))[2].tolist() == [0]
    assert nearest_with_gap(*here, np.array([133.71]), np.array([34.6]))[2].tolist() == [math.inf]
