"""Inspection: finding the one member of a batch that workers die of, so that the others are called.

A process may die of what one person's row holds: a contact that a library crashes on, a text that takes all memory.
Then whoever takes the batch next dies as well. The rescuer counts (`after_death`), and an attempt at a batch that
somebody died with first looks at its members, a few at a time, and says in the batch which, before it does
(`Inspection`). Who is named there when the next worker dies is looked at one by one by the one after, and the member
that it dies of is quarantined: three workers, one person.

A death by chance has to come twice within the milliseconds in which a worker looks at the same people to cost anybody
a message. Calls once begun are another matter: there the bound on repeats ends it (a run of single calls makes
doubtful ones alone), or, where a call to many counts once and may be repeated at will, `MOST_DEATHS_CALLING`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

from dispatcher import metrics
from dispatcher.model import Outcome
from dispatcher.trouble import Trouble

MOST_DEATHS_CALLING = 5
"""Workers that died while they held a call to many under its key; then nobody makes it again, and its people are unknown."""
_ACCUSED = 2

Span = tuple[int, int]
"""Positions from the first to before the second."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a worker's death says of a batch it held: what the batch remembers, and whom it costs the message."""

    deaths: int
    suspect: Span | None
    guilty: Sequence[int] = ()


def after_death(
    outcomes: bytes, *, deaths: int, suspect: Span | None, started: int, one_call: bool, counts_once: bool
) -> Finding:
    """`outcomes` as they are after the crash; `suspect` whom the dead worker was looking at, if it was."""
    doubtful = [position for position, byte in enumerate(outcomes) if byte == Outcome.AMBIGUOUS]
    if started and one_call and counts_once and doubtful:
        return Finding(deaths + 1, None, doubtful if deaths + 1 >= MOST_DEATHS_CALLING else ())
    if started or suspect is None:
        return Finding(1, None)
    if deaths >= _ACCUSED and suspect[1] - suspect[0] == 1:
        return Finding(1, None, [suspect[0]])
    return Finding(_ACCUSED, suspect)


def quarantined(outcomes: bytes, positions: Sequence[int]) -> bytes:
    """The bytes with these members given up: nobody knows of a doubtful one, the others certainly got nothing."""
    touched = bytearray(outcomes)
    for position in positions:
        if touched[position] < Outcome.SUPPRESSED:
            doubtful = touched[position] == Outcome.AMBIGUOUS
            touched[position] = Outcome.UNKNOWN if doubtful else Outcome.QUARANTINED
    return bytes(touched)


class Inspection:
    """Looks at members the way an attempt is about to. `say(span, deaths)` commits whom; False: not ours any more."""

    def __init__(
        self, say: Callable[[Span | None, int], Awaitable[bool]], look: Callable[[Sequence[int]], Awaitable[None]]
    ) -> None:
        self._say = say
        self._look = look

    async def all(self, positions: Sequence[int], accused: Span | None) -> bool:
        """Whoever was accused first, one by one, then the others in a few portions. False: the batch is not ours any more."""
        first = [position for position in positions if accused and accused[0] <= position < accused[1]]
        rest = [position for position in positions if position not in set(first)]
        for position in first:
            if not await self._one([position], _ACCUSED):
                return False
        for portion in _portions(rest):
            if not await self._one(portion, 1):
                return False
        return await self._say(None, 1)

    async def _one(self, portion: Sequence[int], deaths: int) -> bool:
        if not await self._say((portion[0], portion[-1] + 1), deaths):
            return False
        await self._look(portion)
        return True


def _portions(positions: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many portions as there are members in one: so both this worker and the one after it have few commits to make."""
    size = ceil(sqrt(len(positions)))
    for first in range(0, len(positions), size or 1):
        yield positions[first : first + size]


class Quarantine:
    """What this process has quarantined since it started, for people to see."""

    def __init__(self) -> None:
        self._people: Counter[tuple[str, str]] = Counter()

    def add(self, dispatch: str, channel: str, people: int) -> None:
        self._people[dispatch, channel] += people
        metrics.QUARANTINED.labels(channel).inc(people)

    def trouble(self) -> list[Trouble]:
        return [_trouble(*where, people) for where, people in sorted(self._people.items())]


def _trouble(dispatch: str, channel: str, people: int) -> Trouble:
    return Trouble(
        "recipients.quarantined",
        channel,
        f"配信 {dispatch} で、処理できない {people} 人への送信をやめました。ほかの人には送っています。"
        f"todoke report {dispatch} で対象者と理由を確かめ、別の方法で伝えてください。",
        f"In dispatch {dispatch}, {people} recipients cannot be handled and were given up; the others are sent. "
        f"See who and why with todoke report {dispatch}, and tell them another way.",
    )
