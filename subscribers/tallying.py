"""Counting whoever is hit, without gathering anything that is not counted.

Everybody's language and reachability is one small number, their nearest shelter another: both stand in columns that
were made before, and the two together are the cell of a table in which a person counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from dispatcher.audience import Longs, Tally
from geo.shelters import ShelterBoard
from subscribers.block import Block
from subscribers.levels import Level, Levels
from subscribers.lookup import Flags
from subscribers.spots import Spots

Ints = NDArray[np.int32]


class Counting:
    """A table by nearest shelter (one row where there is none), language and reachability, filled level by level."""

    def __init__(self, kinds: tuple[str, ...], languages: Sequence[str], board: ShelterBoard, topics: int) -> None:
        self._kinds, self._languages, self._board, self._topics = kinds, languages, board, topics
        self._fond = 0
        self._codes = len(languages) << len(kinds)
        self._table = np.zeros(max(len(board), 1) * self._codes, np.int64)

    def here(self, spots: Levels[Spots], geometry: BaseGeometry, *, now: int) -> tuple[Longs, Ints]:
        """Who is in the area now, wherever they live, and the rows of the shelters nearest to them."""
        found = [(level.part, alive(level, level.part.inside(geometry, now=now))) for level in spots]
        some = [(part, rows) for part, rows in found if len(rows)]
        near = [self._nearest(part, rows) for part, rows in some]
        owners = np.concatenate([np.empty(0, np.int64), *(part.owners[rows] for part, rows in some)])
        return owners, np.concatenate([np.empty(0, np.int32), *near])

    def add(self, level: Level[Block], geometry: BaseGeometry, here: Longs, nearest: Ints, *, now: int) -> Flags:
        """Count a level's people, each once: whoever is `here` by where they are. Which of those live elsewhere?

        Who does not count is given a cell behind the last: that takes a third of the time of leaving them out.
        """
        places, people, counts = level.part.hit(geometry, now=now)
        living, rows = who_lives_in(level, here)
        if level.losses:
            counts &= ~level.dead[people]
        if len(rows):
            away = np.ones(len(level.part), np.bool_)
            away[rows] = False
            counts &= away[people]
        codes = level.part.codes(self._kinds)
        self._count(self._cells(codes[rows], nearest if living.all() else nearest[living]))
        self._count(np.where(counts, self._cells(codes[people], self._nearest(level.part, places)), len(self._table)))
        if self._topics:
            fond = (level.part.people.topics & self._topics) != 0
            self._fond += int(np.count_nonzero(fond[rows])) + int(np.count_nonzero(fond[people] & counts))
        return ~living

    def tally(self) -> Tally:
        table = self._table.reshape(max(len(self._board), 1), len(self._languages), 1 << len(self._kinds))
        shelters = table[: len(self._board), :, 1:].sum(axis=(1, 2))
        return Tally(self._kinds, self._languages, table.sum(axis=0), shelters, self._fond)

    def _nearest(self, part: Block | Spots, rows: Longs) -> Ints:
        return part.nearest(self._board, rows) if len(self._board) else np.zeros(len(rows), np.int32)

    def _cells(self, codes: Ints, nearest: Ints) -> Ints:
        cells = nearest * np.int32(self._codes)
        cells += codes
        return cells

    def _count(self, cells: NDArray[np.signedinteger]) -> None:
        self._table += np.bincount(cells, minlength=len(self._table) + 1)[: len(self._table)]


def alive(level: Level[Spots], rows: Longs) -> Longs:
    living = level.living(rows)
    return rows if living is None else rows[living]


def who_lives_in(level: Level[Block], owners: Longs) -> tuple[Flags, Longs]:
    """Which of `owners` live in a level, and their rows."""
    found, rows = level.part.find(owners)
    living = level.living(rows)
    if living is not None and not living.all():
        found[found] = living
        rows = rows[living]
    return found, rows
