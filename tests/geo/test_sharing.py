"""People shared out by capacity: no shelter overflows while another stands empty."""

from __future__ import annotations

import numpy as np
import pytest

from geo.distance import metres
from geo.nearest import nearest
from geo.sharing import UNKNOWN, Floats, shared

SCHOOL, HALL, HILL = 0, 1, 2
TO_LONS, TO_LATS = np.array([133.70, 133.71, 133.80]), np.array([34.60, 34.60, 34.60])


def at(*lons: float) -> tuple[Floats, Floats]:
    return np.array(lons), np.full(len(lons), 34.60)


def sent(*lons: float, room: tuple[int, int, int]) -> list[int]:
    rows: list[int] = shared(*at(*lons), TO_LONS, TO_LATS, np.array(room))[0].tolist()
    return rows


def test_with_room_everywhere_everybody_goes_to_the_nearest() -> None:
    assert sent(133.69, 133.72, 133.79, room=(9, 9, 9)) == [SCHOOL, HALL, HILL]


def test_who_would_lose_most_elsewhere_keeps_the_place() -> None:
    assert sent(133.704, 133.69, room=(1, 9, 9)) == [HALL, SCHOOL]


def test_when_two_are_full_the_third_is_used() -> None:
    assert sorted(sent(133.70, 133.70, 133.71, 133.705, room=(1, 1, 5))) == [SCHOOL, HALL, HILL, HILL]


def test_when_all_are_full_the_rest_go_to_the_nearest() -> None:
    assert sent(*[133.70] * 5, room=(1, 1, 1)).count(SCHOOL) == 3


def test_a_shelter_of_unknown_size_takes_whoever_is_nearest() -> None:
    assert sent(*[133.70] * 5, room=(UNKNOWN, 1, 1)) == [SCHOOL] * 5


def test_a_shelter_with_no_places_at_all_is_passed_by() -> None:
    assert sent(133.70, 133.70, room=(0, 9, 9)) == [HALL, HALL]


def test_a_family_at_one_place_stays_together() -> None:
    assert sent(133.696, 133.697, 133.697, 133.697, room=(3, 9, 9)) in ([HALL, 0, 0, 0], [SCHOOL, 0, 0, 1])
    assert sent(133.697, 133.696, 133.697, 133.698, 133.698, room=(3, 9, 9)).count(SCHOOL) == 3


def test_two_shelters_in_one_building_are_filled_one_after_the_other() -> None:
    rows, _ = shared(*at(*[133.70] * 4), np.full(2, 133.71), np.full(2, 34.6), np.array([2, 2]))
    assert rows.tolist() == [0, 0, 1, 1]


def test_who_is_nowhere_is_sent_nowhere_and_takes_no_place() -> None:
    rows, far = shared(np.array([np.nan, 133.7]), np.array([34.6, 34.6]), TO_LONS, TO_LATS, np.array([1, 0, 0]))
    assert rows.tolist() == [-1, SCHOOL]
    assert np.isnan(far[0])


def test_without_shelters_nobody_is_sent_anywhere() -> None:
    nothing = np.empty(0)
    assert shared(*at(133.7), nothing, nothing, np.empty(0, np.int64))[0].tolist() == [-1]


@pytest.mark.parametrize("seed", range(4))
def test_in_a_whole_town_no_total_is_above_its_capacity_while_others_have_room(seed: int) -> None:
    random = np.random.default_rng(seed)
    lons, lats = random.normal(133.7, 0.02, 5_000), random.normal(34.6, 0.02, 5_000)
    to_lons, to_lats = random.normal(133.7, 0.04, 60), random.normal(34.6, 0.04, 60)
    room = random.multinomial(5_000 + seed * 100, np.full(60, 1 / 60))
    rows, far = shared(lons, lats, to_lons, to_lats, room)
    assert (np.bincount(rows, minlength=60) <= room).all()
    assert far.tolist() == metres(lons, lats, to_lons[rows], to_lats[rows]).tolist()
    assert (far >= nearest(lons, lats, to_lons, to_lats)[1]).all()


def test_nobody_passes_a_nearer_shelter_that_still_has_room() -> None:
    random = np.random.default_rng(9)
    lons, lats = random.normal(133.7, 0.02, 2_000), random.normal(34.6, 0.02, 2_000)
    to_lons, to_lats = random.normal(133.7, 0.04, 30), random.normal(34.6, 0.04, 30)
    room = np.full(30, 100)
    rows, far = shared(lons, lats, to_lons, to_lats, room)
    free = np.bincount(rows, minlength=30) < room
    assert free.any()
    nearest_free = nearest(lons, lats, to_lons[free], to_lats[free])[1]
    assert (far <= nearest_free).all()


def test_the_same_people_are_shared_out_the_same_way() -> None:
    random = np.random.default_rng(5)
    lons, lats = random.normal(133.7, 0.02, 1_000), random.normal(34.6, 0.02, 1_000)
    first = shared(lons, lats, TO_LONS, TO_LATS, np.array([400, 300, 300]))[0]
    assert first.tolist() == shared(lons, lats, TO_LONS, TO_LATS, np.array([400, 300, 300]))[0].tolist()
