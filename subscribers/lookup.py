"""Which row a subscriber's number stands in, among columns that ascend by number."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dispatcher.audience import Longs

Flags = NDArray[np.bool_]

_FEW, _SPARSE = 10_000, 4
"""Fewer numbers are searched in fast enough; numbers spread over more than so many times as many would waste memory."""


class Lookup:
    """Finds among `numbers` (ascending, each once). By a table where they are many and stand close, as numbers do."""

    def __init__(self, numbers: Longs) -> None:
        self._numbers = numbers

    def find(self, wanted: Longs) -> tuple[Flags, Longs]:
        """Which of `wanted` are there, and the rows of those that are."""
        table = self._table
        if table is None or not len(wanted):
            return positions_in(self._numbers, wanted)
        at = wanted - self._numbers[0]
        if at.min() >= 0 and at.max() < len(table):
            rows = table[at]
        else:
            rows = np.where((at >= 0) & (at < len(table)), table[at.clip(0, len(table) - 1)], -1)
        here = rows >= 0
        return here, (rows if here.all() else rows[here]).astype(np.int64)

    @cached_property
    def _table(self) -> NDArray[np.signedinteger[Any]] | None:
        numbers = self._numbers
        if len(numbers) < _FEW or len(numbers) >= 2**31 or numbers[-1] - numbers[0] > _SPARSE * len(numbers):
            return None
        table = np.full(int(numbers[-1] - numbers[0]) + 1, -1, np.int32)
        table[numbers - numbers[0]] = np.arange(len(numbers), dtype=np.int32)
        return table


def positions_in(ascending: Longs, wanted: Longs) -> tuple[Flags, Longs]:
    """Which of `wanted` stand in `ascending`, and the positions of those that do."""
    positions = np.searchsorted(ascending, wanted)
    found = positions < len(ascending)
    found[found] = ascending[positions[found]] == wanted[found]
    return found, positions[found]
