"""Who enters, stays in, dwells in and leaves an area, without flapping at its edge."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo.area import Area
from geo.ellipsoid import metres_a_degree
from geo.presence import Change, Move, Patience, Presence
from tests.geo.ground import ground_metres

HANA, KEN = 1, 2
EAST_EDGE = 133.70
RIVERSIDE = Area.of(shapely.box(133.68, 34.59, EAST_EDGE, 34.61))
HILL = Area.of(shapely.box(133.69, 34.60, 133.72, 34.65))
PATIENCE = Patience(leave_metres=50, leave_seconds=120, dwell_seconds=600)


def beyond(metres: float) -> tuple[float, float]:
    """So many metres east of the riverside's edge."""
    return EAST_EDGE + metres / float(metres_a_degree(34.595)[0]), 34.595


@pytest.fixture
def river() -> Presence:
    found = Presence(PATIENCE)
    found.watch({"river": RIVERSIDE})
    return found


def moves(changes: list[Change]) -> list[str]:
    return [f"{change.person} {change.area} {change.move}" for change in changes]


def test_hana_enters_at_once_stays_and_leaves_when_clearly_gone(river: Presence) -> None:
    assert moves(river.seen(HANA, *beyond(-5), 0)) == ["1 river enter"]
    assert moves(river.seen(HANA, *beyond(-9), 10)) == ["1 river stay"]
    assert moves(river.seen(HANA, *beyond(51), 20)) == ["1 river leave"]
    assert river.seen(HANA, *beyond(90), 30) == []
    assert len(river) == 0


def test_on_the_edge_itself_one_is_inside(river: Presence) -> None:
    assert moves(river.seen(HANA, EAST_EDGE, 34.595, 0)) == ["1 river enter"]


def test_who_wavers_about_the_edge_enters_once_and_does_not_leave(river: Presence) -> None:
    seen = [river.seen(HANA, *beyond(metres), second) for second, metres in enumerate([-20, 30, -10, 49, 5, -1, 20])]
    assert [change.move for changes in seen for change in changes] == [Move.ENTER, *[Move.STAY] * 6]


def test_near_the_edge_but_outside_for_long_is_gone(river: Presence) -> None:
    river.seen(HANA, *beyond(-5), 0)
    assert moves(river.seen(HANA, *beyond(10), 100)) == ["1 river stay"]
    assert moves(river.seen(HANA, *beyond(12), 219)) == ["1 river stay"]
    assert moves(river.seen(HANA, *beyond(8), 220)) == ["1 river leave"]


def test_a_step_back_inside_starts_the_wait_anew(river: Presence) -> None:
    for second, metres in ((0, -5), (100, 10), (200, -5), (210, 10)):
        river.seen(HANA, *beyond(metres), second)
    assert moves(river.seen(HANA, *beyond(10), 329)) == ["1 river stay"]
    assert moves(river.seen(HANA, *beyond(10), 330)) == ["1 river leave"]


def test_who_is_not_seen_again_outside_leaves_as_time_passes(river: Presence) -> None:
    river.seen(HANA, *beyond(-5), 0)
    river.seen(HANA, *beyond(10), 100)
    assert river.pass_time(219) == []
    assert moves(river.pass_time(220)) == ["1 river leave"]


def test_dwelling_is_told_once_a_stay(river: Presence) -> None:
    river.seen(HANA, *beyond(-5), 0)
    assert moves(river.seen(HANA, *beyond(10), 599)) == ["1 river stay"]
    assert moves(river.seen(HANA, *beyond(-5), 600)) == ["1 river stay", "1 river dwell"]
    assert moves(river.seen(HANA, *beyond(-5), 700)) == ["1 river stay"]
    river.seen(HANA, *beyond(500), 800)
    river.seen(HANA, *beyond(-5), 900)
    assert moves(river.pass_time(1_500)) == ["1 river dwell"]
    assert river.pass_time(1_600) == []


def test_areas_that_overlap_are_entered_and_left_each_for_itself() -> None:
    both = Presence(PATIENCE)
    both.watch({"river": RIVERSIDE, "hill": HILL})
    assert moves(both.seen(HANA, 133.695, 34.605, 0)) == ["1 hill enter", "1 river enter"]
    assert moves(both.seen(HANA, 133.695, 34.64, 1)) == ["1 hill stay", "1 river leave"]
    assert both.inside(HANA) == ("hill",)


def test_many_at_once_are_the_same_as_one_by_one() -> None:
    random = np.random.default_rng(1)
    people, at = random.integers(0, 40, 400), np.arange(0, 800, 40)
    lons, lats = random.normal(133.70, 0.0006, 400), np.full(400, 34.605)
    one, many = Presence(PATIENCE), Presence(PATIENCE)
    for presence in (one, many):
        presence.watch({"river": RIVERSIDE, "hill": HILL})
    for row, second in enumerate(at.tolist()):
        part = slice(row * 20, row * 20 + 20)
        rows = zip(people[part].tolist(), lons[part].tolist(), lats[part].tolist(), strict=True)
        single = [change for person, lon, lat in rows for change in one.seen(person, lon, lat, second)]
        assert many.seen_each(people[part], lons[part], lats[part], second) == single
    assert len(many) == len(one) > 0


def test_an_area_no_longer_watched_is_forgotten_and_the_others_are_not() -> None:
    presence = Presence(PATIENCE)
    presence.watch({"river": RIVERSIDE, "hill": HILL})
    presence.seen(HANA, 133.695, 34.605, 0)
    presence.watch({"hill": HILL})
    assert presence.inside(HANA) == ("hill",)
    assert moves(presence.seen(HANA, 133.695, 34.605, 1)) == ["1 hill stay"]


def test_who_unsubscribes_leaves_nothing_behind(river: Presence) -> None:
    river.seen(KEN, *beyond(-5), 0)
    river.forget(KEN)
    assert len(river) == 0
    assert river.pass_time(10_000) == []


def test_people_outside_every_area_take_no_memory(river: Presence) -> None:
    river.seen_each(np.arange(1_000), np.full(1_000, 133.9), np.full(1_000, 34.6), 0)
    assert len(river) == 0


def test_without_patience_each_step_outside_is_a_leave() -> None:
    strict = Presence(Patience(leave_metres=0, leave_seconds=0, dwell_seconds=0))
    strict.watch({"river": RIVERSIDE})
    assert moves(strict.seen(HANA, *beyond(-1), 0)) == ["1 river enter", "1 river dwell"]
    assert moves(strict.seen(HANA, *beyond(1), 0)) == ["1 river leave"]


@pytest.mark.parametrize(("metres", "gone"), [(49.8, False), (50.2, True)])
def test_the_distance_to_the_edge_is_true_on_the_ground(river: Presence, metres: float, gone: bool) -> None:
    lon, lat = beyond(metres)
    assert ground_metres(EAST_EDGE, lat, lon, lat) == pytest.approx(metres, abs=0.01)
    river.seen(HANA, *beyond(-5), 0)
    assert (moves(river.seen(HANA, lon, lat, 1)) == ["1 river leave"]) is gone


def test_a_position_that_is_no_number_is_not_taken_for_a_step_outside(river: Presence) -> None:
    with pytest.raises(ValueError, match="two finite numbers"):
        river.seen(HANA, float("nan"), 34.6, 0)
    with pytest.raises(ValueError, match="two finite numbers"):
        river.seen_each(np.array([HANA]), np.array([133.7]), np.array([np.inf]), 0)


@pytest.mark.parametrize("wrong", [-1.0, float("nan"), float("inf")])
def test_patience_is_finite_and_not_negative(wrong: float) -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Patience(leave_seconds=wrong)
