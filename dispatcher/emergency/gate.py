"""The gate: while a data directory's emergency post has the floor, no process of that directory sends by the database.

One word of memory that they share (a mapped file), asked before every call. It holds until when the gate is shut, on the
monotonic clock that all processes of a host share, and is renewed by the post: one that hangs or dies opens it by doing
nothing, so a gate can never keep an order in for good.
"""

from __future__ import annotations

import mmap
import os
import struct
import time
from pathlib import Path

_MOMENT = struct.Struct("<d")
SHUT_SECONDS = 30.0
"""How long it stays shut when nobody renews it."""


class Gate:
    """Shut for everybody whose data directory it is. Raises OSError when its file cannot be had."""

    def __init__(self, path: Path) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if os.fstat(descriptor).st_size < _MOMENT.size:
                os.pwrite(descriptor, bytes(_MOMENT.size), 0)
            self._memory = mmap.mmap(descriptor, _MOMENT.size)
        finally:
            os.close(descriptor)

    @property
    def is_shut(self) -> bool:
        """A moment further ahead than anybody shuts it is one of before the machine was started anew."""
        left = float(_MOMENT.unpack_from(self._memory)[0]) - time.monotonic()
        return 0 < left <= SHUT_SECONDS

    def shut(self) -> None:
        """For SHUT_SECONDS from now."""
        _MOMENT.pack_into(self._memory, 0, time.monotonic() + SHUT_SECONDS)

    def open(self) -> None:
        _MOMENT.pack_into(self._memory, 0, 0.0)
