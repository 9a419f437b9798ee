"""Whom an event concerns: the protocol the engine asks, implemented by `subscribers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from geo.area import Area
from geo.shelters import ShelterBoard

Longs = NDArray[np.int64]
Shorts = NDArray[np.int16]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Match:
    """The subscribers with a place inside an area, each once, ascending: one row a subscriber.

    `places` holds the number of the place that was hit (the lowest, when several were; where subscriber n is
    now is place -n) and `lons`, `lats` where it is; `languages` and every column of `lanes` hold positions in
    `language_names` and `lane_names`. `lanes[kind][i]` is -1 where subscriber i has no
    reachable contact of that kind.
    """

    subscribers: Longs
    places: Longs
    lons: Floats
    lats: Floats
    languages: Shorts
    language_names: Sequence[str]
    lanes: dict[str, Shorts]
    lane_names: Sequence[str]

    def __len__(self) -> int:
        return len(self.subscribers)


@dataclass(slots=True)
class Portions(Iterator[Match]):
    """A match that is given in portions; how many `people` it has altogether is known before the first."""

    people: int
    rest: Iterator[Match]

    def __next__(self) -> Match:
        return next(self.rest)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many people an area concerns. All counts are exact.

    `people[i, j]` counts those who read `languages[i]` and are reached by the kinds of contact whose bits stand in j
    (bit n: `kinds[n]`; 0: by none). `shelters[i]` counts those reached by any, whose nearest shelter is the board's i-th.
    `fond` counts those of them who chose any of the topics asked for.
    """

    kinds: Sequence[str]
    languages: Sequence[str]
    people: Longs
    shelters: Longs
    fond: int


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Every place of some people that counts now, ascending by subscriber and place: one row a place."""

    subscribers: Longs
    places: Longs
    lons: Floats
    lats: Floats

    def __len__(self) -> int:
        return len(self.subscribers)


class Audience(Protocol):
    """Answers from memory; `catch_up` makes the answer include every change committed before the call."""

    async def catch_up(self) -> None: ...

    def match(self, area: Area, *, topics: Sequence[str] = ()) -> Match:
        """Subscribers with a place inside `area` (its edge included) and, if any are named, one of `topics`."""
        ...

    def portions(self, area: Area, *, topics: Sequence[str] = ()) -> Portions:
        """The same people in portions, each person in one: a small one first, so that its sending can begin."""
        ...

    async def among(self, subscribers: Longs, *, topics: Sequence[str] = ()) -> Match:
        """The same columns for named subscribers, wherever they are (place 0 and NaN where they have none)."""
        ...


class Counted(Protocol):
    """An audience that counts without naming anybody: in milliseconds, for whoever is drawing."""

    def tally(self, area: Area, kinds: Sequence[str], board: ShelterBoard, *, topics: Sequence[str] = ()) -> Tally:
        """Everybody with a place inside `area`, by language, by which `kinds` of contact reach them, by nearest shelter;
        and how many of all these chose any of `topics`.
        """
        ...


class Changes(Protocol):
    """The numbers of those who changed (signed up, moved, changed, left), kept until they are asked for."""

    async def next(self) -> Longs:
        """Those since the last time, ascending, each once; waits until there are any. The audience has caught up with them."""
        ...


class Followed(Protocol):
    """An audience that tells who changed, and where they are since."""

    def changes(self) -> AbstractContextManager[Changes]:
        """From now on; of what changed before, nothing. A process that starts has to look at everybody once."""
        ...

    def whereabouts(self, subscribers: Longs) -> Whereabouts:
        """All places of named subscribers, and where they are now; nothing of whoever has left."""
        ...


class Living(Audience, Followed, Protocol):
    """What the engine needs: whom an event concerns, and who comes in later."""


class AddressBook(Protocol):
    """The one module that reads addresses."""

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:
        """Addresses in the order asked for; None for whoever has no reachable contact of that kind (any more).

        `also_left` includes contacts that left since: the exact repeat of a call needs them.
        """
        ...
