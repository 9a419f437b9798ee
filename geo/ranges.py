"""Lists of different lengths, one behind the other in an array, handled without a loop."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]


def spread(first: Longs, counts: Longs) -> tuple[Longs, Longs]:
    """Of ranges that begin at `first` and hold `counts` numbers: which range each number is of, and every number."""
    owner = np.repeat(np.arange(len(first)), counts)
    return owner, np.arange(len(owner)) + (first - starts(counts))[owner]


def starts(counts: Longs) -> Longs:
    """Where each of several lists begins when they stand one behind the other."""
    begins = np.zeros(len(counts), np.int64)
    np.cumsum(counts[:-1], out=begins[1:])
    return begins
