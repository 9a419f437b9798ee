"""Levels: a row that was replaced is never seen again, whenever what is joined."""

from __future__ import annotations

import numpy as np
import pytest

from dispatcher.audience import Longs
from subscribers import levels
from subscribers.levels import Levels
from subscribers.spots import Spots

HANA, KEN, LINH = 1, 2, 3
NEVER = np.iinfo(np.int64).max


def spots(**lons: float) -> Spots:
    """Where some of the cast are: `hana=133.7`."""
    who = {"hana": HANA, "ken": KEN, "linh": LINH}
    owners = np.array([who[name] for name in lons], np.int64)
    count = len(owners)
    return Spots(owners, np.array([*lons.values()]), np.full(count, 34.6), np.full(count, NEVER), indexed=False)


def seen(*people: int) -> Longs:
    return np.array(people, np.int64)


def living(stack: Levels[Spots]) -> dict[int, float]:
    found: dict[int, float] = {}
    for level in stack:
        for row in np.flatnonzero(~level.dead):
            assert int(level.part.owners[row]) not in found
            found[int(level.part.owners[row])] = float(level.part.lons[row])
    return found


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(levels, "LONGEST_TAIL", 1)
    monkeypatch.setattr(levels, "SMALLEST_MIDDLE", 1)


def test_who_moves_stands_in_one_place_only() -> None:
    stack = Levels.on(spots(hana=133.7, ken=133.8))
    stack = stack.after(seen(HANA), spots(hana=134.0)).after(seen(HANA), spots(hana=135.0))
    assert living(stack) == {HANA: 135.0, KEN: 133.8}
    assert len(stack) == 2


def test_a_long_tail_joins_the_middle() -> None:
    stack = Levels.on(spots(ken=133.8)).after(seen(HANA), spots(hana=134.0)).after(seen(LINH), spots(linh=134.1))
    assert (len(stack.tail.part), len(stack.middle.part)) == (0, 2)
    assert stack.are_long


def test_who_moves_while_the_base_is_joined_is_not_where_they_were() -> None:
    still = Levels.on(spots(hana=133.7, ken=133.8)).after(seen(LINH), spots(linh=134.1)).standing_still()
    base = still.base_to_be()
    later = still.after(seen(HANA, LINH), spots(hana=135.0, linh=135.1)).after(seen(KEN), spots())
    joined = later.onto(base, seen(HANA, LINH, KEN))
    assert living(later) == living(joined) == {HANA: 135.0, LINH: 135.1}


def test_a_join_that_failed_is_made_up_for_by_the_next() -> None:
    still = Levels.on(spots(hana=133.7)).after(seen(KEN, LINH), spots(ken=133.8, linh=134.1)).standing_still()
    again = still.after(seen(KEN), spots(ken=136.0)).standing_still()
    assert living(again) == living(again.onto(again.base_to_be(), seen())) == {HANA: 133.7, LINH: 134.1, KEN: 136.0}
