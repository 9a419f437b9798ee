"""One row of the subscribers' file as values, or everything that is wrong with it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

from geo.japan import EAST, NORTH, SOUTH, WEST, swapped
from subscribers.addresses import normal_address
from subscribers.topics import split_topics
from words.languages import LANGUAGES, normalise
from words.problem import Problem, Refused

HOME = "home"
"""The name of a place that has none."""

CONTACT_COLUMNS = {"line": "line_user_id", "phone": "phone", "email": "email"}
LONGEST_NAME = 200
"""Characters of an id or a place's name; more is a slipped column."""

_DECIMAL = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]*)?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f]")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Row:
    """What one row says: None and nothing where a cell is blank."""

    line: int
    id: str
    language: str | None
    topics: frozenset[str] | None
    contacts: dict[str, str]
    place: str
    lon: float
    lat: float


def parse_row(line: int, cells: dict[str, str]) -> Row:
    """The row with normal addresses. Raises Refused with all its problems; `where` is the column."""
    problems: list[Problem] = []

    def take(read: Callable[[], _T], default: _T) -> _T:
        try:
            return read()
        except Refused as refused:
            problems.extend(refused.problems)
            return default

    lon, lat = take(lambda: _position(cells["lat"], cells["lon"]), (0.0, 0.0))
    row = Row(
        line,
        take(lambda: _name(cells["id"], "id"), ""),
        take(lambda: _language(cells["language"]), None) if cells["language"] else None,
        take(lambda: _topics(cells["topics"]), None) if cells["topics"] else None,
        {kind: found for kind, column in CONTACT_COLUMNS.items() if (found := take(_contact(kind, cells[column]), ""))},
        take(lambda: _name(cells["place"] or HOME, "place"), ""),
        lon,
        lat,
    )
    if problems:
        raise Refused(problems)
    return row


def _contact(kind: str, cell: str) -> Callable[[], str]:
    return lambda: normal_address(kind, cell, where=CONTACT_COLUMNS[kind]) if cell else ""


def _name(cell: str, column: str) -> str:
    if not cell:
        raise Refused(_no_id())
    if len(cell) > LONGEST_NAME or _UNPRINTABLE.search(cell):
        raise Refused(_bad_name(column))
    return cell


@lru_cache(maxsize=256)
def _language(cell: str) -> str:
    try:
        return normalise(cell)
    except Refused:
        # Said in our own words: a slipped column would put an address into the sentence.
        raise Refused(_unknown_language()) from None


def _topics(cell: str) -> frozenset[str]:
    if _UNPRINTABLE.search(cell):
        raise Refused(_bad_name("topics"))
    return split_topics(cell)


def _position(lat_cell: str, lon_cell: str) -> tuple[float, float]:
    """Lon and lat in degrees, in Japan's box."""
    lat, lon = _degrees(lat_cell, "lat"), _degrees(lon_cell, "lon")
    if WEST <= lon <= EAST and SOUTH <= lat <= NORTH:
        return lon, lat
    raise Refused(_swapped() if swapped(lon, lat) else _outside())


def _degrees(cell: str, column: str) -> float:
    plain = unicodedata.normalize("NFKC", cell)
    if not _DECIMAL.fullmatch(plain):
        raise Refused(_no_degrees(column))
    return float(plain)


def _no_id() -> Problem:
    return Problem(
        "row.id_missing",
        "id",
        "id が空です。登録者ごとに一つの id を書いてください。",
        "The id is empty. Give each subscriber one id.",
    )


def _bad_name(column: str) -> Problem:
    return Problem(
        "row.name",
        column,
        f"長すぎるか、制御文字が入っています。{LONGEST_NAME} 文字までの普通の文字で書いてください。",
        f"This is too long or has control characters. Use up to {LONGEST_NAME} ordinary characters.",
    )


def _unknown_language() -> Problem:
    listed = ", ".join(LANGUAGES)
    return Problem(
        "row.language_unknown",
        "language",
        f"使える言語ではありません。{listed} のどれかを書いてください。",
        f"This is not a language Todoke knows. Write one of {listed}.",
    )


def _no_degrees(column: str) -> Problem:
    return Problem(
        "row.degrees",
        column,
        "緯度・経度は 34.6021 のような 10 進数の度で書いてください。空欄にはできません。",
        "Latitude and longitude are decimal degrees such as 34.6021 and cannot be blank.",
    )


def _swapped() -> Problem:
    return Problem(
        "row.swapped",
        "lat",
        "緯度(lat)と経度(lon)が入れ替わっています。日本の緯度は 20〜46、経度は 122〜154 です。",
        "Latitude (lat) and longitude (lon) are swapped. In Japan lat is 20 to 46 and lon 122 to 154.",
    )


def _outside() -> Problem:
    return Problem(
        "row.outside",
        "lat",
        "日本の外の位置です。緯度は 20〜46、経度は 122〜154 で書いてください。",
        "This position is outside Japan: lat is 20 to 46 and lon 122 to 154.",
    )
