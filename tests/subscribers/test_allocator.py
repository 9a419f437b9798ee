"""What replaced columns leave behind goes back to the system."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from subscribers.allocator import give_back

PIECE, PIECES = 60_000, 2_000
"""Bytes that come from the heap, where whatever lies between two that are kept cannot be given back by itself."""


def held() -> int:
    """Bytes of memory this process has from the system."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * 4096


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux what the process holds")
def test_what_was_freed_between_pieces_that_are_kept_is_given_back() -> None:
    pieces = [np.ones(PIECE, np.uint8) for _ in range(PIECES)]
    kept = pieces[::10]
    del pieces
    before = held()
    give_back()
    assert before - held() > PIECE * PIECES / 2
    assert len(kept) == PIECES / 10
