"""Which row a number stands in: by table or by search, the same."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import lookup
from subscribers.lookup import Lookup, positions_in

NUMBERS = st.lists(st.integers(-50, 400), unique=True, max_size=60).map(lambda some: np.array(sorted(some), np.int64))


@given(NUMBERS, st.lists(st.integers(-100, 600), max_size=80).map(lambda some: np.array(some, np.int64)))
def test_a_table_finds_what_a_search_finds(numbers: np.ndarray, wanted: np.ndarray) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_FEW", 1)
        patch.setattr(lookup, "_SPARSE", 500)
        here, rows = Lookup(numbers).find(wanted)
    expected_here, expected_rows = positions_in(numbers, wanted)
    assert here.tolist() == expected_here.tolist() == np.isin(wanted, numbers).tolist()
    assert rows.tolist() == expected_rows.tolist()


def test_numbers_far_apart_are_searched_for() -> None:
    numbers = np.arange(20_000) * 1_000_000
    here, rows = Lookup(numbers).find(np.array([3_000_000, 5]))
    assert (here.tolist(), rows.tolist()) == ([True, False], [3])
