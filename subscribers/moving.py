"""Where subscribers are now: written in sets, many in one statement, whoever says it (LINE, an app, the API)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from geo.japan import inside, swapped
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_MOVE = sql("subscribers", "move")
_FORGET = sql("subscribers", "forget_positions")
_DELETE_OLD = sql("subscribers", "delete_old_positions")

KEPT_AFTER_END = timedelta(minutes=10)
"""How long an expired position may still lie in the database: more than the clocks of two machines are ever apart."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where a subscriber (by number) is, in degrees, and until when to believe it (with a time zone)."""

    subscriber: int
    lon: float
    lat: float
    expires_at: datetime


async def move(pool: Pool, positions: Sequence[Position]) -> int:
    """Store where people are now, in place of where they were; from the commit on every match sees it.

    Of several positions of one subscriber the last counts. Returns how many people it was stored for: whoever has
    left, or never was, is skipped. Raises Refused, with nothing stored, when a position is not one in Japan; ValueError
    when a time has no zone.
    """
    _check(positions)
    last = {position.subscriber: position for position in positions}.values()
    moved: int = await pool.fetchval(
        _MOVE,
        [position.subscriber for position in last],
        [position.lon for position in last],
        [position.lat for position in last],
        [position.expires_at for position in last],
    )
    return moved


async def forget(pool: Pool, subscribers: Iterable[int]) -> None:
    """From the commit on nobody is matched by where they are now, until they say so again."""
    await pool.execute(_FORGET, list(subscribers))


async def delete_old(pool: Pool) -> None:
    """Take away positions that expired a while ago; several processes may do so at once."""
    await pool.execute(_DELETE_OLD, KEPT_AFTER_END)


def _check(positions: Sequence[Position]) -> None:
    if any(position.expires_at.tzinfo is None for position in positions):
        raise ValueError("a time needs a time zone")
    problems = [problem for number, position in enumerate(positions) for problem in _problems(number, position)]
    if problems:
        raise Refused(problems)


def _problems(number: int, position: Position) -> Iterator[Problem]:
    lon, lat = position.lon, position.lat
    if not (math.isfinite(lon) and math.isfinite(lat)):
        yield _no_degrees(f"/{number}")
    elif not inside(lon, lat):
        yield _swapped(f"/{number}") if swapped(lon, lat) else _outside(f"/{number}")


def _no_degrees(where: str) -> Problem:
    return Problem(
        "position.degrees",
        where,
        "緯度か経度が数ではありません。34.6021 のような 10 進数の度で送ってください。位置はひとつも保存していません。",
        "Latitude or longitude is not a number. Send decimal degrees such as 34.6021; no position was stored.",
    )


def _swapped(where: str) -> Problem:
    return Problem(
        "position.swapped",
        where,
        "緯度と経度が入れ替わっています。日本の緯度は 20〜46、経度は 122〜154 です。位置はひとつも保存していません。",
        "Latitude and longitude are swapped. In Japan the latitude is 20 to 46 and the longitude 122 to 154; "
        "no position was stored.",
    )


def _outside(where: str) -> Problem:
    return Problem(
        "position.outside",
        where,
        "日本の外の位置です。緯度は 20〜46、経度は 122〜154 で送ってください。位置はひとつも保存していません。",
        "This position is outside Japan: the latitude is 20 to 46 and the longitude 122 to 154. No position was stored.",
    )
