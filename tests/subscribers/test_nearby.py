"""The nearest shelter of every place: what the board says, worked out once."""

from __future__ import annotations

import numpy as np
import pytest

from geo.shelters import Shelter, ShelterBoard, ShelterStatus
from subscribers import nearby
from subscribers.nearby import Nearby

LONS, LATS = np.linspace(133.6, 133.8, 50), np.linspace(34.5, 34.7, 50)
ROWS = np.arange(0, 50, 3)


def shelters(*lons: float) -> ShelterBoard:
    """A board of open shelters."""
    return ShelterBoard.of((Shelter(f"s{lon}", "", "", 1, False, lon, 34.6), ShelterStatus.OPEN) for lon in lons)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many places were asked for, each time."""
    monkeypatch.setattr(nearby, "_FEW", 10)
    times: list[int] = []
    nearest = ShelterBoard.nearest

    def counting(board: ShelterBoard, lons: np.ndarray, lats: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        times.append(len(lons))
        return nearest(board, lons, lats)

    monkeypatch.setattr(ShelterBoard, "nearest", counting)
    return times


def test_it_is_what_the_board_says(asked: list[int]) -> None:
    board = shelters(133.6, 133.7, 133.75)
    expected = board.nearest(LONS[ROWS], LATS[ROWS])[0]
    assert Nearby(LONS, LATS).nearest(board, ROWS).tolist() == expected.tolist()


def test_the_same_shelters_are_worked_out_once_and_others_anew(asked: list[int]) -> None:
    places = Nearby(LONS, LATS)
    for lons in ((133.6, 133.7), (133.6, 133.7), (133.7,)):
        places.nearest(shelters(*lons), ROWS)
    assert asked == [50, 50]


def test_what_takes_the_place_of_another_knows_beforehand_what_that_was_asked(asked: list[int]) -> None:
    old, new = Nearby(LONS, LATS), Nearby(LONS[::-1].copy(), LATS)
    old.nearest(shelters(133.6, 133.7), ROWS)
    new.prepare_like(old)
    assert asked == [50, 50]
    new.nearest(shelters(133.6, 133.7), ROWS)
    assert asked == [50, 50]


def test_what_nobody_asks_any_more_is_not_worked_out_for_ever(asked: list[int]) -> None:
    old, new, newer = (Nearby(LONS, LATS) for _ in range(3))
    old.nearest(shelters(133.6), ROWS)
    new.prepare_like(old)
    newer.prepare_like(new)
    assert asked == [50, 50]


def test_only_the_last_few_boards_are_kept(asked: list[int]) -> None:
    places = Nearby(LONS, LATS)
    for lon in (133.61, 133.62, 133.63, 133.64, 133.61):
        places.nearest(shelters(lon), ROWS)
    assert asked == [50] * 5
    assert len(places.asked()) == 3
