"""Levels: columns that follow changes without ever being built anew as a whole while somebody waits.

What changed last stands in a short tail that is tested row by row. A long tail joins the middle, which has an index
and is soon joined again, being small. Now and then a large middle joins the base, in the background: meanwhile it
stands still beside the base, and a new middle grows. A row that was replaced stays where it is and is marked dead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Generic, Protocol, Self, TypeVar

import numpy as np

from dispatcher.audience import Longs
from subscribers.lookup import Flags

LONGEST_TAIL = 4_000
"""Rows: testing each of them takes about as long as asking an index of a million."""

SMALLEST_MIDDLE, MIDDLE_SHARE = 20_000, 0.15
"""When the middle, or what is dead in the base, is long: rows, or a share of the base. At 10,000 moves a second among
a million people, joining tail and middle every second then costs about as much as joining the base every quarter minute."""


class Part(Protocol):
    """Rows of columns, each of one subscriber; those of a subscriber stand in one living part only. Never changes."""

    def __len__(self) -> int: ...

    def rows(self, subscribers: Longs) -> Longs:
        """Which rows are of these subscribers."""
        ...

    def prepare_like(self, other: Self) -> None:
        """Work out beforehand what `other`, whose place this is to take, has been asked."""
        ...

    @classmethod
    def joined(cls, parts: Sequence[tuple[Self, Flags | None]], *, indexed: bool) -> Self:
        """One part of the rows chosen from several; None chooses all."""
        ...


P = TypeVar("P", bound=Part)


@dataclass(frozen=True)
class Level(Generic[P]):
    part: P
    dead: Flags
    """Which rows have been replaced or taken away since."""

    @classmethod
    def of(cls, part: P) -> Level[P]:
        return cls(part, np.zeros(len(part), np.bool_))

    def after(self, seen: Longs) -> Level[P]:
        rows = self.part.rows(seen)
        if not len(rows):
            return self
        dead = self.dead.copy()
        dead[rows] = True
        return Level(self.part, dead)

    @cached_property
    def losses(self) -> int:
        return int(np.count_nonzero(self.dead))

    @property
    def chosen(self) -> tuple[P, Flags | None]:
        """For `joined`: the living."""
        return self.part, ~self.dead if self.losses else None

    def living(self, rows: Longs) -> Flags | None:
        """Which of `rows` are not dead; None when all are not."""
        return ~self.dead[rows] if self.losses else None


@dataclass(frozen=True)
class Levels(Generic[P]):
    """From the oldest and largest to the newest. Each moment is an object of its own."""

    settled: tuple[Level[P], ...]
    """The base; and, while they are being joined to it, middles that stand still."""
    middle: Level[P]
    tail: Level[P]

    @classmethod
    def on(cls, base: P) -> Levels[P]:
        empty = _empty(base)
        return cls((Level.of(base),), empty, empty)

    def __iter__(self) -> Iterator[Level[P]]:
        return iter((*self.settled, self.middle, self.tail))

    def __len__(self) -> int:
        """How many rows live."""
        return sum(len(level.part) - level.losses for level in self)

    def after(self, seen: Longs, new: P) -> Levels[P]:
        """Once all that is known of the subscribers `seen` is `new`."""
        if not len(seen):
            return self
        settled = tuple(level.after(seen) for level in self.settled)
        middle, tail = self.middle.after(seen), self.tail.after(seen)
        join = type(new).joined
        if len(tail.part) - tail.losses + len(new) <= LONGEST_TAIL:
            joined = join([tail.chosen, (new, None)], indexed=False)
            return Levels(settled, middle, Level.of(joined))
        joined = join([middle.chosen, tail.chosen, (new, None)], indexed=True)
        return Levels(settled, Level.of(joined), _empty(new))

    @property
    def are_long(self) -> bool:
        base, *others = self.settled
        loose = max(base.losses, sum(len(level.part) for level in (*others, self.middle)))
        return loose > max(SMALLEST_MIDDLE, MIDDLE_SHARE * len(base.part))

    def standing_still(self) -> Levels[P]:
        """The same rows, with the middle among the settled, ready to be joined."""
        return replace(self, settled=(*self.settled, self.middle), middle=_empty(self.middle.part))

    def base_to_be(self) -> P:
        """The settled in one. Takes seconds with millions of rows: in a thread."""
        base = type(self.middle.part).joined([level.chosen for level in self.settled], indexed=True)
        base.prepare_like(self.settled[0].part)
        return base

    def onto(self, base: P, seen: Longs) -> Levels[P]:
        """On a base made of what was settled before the subscribers `seen` were read."""
        return replace(self, settled=(Level.of(base).after(seen),))


def _empty(part: P) -> Level[P]:
    return Level.of(type(part).joined([], indexed=False))
