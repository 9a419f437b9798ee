"""Where subscribers are now, as columns: at most one spot a subscriber."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from dispatcher.audience import Floats, Longs
from geo.index import PlaceIndex
from geo.shelters import ShelterBoard
from subscribers.clock import grace
from subscribers.lookup import Flags, Lookup
from subscribers.nearby import Nearby


class Spots:
    """Ascending by owner, each once (`subscribers.levels.Part`): degrees, microseconds since 2000 (UTC) it ends."""

    def __init__(self, owners: Longs, lons: Floats, lats: Floats, expires: Longs, *, indexed: bool) -> None:
        order = np.argsort(owners, kind="stable")
        self.owners, self.lons, self.lats, self.expires = owners[order], lons[order], lats[order], expires[order]
        self._lookup = Lookup(self.owners)
        self._index = PlaceIndex(self.lons, self.lats) if indexed else None
        self.nearby = Nearby(self.lons, self.lats)

    @classmethod
    def joined(cls, parts: Sequence[tuple[Spots, Flags | None]], *, indexed: bool) -> Self:
        """See `Part`. Spots that ended long ago are left out."""
        long_ago = grace()
        chosen = [part.expires > long_ago if kept is None else kept & (part.expires > long_ago) for part, kept in parts]
        some = [(part, kept) for (part, _), kept in zip(parts, chosen, strict=True)]
        return cls(
            np.concatenate([np.empty(0, np.int64), *(part.owners[kept] for part, kept in some)]),
            np.concatenate([np.empty(0), *(part.lons[kept] for part, kept in some)]),
            np.concatenate([np.empty(0), *(part.lats[kept] for part, kept in some)]),
            np.concatenate([np.empty(0, np.int64), *(part.expires[kept] for part, kept in some)]),
            indexed=indexed,
        )

    @classmethod
    def none(cls) -> Self:
        return cls.joined([], indexed=False)

    def __len__(self) -> int:
        return len(self.owners)

    def rows(self, subscribers: Longs) -> Longs:
        """See `Part`."""
        return self._lookup.find(subscribers)[1]

    def inside(self, geometry: BaseGeometry, *, now: int) -> Longs:
        """The rows of spots in the geometry, its edge included, that have not expired `now`."""
        if self._index is not None:
            rows = self._index.within(geometry)
        else:
            rows = np.flatnonzero(shapely.intersects_xy(geometry, self.lons, self.lats))
        return rows[self.expires[rows] > now]

    def prepare_like(self, other: Self) -> None:
        """See `Part`."""
        self.nearby.prepare_like(other.nearby)

    def nearest(self, board: ShelterBoard, rows: Longs) -> NDArray[np.int32]:
        """For each of `rows` the nearest shelter's row."""
        return self.nearby.nearest(board, rows)
