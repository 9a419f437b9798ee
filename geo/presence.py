"""Presence: who enters, stays in, dwells in and leaves which area, without flapping at its edge.

A position is some ten metres wrong, so whoever stands on the edge is now inside and now outside. Entering counts at
once, for a warning must not wait; leaving counts only when somebody is clearly gone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from geo.area import Area
from geo.ellipsoid import metres_a_degree
from geo.fences import Fences
from geo.segments import Segments, segments

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]


_NOT_FINITE = "a position is two finite numbers of degrees"


class Move(StrEnum):
    ENTER = "enter"
    STAY = "stay"
    """Seen again, inside or not clearly gone."""

    DWELL = "dwell"
    """Once a stay, when it has lasted `Patience.dwell_seconds`."""

    LEAVE = "leave"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """A stay ends farther than `leave_metres` outside, or after `leave_seconds` outside at any distance.

    With both 0 every step outside ends it. Raises ValueError for a negative number or one that is not finite.
    """

    leave_metres: float = 50.0
    leave_seconds: float = 120.0
    dwell_seconds: float = 600.0

    def __post_init__(self) -> None:
        for number in (self.leave_metres, self.leave_seconds, self.dwell_seconds):
            if not 0 <= number < float("inf"):
                raise ValueError("patience is a finite number of metres or seconds, 0 or more")


@dataclass(frozen=True, slots=True)
class Change:
    """What became of `person` in the area called `area`, at a time in seconds."""

    person: int
    area: str
    move: Move
    at: float


@dataclass(slots=True)
class _Stay:
    since: float
    outside_since: float | None = None
    dwelt: bool = False


class Presence:
    """Remembers only who is in some area: one small object a stay. Reads no clock: every time is given, in seconds."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._stays: dict[int, dict[str, _Stay]] = {}
        self._edges: dict[str, Segments] = {}
        self.watch({})

    def watch(self, areas: Mapping[str, Area]) -> None:
        """These areas count from now on, and no others. Stays in one that is gone are forgotten: nobody left it."""
        self._areas = dict(areas)
        self._names = sorted(areas)
        self._fences = Fences([areas[name] for name in self._names])
        self._edges.clear()
        for person, stays in list(self._stays.items()):
            self._keep(person, {name: stay for name, stay in stays.items() if name in areas})

    def __len__(self) -> int:
        """How many stays are remembered."""
        return sum(map(len, self._stays.values()))

    def inside(self, person: int) -> tuple[str, ...]:
        """The areas in which somebody is staying."""
        return tuple(sorted(self._stays.get(person, {})))

    def seen(self, person: int, lon: float, lat: float, at: float) -> list[Change]:
        """Somebody was seen at a position in degrees. Times ascend. Raises ValueError when it is not finite."""
        if not (math.isfinite(lon) and math.isfinite(lat)):
            raise ValueError(_NOT_FINITE)
        return self._seen(person, lon, lat, at, self._fences.around(lon, lat))

    def seen_each(self, persons: Longs, lons: Floats, lats: Floats, at: float) -> list[Change]:
        """Many were seen, in this order; one person may be among them several times. Raises ValueError as `seen`."""
        if not (np.isfinite(lons).all() and np.isfinite(lats).all()):
            raise ValueError(_NOT_FINITE)
        places, areas = self._fences.around_each(lons, lats)
        held: dict[int, list[int]] = {}
        for place, area in zip(places.tolist(), areas.tolist(), strict=True):
            held.setdefault(place, []).append(area)
        changes: list[Change] = []
        for place, person in enumerate(persons.tolist()):
            if place in held or person in self._stays:
                lon, lat = float(lons[place]), float(lats[place])
                changes += self._seen(person, lon, lat, at, held.get(place, []))
        return changes

    def pass_time(self, at: float) -> list[Change]:
        """What time alone has brought about, by person and area: some have left while unseen, others have dwelt."""
        changes: list[Change] = []
        for person in sorted(self._stays):
            kept = {}
            for name, stay in sorted(self._stays[person].items()):
                if self._away_long(stay, at):
                    changes.append(Change(person, name, Move.LEAVE, at))
                else:
                    kept[name] = stay
                    changes += self._dwelling(person, name, stay, at)
            self._keep(person, kept)
        return changes

    def forget(self, person: int) -> None:
        """Somebody unsubscribed, or the position expired: no stay ends in a `leave`."""
        self._stays.pop(person, None)

    def _seen(self, person: int, lon: float, lat: float, at: float, held: list[int]) -> list[Change]:
        inside = {self._names[area] for area in held}
        stays = self._stays.get(person, {})
        changes, kept = [], {}
        for name in sorted(inside | stays.keys()):
            stay = stays.get(name)
            if stay is not None and name not in inside and self._gone(name, stay, lon, lat, at):
                changes.append(Change(person, name, Move.LEAVE, at))
                continue
            changes.append(Change(person, name, Move.STAY if stay else Move.ENTER, at))
            kept[name] = stay = stay or _Stay(since=at)
            stay.outside_since = None if name in inside else at if stay.outside_since is None else stay.outside_since
            changes += self._dwelling(person, name, stay, at)
        self._keep(person, kept)
        return changes

    def _gone(self, name: str, stay: _Stay, lon: float, lat: float, at: float) -> bool:
        patience = self._patience
        at_once = patience.leave_seconds == 0
        return at_once or self._away_long(stay, at) or self._metres_to(name, lon, lat) > patience.leave_metres

    def _away_long(self, stay: _Stay, at: float) -> bool:
        return stay.outside_since is not None and at - stay.outside_since >= self._patience.leave_seconds

    def _dwelling(self, person: int, name: str, stay: _Stay, at: float) -> list[Change]:
        if stay.dwelt or at - stay.since < self._patience.dwell_seconds:
            return []
        stay.dwelt = True
        return [Change(person, name, Move.DWELL, at)]

    def _keep(self, person: int, stays: dict[str, _Stay]) -> None:
        if stays:
            self._stays[person] = stays
        else:
            self._stays.pop(person, None)

    def _metres_to(self, name: str, lon: float, lat: float) -> float:
        """From a place outside to the area's edge, on the plane that touches the ellipsoid there."""
        if name not in self._edges:
            self._edges[name] = segments(self._areas[name].geometry)
        edges, scale = self._edges[name], np.array(metres_a_degree(lat))
        start, end = (edges.start - (lon, lat)) * scale, (edges.end - (lon, lat)) * scale
        along = end - start
        share = -(start * along).sum(axis=1) / np.maximum((along * along).sum(axis=1), 1e-30)
        foot = start + np.clip(share, 0.0, 1.0)[:, None] * along
        return float(np.sqrt((foot * foot).sum(axis=1).min()))
