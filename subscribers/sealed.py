"""Sealed addresses in memory: as the database holds them, one row a subscriber, no object a person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dispatcher.audience import Longs, Shorts

_WASTE_ALLOWED = 0.25
"""Share of `content` that nobody's row points to any more before it is written anew."""


@dataclass(frozen=True)
class Sealed:
    """Row i has `sizes[i]` bytes of `content` from `starts[i]`; no bytes are no address."""

    content: bytes
    starts: Longs
    sizes: Shorts

    @classmethod
    def none(cls, rows: int) -> Sealed:
        return cls(b"", np.zeros(rows, np.int64), np.zeros(rows, np.int16))

    def at(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Sealed:
        return Sealed(self.content, self.starts[chosen], self.sizes[chosen])

    def __add__(self, other: Sealed) -> Sealed:
        return Sealed(
            self.content + other.content,
            np.concatenate([self.starts, other.starts + len(self.content)]),
            np.concatenate([self.sizes, other.sizes]),
        ).compact()

    def compact(self) -> Sealed:
        """The same rows without bytes that no row needs, once there are too many of those."""
        needed = int(self.sizes.sum(dtype=np.int64))
        if needed >= len(self.content) * (1 - _WASTE_ALLOWED):
            return self
        starts = np.cumsum(self.sizes, dtype=np.int64) - self.sizes
        return Sealed(b"".join(self.rows(slice(None))), starts, self.sizes)

    def rows(self, positions: Longs | slice) -> list[bytes]:
        starts, sizes = self.starts[positions], self.sizes[positions]
        width = int(sizes[0]) if len(sizes) else 0
        if width and (sizes == width).all():
            chosen: list[bytes] = _windows(self.content, width)[starts].view(f"V{width}")[:, 0].tolist()
            return chosen
        ends, content = starts + sizes, self.content
        return [content[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def _windows(content: bytes, width: int) -> NDArray[np.uint8]:
    """Every run of `width` bytes, by where it starts. Nothing is copied until some are chosen."""
    runs = len(content) - width + 1
    return np.ndarray((runs, width), np.uint8, content, strides=(1, 1))
