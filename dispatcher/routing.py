"""From a match to batches, in columns: who gets which message on which channel, cut into equal runs.

A batch holds people of one channel and lane; where a batch is one call, also of one message.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise, zip_longest

import numpy as np
from numpy.typing import NDArray

from dispatcher.audience import Longs, Match
from dispatcher.model import Delivery

Ints = NDArray[np.int32]
NO_SHELTER = -1


@dataclass(frozen=True, slots=True)
class Variants:
    """What differs between the messages of readers of one language: one row a subscriber of the match.

    `shelters` are positions on the shelter board, NO_SHELTER where none is named; `distances` are
    rounded metres, 0 where none is told.
    """

    shelters: Ints
    distances: Ints

    @classmethod
    def none(cls, length: int) -> Variants:
        return cls(np.full(length, NO_SHELTER, np.int32), np.zeros(length, np.int32))


@dataclass(frozen=True, slots=True)
class Variant:
    """What decides the words on a channel: the reader's language, the shelter named, the distance told."""

    language: str
    shelter: int
    distance: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One batch to be. `which` gives each member's position in `variants`; it is empty when there is only one."""

    channel: str
    lane: str
    variants: list[Variant]
    which: list[int]
    members: Longs
    places: Longs


@dataclass(frozen=True, slots=True)
class Shape:
    """How a channel's batches are cut. `one_call`: everybody in a batch has to get the same message."""

    kind: str
    size: int
    one_call: bool


def route(match: Match, channels: Mapping[str, str], delivery: Delivery) -> dict[str, Longs]:
    """Rows of the match for every channel. `channels` maps a channel to the kind of contact it writes to, in order.

    `first_reachable` gives each person to the first channel that reaches them; `all` to every one.
    """
    routed: dict[str, Longs] = {}
    free = np.ones(len(match), dtype=bool)
    for channel, kind in channels.items():
        column = match.lanes.get(kind)
        reached = (column >= 0) & free if column is not None else np.zeros(len(match), dtype=bool)
        routed[channel] = np.flatnonzero(reached)
        if delivery is Delivery.FIRST_REACHABLE:
            free &= ~reached
    return routed


def cuts(
    match: Match, routed: Mapping[str, Longs], shapes: Mapping[str, Shape], variants: Mapping[str, Variants]
) -> Iterator[Cut]:
    """The batches of every channel in turn, so that no channel waits for another to be planned."""
    per_channel = [
        _Cutter(match, channel, rows, shapes[channel], variants[channel]).cuts()
        for channel, rows in routed.items()
        if len(rows)
    ]
    return (cut for cut in chain.from_iterable(zip_longest(*per_channel)) if cut is not None)


class _Cutter:
    """Cuts one channel's rows, sorted by lane and message."""

    def __init__(self, match: Match, channel: str, rows: Longs, shape: Shape, variants: Variants) -> None:
        lanes, languages = match.lanes[shape.kind][rows], match.languages[rows]
        shelters, distances = variants.shelters[rows], variants.distances[rows]
        order = np.lexsort((distances, shelters, languages, lanes))
        self._rows = rows[order]
        self._lanes = lanes[order]
        self._messages = np.stack([languages, shelters, distances])[:, order]
        self._match = match
        self._channel = channel
        self._shape = shape

    def cuts(self) -> Iterator[Cut]:
        borders = self._lanes[None, :].astype(np.int32)
        if self._shape.one_call:
            borders = np.concatenate([borders, self._messages])
        return (self._cut(start, end) for start, end in _runs(borders, self._shape.size))

    def _cut(self, start: int, end: int) -> Cut:
        match, rows = self._match, self._rows[start:end]
        distinct, which = self._distinct(start, end)
        return Cut(
            channel=self._channel,
            lane=match.lane_names[self._lanes[start]],
            variants=[Variant(match.language_names[key[0]], key[1], key[2]) for key in distinct.T.tolist()],
            which=which.tolist() if distinct.shape[1] > 1 else [],
            members=match.subscribers[rows],
            places=match.places[rows],
        )

    def _distinct(self, start: int, end: int) -> tuple[NDArray[np.int32], Longs]:
        """The different messages of a cut, as columns, and which of them each member gets. They stand sorted."""
        messages = self._messages[:, start:end]
        if self._shape.one_call:
            return messages[:, :1], np.zeros(end - start, np.int64)
        changes = (messages[:, 1:] != messages[:, :-1]).any(axis=0)
        which = np.concatenate([[0], np.cumsum(changes)])
        return messages[:, np.append(True, changes)], which


def _runs(keys: NDArray[np.int32], size: int) -> Iterator[tuple[int, int]]:
    """Ranges of equal columns of `keys`, none longer than `size`."""
    changes = np.flatnonzero((keys[:, 1:] != keys[:, :-1]).any(axis=0)) + 1
    borders: Sequence[int] = [0, *changes.tolist(), keys.shape[1]]
    for start, end in pairwise(borders):
        for begin in range(start, end, size):
            yield begin, min(begin + size, end)


def restricted(match: Match, subscribers: Longs) -> Longs:
    """Rows of the match whose subscriber is one of `subscribers`."""
    return np.flatnonzero(np.isin(match.subscribers, subscribers))


def narrowed(match: Match, rows: Longs) -> Match:
    """The match with only `rows`."""
    return Match(
        subscribers=match.subscribers[rows],
        places=match.places[rows],
        lons=match.lons[rows],
        lats=match.lats[rows],
        languages=match.languages[rows],
        language_names=match.language_names,
        lanes={kind: column[rows] for kind, column in match.lanes.items()},
        lane_names=match.lane_names,
    )
