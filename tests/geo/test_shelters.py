"""Whom a shelter suits, which ones people may be sent to, and which of those is nearest."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from geo.shelters import HAZARDS, Shelter, ShelterBoard, ShelterStatus, hazard_bit

FLOOD, TSUNAMI = hazard_bit("flood"), hazard_bit("tsunami")
SCHOOL = Shelter("E1", "川辺小学校", "川辺町1", FLOOD, True, 133.70, 34.60)
HILL = Shelter("E2", "丘の上公園", "川辺町2", FLOOD | TSUNAMI, False, 133.75, 34.65)
HALL = Shelter("E3", "川辺公民館", "川辺町3", 0, True, 133.701, 34.601)


def board(*statuses: str) -> ShelterBoard:
    return ShelterBoard.of(zip((SCHOOL, HILL, HALL), map(ShelterStatus, statuses), strict=True))


def test_the_law_knows_eight_hazards_in_the_order_of_the_official_file() -> None:
    assert HAZARDS[0] == "flood"
    assert [hazard_bit(hazard) for hazard in HAZARDS] == [1, 2, 4, 8, 16, 32, 64, 128]


def test_a_hazard_the_law_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="'snow' is none of the hazards"):
        hazard_bit("snow")


def test_nobody_is_sent_to_a_shelter_that_is_not_open_or_is_full() -> None:
    assert board("unopened", "full", "closed").ids == ()
    assert board("open", "crowded", "full").ids == ("E1", "E2")


def test_a_hazard_leaves_only_sites_designated_for_it() -> None:
    everything = board("open", "open", "open")
    assert everything.for_hazard("flood").names == ("川辺小学校", "丘の上公園")
    assert everything.for_hazard("tsunami").names == ("丘の上公園",)
    assert everything.for_hazard("volcano").names == ()


def test_without_a_hazard_every_open_shelter_will_do() -> None:
    assert len(board("open", "open", "open").for_hazard(None)) == 3


def test_hana_is_sent_to_the_nearest_site_fit_for_the_flood() -> None:
    rows, metres = board("open", "open", "open").for_hazard("flood").nearest(np.array([133.702]), np.array([34.602]))
    assert rows.tolist() == [0]
    assert metres[0] == pytest.approx(288, abs=1)


def test_with_no_shelter_open_there_is_none_to_name() -> None:
    rows, metres = board("closed", "full", "unopened").nearest(np.array([133.702]), np.array([34.602]))
    assert rows.tolist() == [-1]
    assert math.isnan(metres[0])


def test_a_status_has_its_japanese_name() -> None:
    assert [status.ja for status in ShelterStatus] == ["未開設", "開設", "混雑", "満員", "閉鎖"]


def test_an_undesignated_hall_never_counts_and_a_designated_site_does_wherever_it_stands() -> None:
    """Both stand inside the flooded area; the law's mark decides, not the line an officer drew."""
    flooded = np.array([133.701]), np.array([34.601])
    rows, _ = board("open", "open", "open").for_hazard("flood").nearest(*flooded)
    assert rows.tolist() == [0]
    rows, _ = board("open", "open", "open").for_hazard("tsunami").nearest(*flooded)
    assert rows.tolist() == [0]
    assert board("open", "open", "open").for_hazard("tsunami").names == ("丘の上公園",)


def test_the_board_shares_people_out_by_capacity() -> None:
    small, large = replace(SCHOOL, capacity=1), replace(HILL, capacity=5)
    both = ShelterBoard.of([(small, ShelterStatus.OPEN), (large, ShelterStatus.CROWDED)])
    rows, _ = both.for_hazard("flood").shared(np.full(3, 133.70), np.full(3, 34.60))
    assert sorted(rows.tolist()) == [0, 1, 1]
