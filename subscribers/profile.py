"""What is stored of one subscriber, but for their addresses; and where numbered places are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_PROFILE = sql("subscribers", "profile")
_PLACES = sql("subscribers", "profile_places")
_CONTACTS = sql("subscribers", "profile_contacts")
_POINTS = sql("subscribers", "place_points")


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that has not expired, in degrees."""

    number: int
    name: str
    lon: float
    lat: float


@dataclass(frozen=True, slots=True)
class Profile:
    """`kinds` are the kinds of contact that are open: `line`, `phone`, `email`."""

    number: int
    language: str
    left_at: datetime | None
    topics: Sequence[str]
    places: Sequence[NamedPlace]
    kinds: Sequence[str]


async def profile(pool: Pool, subscriber_id: str) -> Profile | None:
    """As it is now; None when nobody ever had this id."""
    row = await pool.fetchrow(_PROFILE, subscriber_id)
    if row is None:
        return None
    places = await pool.fetch(_PLACES, row["number"])
    kinds = [contact["kind"] for contact in await pool.fetch(_CONTACTS, row["number"])]
    return Profile(**dict(row), places=[NamedPlace(**dict(place)) for place in places], kinds=kinds)


async def place_points(pool: Pool, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """(lon, lat) of every numbered place, in the order asked for; NaN where it has been removed since."""
    rows = await pool.fetch(_POINTS, np.unique(places).tolist())
    numbers = np.array([row["number"] for row in rows], np.int64)
    points = np.array([(row["lon"], row["lat"]) for row in rows], np.float64).reshape(-1, 2)
    found = np.full((len(places), 2), np.nan)
    if len(numbers):
        at = np.searchsorted(numbers, places).clip(max=len(numbers) - 1)
        known = numbers[at] == places
        found[known] = points[at[known]]
    return found
