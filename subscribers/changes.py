"""Who changed, for whoever has to do something about it."""

from __future__ import annotations

import asyncio

import numpy as np

from dispatcher.audience import Longs


class Changes:
    """The numbers of those who changed since they were last asked for: signed up, moved, changed, left.

    However long nobody asks, each number is kept once.
    """

    def __init__(self) -> None:
        self._numbers: list[Longs] = []
        self._some = asyncio.Event()

    async def next(self) -> Longs:
        """Numbers, ascending, each once; waits until there are any. The audience has their changes by then."""
        await self._some.wait()
        self._some.clear()
        numbers, self._numbers = self._numbers, []
        return numbers[0] if len(numbers) == 1 else await asyncio.to_thread(_united, numbers)

    def put(self, numbers: Longs) -> None:
        """`numbers` ascending, each once."""
        if not len(numbers):
            return
        self._numbers.append(numbers)
        self._some.set()
        # As sums of halves, so that what nobody asks for is not written anew every second.
        while len(self._numbers) > 1 and 2 * len(self._numbers[-1]) >= len(self._numbers[-2]):
            last = self._numbers.pop()
            self._numbers.append(np.union1d(self._numbers.pop(), last))


def _united(parts: list[Longs]) -> Longs:
    return np.unique(np.concatenate(parts))
