"""Sealed addresses in memory: as the database holds them, one row a subscriber, no object a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.audience import Longs, Shorts

_WASTE_ALLOWED = 0.25
"""Share of `content` that nobody's row points to any more before it is written anew."""

_ROWS_AT_ONCE = 65_536

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Sealed:
    """Row i has `sizes[i]` bytes of `content` from `starts[i]`; no bytes are no address.

    `content` is an array because whatever copies a hundred megabytes of one lets other threads run meanwhile.
    """

    content: Bytes
    starts: Longs
    sizes: Shorts

    @classmethod
    def none(cls, rows: int) -> Sealed:
        return cls(np.empty(0, np.uint8), np.zeros(rows, np.int64), np.zeros(rows, np.int16))

    @classmethod
    def joined(cls, parts: Sequence[Sealed]) -> Sealed:
        """One after the other."""
        contents = [part.content for part in parts]
        before = np.cumsum([0, *map(len, contents)])
        return cls(
            np.concatenate([np.empty(0, np.uint8), *contents]),
            np.concatenate(
                [np.empty(0, np.int64), *(part.starts + at for part, at in zip(parts, before, strict=False))]
            ),
            np.concatenate([np.empty(0, np.int16), *(part.sizes for part in parts)]),
        ).compact()

    def at(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Sealed:
        return Sealed(self.content, self.starts[chosen], self.sizes[chosen])

    def compact(self) -> Sealed:
        """The same rows without bytes that no row needs, once there are too many of those."""
        needed = int(self.sizes.sum(dtype=np.int64))
        if needed >= len(self.content) * (1 - _WASTE_ALLOWED):
            return self
        starts = np.cumsum(self.sizes, dtype=np.int64) - self.sizes
        content = np.empty(needed, np.uint8)
        for first in range(0, len(starts), _ROWS_AT_ONCE):
            some = slice(first, first + _ROWS_AT_ONCE)
            bytes_of = _spread(self.starts[some], self.sizes[some])
            content[starts[first] : starts[first] + len(bytes_of)] = self.content[bytes_of]
        return Sealed(content, starts, self.sizes)

    def rows(self, positions: Longs | slice) -> list[bytes]:
        starts, sizes = self.starts[positions], self.sizes[positions]
        width = int(sizes[0]) if len(sizes) else 0
        if width and (sizes == width).all():
            chosen: list[bytes] = _windows(self.content, width)[starts].view(f"V{width}")[:, 0].tolist()
            return chosen
        ends, content = starts + sizes, self.content.data
        return [content[start:end].tobytes() for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _spread(starts: Longs, sizes: Shorts) -> Longs:
    """Where every byte of some rows stands."""
    ends = np.cumsum(sizes, dtype=np.int64)
    return np.repeat(starts - (ends - sizes), sizes) + np.arange(int(ends[-1]))


def _windows(content: Bytes, width: int) -> Bytes:
    """Every run of `width` bytes, by where it starts. Nothing is copied until some are chosen."""
    runs = len(content) - width + 1
    return np.ndarray((runs, width), np.uint8, content, strides=(1, 1))
