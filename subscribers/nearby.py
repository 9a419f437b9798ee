"""The nearest shelter of every place, worked out once a board and kept: then a question is a look into a column."""

from __future__ import annotations

from collections import OrderedDict

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
        self._known: OrderedDict[bytes, NDArray[np.int32]] = OrderedDict()

    def nearest(self, board: ShelterBoard, rows: Longs) -> NDArray[np.int32]:
        """The row on the board of the shelter nearest to each of `rows`: exactly `board.nearest`."""
        if len(self._lons) <= _FEW:
            return board.nearest(self._lons[rows], self._lats[rows])[0].astype(np.int32)
        return self._column(board)[rows]

    def _column(self, board: ShelterBoard) -> NDArray[np.int32]:
        key = board.lons.tobytes() + board.lats.tobytes()
        found = self._known.pop(key, None)
        if found is None:
            found = board.nearest(self._lons, self._lats)[0].astype(np.int32)
        self._known[key] = found
        while len(self._known) > _BOARDS:
            self._known.popitem(last=False)
        return found
