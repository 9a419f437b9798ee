"""The nearest shelter of every place, worked out once a board and kept: then a question is a look into a column."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from dispatcher.audience import Floats, Longs
from geo.shelters import ShelterBoard

_FEW = 20_000
"""So few places are asked as they are hit. More would take longer than whoever draws notices."""

_BOARDS = 3
"""Kept: all shelters, and those of the hazards people draw for just now. Four bytes a place each."""


class Nearby:
    """Positions in degrees, and the rows of the shelters nearest to them."""

    def __init__(self, lons: Floats, lats: Floats) -> None:
        self._lons, self._lats = lons, lats
        self._columns: OrderedDict[bytes, NDArray[np.int32]] = OrderedDict()
        self._asked: dict[bytes, ShelterBoard] = {}
        self._alone = Lock()

    def nearest(self, board: ShelterBoard, rows: Longs) -> NDArray[np.int32]:
        """The row on the board of the shelter nearest to each of `rows`: exactly `board.nearest`."""
        if len(self._lons) <= _FEW:
            return board.nearest(self._lons[rows], self._lats[rows])[0].astype(np.int32)
        with self._alone:  # whoever asks meanwhile has the answer sooner than by working it out too
            key = board.lons.tobytes() + board.lats.tobytes()
            self._asked[key] = board
            return self._column(key, board)[rows]

    def prepare_like(self, other: Nearby) -> None:
        """Work out beforehand what `other`, whose place this is to take, was asked."""
        if len(self._lons) > _FEW:
            for key, board in other.asked():
                self._column(key, board)

    def asked(self) -> list[tuple[bytes, ShelterBoard]]:
        with self._alone:
            return list(self._asked.items())

    def _column(self, key: bytes, board: ShelterBoard) -> NDArray[np.int32]:
        found = self._columns.pop(key, None)
        if found is None:
            found = board.nearest(self._lons, self._lats)[0].astype(np.int32)
        self._columns[key] = found
        while len(self._columns) > _BOARDS:
            gone, _ = self._columns.popitem(last=False)
            self._asked.pop(gone, None)
        return found
