"""Distances on the sphere, the nearest of several, and what a text may say of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geo import distance as geo_distance
from geo.distance import metres, nearest, rounded_distance


def test_a_degree_of_latitude_is_111_195_metres() -> None:
    assert float(metres(133.7, 34.0, 133.7, 35.0)) == pytest.approx(6_371_008.8 * math.pi / 180)


def test_a_degree_of_longitude_shrinks_northwards() -> None:
    assert metres([133, 133], [0, 60], [134, 134], [0, 60]).tolist() == pytest.approx([111_195, 55_596], abs=2)


def test_a_step_of_a_metre_is_still_a_metre() -> None:
    assert float(metres(133.7, 34.6, 133.7, 34.6 + 1 / 111_195)) == pytest.approx(1, rel=1e-4)


def test_the_other_side_of_the_earth_is_half_way_round() -> None:
    assert float(metres(133.7, 34.6, -46.3, -34.6)) == pytest.approx(6_371_008.8 * math.pi)


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
    monkeypatch.setattr(geo_distance, "ROWS_AT_ONCE", 5)
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


@pytest.mark.parametrize(
    ("exact", "said"),
    [(0, 100), (149, 100), (150, 200), (760, 800), (999, 1_000), (1_249, 1_000), (1_250, 1_500), (4_999, 5_000), (5_499, 5_000),
     (5_500, 6_000), (23_456, 23_000)],
)  # fmt: skip
def test_a_text_states_a_distance_that_neighbours_share(exact: float, said: int) -> None:
    assert rounded_distance(exact) == said


def test_many_distances_are_rounded_at_once() -> None:
    assert rounded_distance(np.array([20.0, 840.0, 2_300.0])).tolist() == [100, 800, 2_500]


@pytest.mark.parametrize("wrong", [math.nan, math.inf, -1.0])
def test_what_is_no_distance_is_not_rounded(wrong: float) -> None:
    with pytest.raises(ValueError, match="finite number of metres"):
        rounded_distance(wrong)
