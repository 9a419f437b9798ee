"""`make-town`: a believable subscribers file for any boundary, the same for the same seed."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from todoke.town import people
from todoke.town.ground import DECIMALS, Draw, Floats, Ground, read_ground, read_shelter_points
from todoke.town.settlements import Settlements, homes, near_centres, settlements

COLUMNS = ("id", "language", "topics", "line_user_id", "phone", "email", "place", "lat", "lon")
TOPIC_SEPARATOR = ";"
SECOND_PLACE, THIRD_PLACE = 0.30, 0.05
"""Shares of people with at least two and with three places."""
OTHER_PLACES = ("職場", "学校", "実家")
OTHER_SHARES = (0.55, 0.20, 0.25)
FILE_NAME = "subscribers.csv"

Place = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class TownSummary:
    """What was written: people, rows (one a place), and people by contact kind, language and topic."""

    file: str
    subscribers: int
    rows: int
    contacts: dict[str, int]
    languages: dict[str, int]
    topics: dict[str, int]

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Columns:
    ids: list[str]
    languages: list[str]
    topics: list[str]
    contacts: dict[str, list[str]]
    places: list[list[Place]]


def make_town(boundary: Path, shelters: Path | None, subscribers: int, seed: int, out: Path) -> TownSummary:
    """Write `out`/subscribers.csv for the town inside `boundary`. Raises Refused when an input cannot be read."""
    ground = read_ground(boundary)
    points = read_shelter_points(shelters) if shelters else np.empty((0, 2))
    rng = np.random.default_rng(seed)
    columns = _people(ground, settlements(ground, points, rng), subscribers, _prefix(boundary), rng)
    out.mkdir(parents=True, exist_ok=True)
    return _write(out / FILE_NAME, columns)


def _prefix(boundary: Path) -> str:
    return re.sub(r"[^a-z0-9]+", "-", boundary.stem.lower()).strip("-") or "town"


def _people(ground: Ground, towns: Settlements, count: int, prefix: str, rng: np.random.Generator) -> _Columns:
    return _Columns(
        ids=[f"{prefix}-{number:06d}" for number in range(1, count + 1)],
        languages=people.pick(rng, people.LANGUAGES, count),
        topics=people.topics(rng, count, TOPIC_SEPARATOR),
        contacts=_contacts(rng, count),
        places=_places(ground, towns, count, rng),
    )


def _contacts(rng: np.random.Generator, count: int) -> dict[str, list[str]]:
    has = people.contact_kinds(rng, count)
    write = {"line": people.line_user_ids, "phone": people.phones, "email": people.mailboxes}
    return {
        kind: [address if owned else "" for address, owned in zip(write[kind](rng, count), has[kind], strict=True)]
        for kind in write
    }


def _places(ground: Ground, towns: Settlements, count: int, rng: np.random.Generator) -> list[list[Place]]:
    """Everyone's home first; then, for some, one or two of the other kinds, none twice."""
    lons, lats = ground.fill(count, homes(ground, towns, rng))
    places: list[list[Place]] = [[("自宅", lon, lat)] for lon, lat in zip(lons.tolist(), lats.tolist(), strict=True)]
    several = rng.random(count)
    kinds = _orders_of_kinds(rng, count)
    for rank, share in enumerate((SECOND_PLACE, THIRD_PLACE)):
        for place, draw in zip(OTHER_PLACES, _draws(ground, towns, rng), strict=True):
            chosen = np.flatnonzero((several < share) & (kinds[:, rank] == OTHER_PLACES.index(place)))
            _append(places, chosen, place, ground.fill(len(chosen), draw))
    return places


def _orders_of_kinds(rng: np.random.Generator, count: int) -> people.Longs:
    """Per person the other kinds of place in the order they come, by weighted drawing without replacement."""
    keys = rng.random((count, len(OTHER_PLACES))) ** (1 / np.array(OTHER_SHARES))
    return np.argsort(-keys, axis=1)


def _draws(ground: Ground, towns: Settlements, rng: np.random.Generator) -> tuple[Draw, Draw, Draw]:
    return (
        near_centres(ground, towns, rng, pull=2.0),
        near_centres(ground, towns, rng, pull=1.3),
        homes(ground, towns, rng),
    )


def _append(places: list[list[Place]], chosen: people.Longs, name: str, points: tuple[Floats, Floats]) -> None:
    for person, lon, lat in zip(chosen.tolist(), points[0].tolist(), points[1].tolist(), strict=True):
        places[person].append((name, lon, lat))


def _write(path: Path, columns: _Columns) -> TownSummary:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(_rows(columns))
    return TownSummary(
        file=str(path),
        subscribers=len(columns.ids),
        rows=sum(map(len, columns.places)),
        contacts={kind: sum(map(bool, addresses)) for kind, addresses in columns.contacts.items()},
        languages=dict(Counter(columns.languages).most_common()),
        topics=dict(Counter(topic for own in columns.topics for topic in own.split(TOPIC_SEPARATOR) if topic)),
    )


def _rows(columns: _Columns) -> Iterator[tuple[str, ...]]:
    own = zip(columns.ids, columns.languages, columns.topics, *columns.contacts.values(), strict=True)
    for person, places in zip(own, columns.places, strict=True):
        for name, lon, lat in places:
            yield (*person, name, f"{lat:.{DECIMALS}f}", f"{lon:.{DECIMALS}f}")
