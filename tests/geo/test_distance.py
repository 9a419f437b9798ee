"""Distances on the sphere, and what a text may say of one."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geo.distance import metres, rounded_distance


def test_a_degree_of_latitude_is_111_195_metres() -> None:
    assert float(metres(133.7, 34.0, 133.7, 35.0)) == pytest.approx(6_371_008.8 * math.pi / 180)


def test_a_degree_of_longitude_shrinks_northwards() -> None:
    assert metres([133, 133], [0, 60], [134, 134], [0, 60]).tolist() == pytest.approx([111_195, 55_596], abs=2)


def test_a_step_of_a_metre_is_still_a_metre() -> None:
    assert float(metres(133.7, 34.6, 133.7, 34.6 + 1 / 111_195)) == pytest.approx(1, rel=1e-4)


def test_the_other_side_of_the_earth_is_half_way_round() -> None:
    assert float(metres(133.7, 34.6, -46.3, -34.6)) == pytest.approx(6_371_008.8 * math.pi)


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
