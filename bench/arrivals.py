"""A provider's own view of a limit: when each datagram arrived, stamped by the kernel and not by a process that slept."""

from __future__ import annotations

import socket
import struct
import time
from dataclasses import dataclass
from threading import Thread
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

_STAMP = getattr(socket, "SO_TIMESTAMPNS", 35)
_BUFFER = 2**22


class Arrivals:
    """Listens on `port` from entering to leaving."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.setsockopt(socket.SOL_SOCKET, _STAMP, 1)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(0.2)
        self.port: int = self._socket.getsockname()[1]
        self._moments: list[float] = []
        self._open = True
        self._thread = Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open = False
        self._thread.join()
        self._socket.close()

    def between(self, start: float, end: float) -> Seen:
        """What arrived from `start` to `end`, seconds of time.time()."""
        moments = np.sort(np.asarray(self._moments, np.float64))
        return Seen(moments[(moments >= start) & (moments < end)], start, end)

    def _listen(self) -> None:
        while self._open:
            try:
                _, ancillary, _, _ = self._socket.recvmsg(16, 64)
            except TimeoutError:
                continue
            self._moments.append(_moment(ancillary))


@dataclass(frozen=True, slots=True)
class Seen:
    moments: NDArray[np.float64]
    start: float
    end: float

    @property
    def rate(self) -> float:
        """Arrivals a second."""
        return len(self.moments) / (self.end - self.start)

    @property
    def worst_second(self) -> int:
        """Most arrivals in any one second, wherever it begins."""
        last = np.searchsorted(self.moments, self.moments + 1.0, side="left")
        return int((last - np.arange(len(self.moments))).max(initial=0))

    @property
    def longest_stall(self) -> float:
        """Seconds of the longest silence."""
        return float(np.diff([self.start, *self.moments, self.end]).max())


def _moment(ancillary: list[tuple[int, int, bytes]]) -> float:
    for level, kind, value in ancillary:
        if level == socket.SOL_SOCKET and kind == _STAMP:
            seconds, nanoseconds = struct.unpack("@ll", value[:16])
            return float(seconds + nanoseconds / 1e9)
    return time.time()
