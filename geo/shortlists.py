"""Short lists: which of thousands of targets can be the nearest to anybody in a group of neighbours.

Positions are sorted along a Z curve and parted into ever smaller groups. Around a group stands a box with a centre
and a radius; if the nearest target lies `near` from the centre, then everybody in the box has one within
`near + radius`, and a target farther than `near + 2 * radius` from the centre is nearest to nobody there.
With the second nearest in place of the nearest, the same holds for the nearest two.
Distances are chords of the unit sphere, for which the triangle inequality holds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geo.ranges import spread, starts

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

BITS = 14
"""Of the Z curve, along each axis: across the whole of Japan a group is at the least 200 m wide."""

STEP = 2
"""Bits an axis from one size of group to the next: 16 groups are made of one."""

FEW_TARGETS, FEW_POSITIONS = 3, 64
"""A group with no more of either is not parted further: comparing is cheaper."""

SLACK = 1e-12
"""On the unit sphere, 6 µm: more than all rounding here together. It only lets more targets in."""


@dataclass(frozen=True, slots=True)
class Shortlists:
    """Group i is the positions `order[low[i]:high[i]]`, its targets `targets[first[i]:first[i] + counts[i]]`,
    ascending. Every position stands in one group."""

    order: Longs
    low: Longs
    high: Longs
    first: Longs
    counts: Longs
    targets: Longs


@dataclass(frozen=True, slots=True)
class _Groups:
    low: Longs
    high: Longs
    counts: Longs
    targets: Longs

    def chosen(self, which: NDArray[np.bool_]) -> _Groups:
        return _Groups(
            self.low[which], self.high[which], self.counts[which], self.targets[np.repeat(which, self.counts)]
        )


def shortlists(lons: Floats, lats: Floats, vectors: Floats, *, two: bool) -> Shortlists:
    """Of n positions in degrees, at least one, and m targets as unit vectors float64[3, m].

    A list holds whatever may be the nearest, or with `two` also whatever may be the second nearest.
    """
    codes = _z_curve(lons, lats)
    order = np.argsort(codes)
    codes, lons, lats = codes[order], lons[order], lats[order]
    whole = np.array([0]), np.array([len(order)]), np.array([vectors.shape[1]]), np.arange(vectors.shape[1])
    open_groups, done = _Groups(*whole), []
    for bits in range(STEP, BITS + 1, STEP):
        parts = _parted(open_groups, codes >> (2 * (BITS - bits)), lons, lats, vectors, two=two)
        ready = (parts.counts <= FEW_TARGETS) | (parts.high - parts.low <= FEW_POSITIONS) | (bits == BITS)
        done.append(parts.chosen(ready))
        open_groups = parts.chosen(~ready)
        if not len(open_groups.low):
            break
    low, high, counts, targets = (np.concatenate([getattr(part, name) for part in done]) for name in _Groups.__slots__)
    return Shortlists(order, low, high, starts(counts), counts, targets)


def unit_vectors(lons: Floats, lats: Floats) -> Floats:
    """float64[3, n] of n positions in degrees."""
    east, north = np.radians(lons), np.radians(lats)
    level = np.cos(north)
    return np.stack([level * np.cos(east), level * np.sin(east), np.sin(north)])


def _z_curve(lons: Floats, lats: Floats) -> NDArray[np.int32]:
    """A number for each position; those that share its higher bits are neighbours. Nothing exact hangs on it."""
    return _apart(_scaled(lons)) | (_apart(_scaled(lats)) << 1)


def _scaled(values: Floats) -> NDArray[np.int32]:
    low, high = values.min(), values.max()
    scale = (2**BITS - 1) / max(float(high - low), 1e-9)
    return np.asarray((values - low) * scale, dtype=np.int32)


def _apart(values: NDArray[np.int32]) -> NDArray[np.int32]:
    """The bits of a 16-bit number on the even places of a 32-bit one."""
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        values = (values | (values << shift)) & np.int32(mask)
    return values


def _parted(
    groups: _Groups, codes: NDArray[np.int32], lons: Floats, lats: Floats, vectors: Floats, *, two: bool
) -> _Groups:
    """The groups, each parted where `codes` change, with the targets that remain."""
    borders = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    group = np.searchsorted(groups.low, borders, side="right") - 1
    within = (group >= 0) & (borders < groups.high[group])
    borders, ends, group = borders[within], np.append(borders[1:], len(codes))[within], group[within]
    centres, radii = _boxes(lons, lats, borders, ends)
    owner, at = spread(starts(groups.counts)[group], groups.counts[group])
    targets = groups.targets[at]
    chords = _chords(centres[:, owner], vectors[:, targets])
    begins = starts(groups.counts[group])
    near = np.minimum.reduceat(chords, begins)
    if two:
        near = _second(chords, begins, owner, near)
    kept = chords <= (near + 2 * radii + SLACK)[owner]
    return _Groups(borders, ends, np.bincount(owner[kept], minlength=len(borders)), targets[kept])


def _second(chords: Floats, begins: Longs, owner: Longs, near: Floats) -> Floats:
    """The second least of each list; infinite where there is only one."""
    least = np.flatnonzero(chords == near[owner])
    others = chords.copy()
    others[least[np.unique(owner[least], return_index=True)[1]]] = np.inf
    return np.asarray(np.minimum.reduceat(others, begins))


def _boxes(lons: Floats, lats: Floats, low: Longs, high: Longs) -> tuple[Floats, Floats]:
    """The centre of the box around each group, as unit vectors, and the chord to its farthest point.

    That is a corner: along a parallel the distance from the centre grows with the difference of longitude, and
    along a meridian its cosine has one maximum, so that it is least at an end.
    """
    west, east = _least(lons, low, high), -_least(-lons, low, high)
    south, north = _least(lats, low, high), -_least(-lats, low, high)
    centres = unit_vectors((west + east) / 2, (south + north) / 2)
    radii = [_chords(centres, unit_vectors(lon, lat)) for lon in (west, east) for lat in (south, north)]
    return centres, np.max(radii, axis=0)


def _least(values: Floats, low: Longs, high: Longs) -> Floats:
    """The least of each range; ranges may leave out what lies between them."""
    borders = np.stack([low, np.minimum(high, len(values) - 1)], axis=1).ravel()
    least: Floats = np.minimum.reduceat(values, borders)[::2]
    least[high == len(values)] = [values[start:].min() for start in low[high == len(values)]]
    return least


def _chords(one: Floats, other: Floats) -> Floats:
    x, y, z = one - other
    return np.asarray(np.sqrt(x * x + y * y + z * z))
