"""What an area's outline becomes when it is cut at the borders of strips."""

from __future__ import annotations

import numpy as np
from shapely import MultiPolygon, Polygon

from geo.outline import Chains, Outline, chains, spread

BORDERS = np.array([0.0, 10.0, 20.0])
SQUARE = [(1.0, 5.0), (3.0, 5.0), (3.0, 15.0), (1.0, 15.0)]


def cut(area: Polygon | MultiPolygon, low: int = 0, high: int = 2) -> Chains:
    return chains(Outline.of(area, BORDERS), BORDERS, low, high)


def described(found: Chains) -> list[tuple[int, float, float, bool]]:
    return sorted(zip(*(each.tolist() for each in (found.strips, found.west, found.east, found.odd)), strict=True))


def test_what_turns_back_within_a_strip_is_one_chain_that_no_parallel_crosses_an_odd_number_of_times() -> None:
    assert described(cut(Polygon([SQUARE[1], SQUARE[2], SQUARE[3], SQUARE[0]])))[-1] == (1, 1.0, 3.0, False)


def test_what_leads_through_a_strip_is_crossed_by_every_parallel() -> None:
    tall = Polygon([(1, -5), (3, -5), (4, 25), (1, 25)])
    assert [odd for *_, odd in described(cut(tall))] == [True] * 4


def test_both_parts_of_the_chain_through_the_beginning_have_the_extent_of_both() -> None:
    begun_in_the_middle = Polygon([(2, 5), (3, 5), (3, 15), (1, 15), (1, 5)])
    southern = [each for each in described(cut(begun_in_the_middle)) if each[0] == 0]
    assert [(west, east) for _, west, east, _ in southern] == [(1.0, 3.0), (1.0, 3.0)]
    assert sum(odd for *_, odd in southern) % 2 == 0


def test_rings_are_not_joined_to_each_other() -> None:
    islands = MultiPolygon([Polygon([(x, 1), (x + 1, 1), (x + 1, 2)]) for x in (1, 5, 9)])
    assert [(west, east) for _, west, east, _ in described(cut(islands))] == [(1.0, 2.0), (5.0, 6.0), (9.0, 10.0)]


def test_only_the_strips_asked_for_are_cut() -> None:
    assert set(cut(Polygon(SQUARE), 1, 2).strips.tolist()) == {1}


def test_an_area_elsewhere_has_no_chains() -> None:
    assert len(cut(Polygon([(1, 30), (2, 30), (2, 31)]))) == 0


def test_ranges_are_spread_into_their_numbers() -> None:
    owner, numbers = spread(np.array([3, 9, 5]), np.array([5, 8, 6]))
    assert owner.tolist() == [0, 0, 2]
    assert numbers.tolist() == [3, 4, 5]
