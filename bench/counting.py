"""Counting: how long whoever draws waits for the numbers of an area, and whether they are those of everybody written out."""

from __future__ import annotations

import argparse
import asyncio
from time import perf_counter
from typing import Any

import numpy as np
import shapely
from asyncpg import Pool

from bench.follow import spread_out
from bench.people import CENTRE, Size
from bench.reporting import not_counted, percentile, progress
from bench.town import open_town
from dispatcher.counting import Count, Counter, Survey, count
from dispatcher.drafting import Plan
from dispatcher.gazetteer import board
from dispatcher.model import Delivery
from dispatcher.routing import Variants, route
from geo.area import Area
from subscribers.columns import Columns, open_audience

KINDS = {"line": "line", "sms": "phone", "email": "email"}
SHARES = (0.01, 0.10, 0.50)
CORNERS = 1_000
STEP = 1e-4
"""Degrees that the hand moves between two questions: ten metres."""
MOST_MS = 20.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--asks", type=int, default=50, help="questions for each size of area")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    return asyncio.run(_measure(arguments))


async def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    people = arguments.subscribers
    async with open_town(Size(people, max(people // 10, 1), people, mix=True)) as town, town.pool(2) as pool:
        progress("everybody is somewhere, and at home")
        await spread_out(pool)
        audience = await open_audience(pool)
        counter = Counter(pool, audience, KINDS)
        first = await _timed(counter, _area(0.1, 0.0))
        rows, wrong = [], []
        for share in SHARES:
            row, found = await _asked(pool, audience, counter, share, arguments.asks)
            rows.append(row)
            wrong += found
    worst = max(row["p50_ms"] for row in rows)
    result = {
        "subscribers": people,
        "first_ms": round(first[0] * 1e3),
        "areas": rows,
        "ratio": round(MOST_MS / worst, 2),
    }
    checked = not_counted(result, wrong)
    return checked | {"lines": _lines(checked)}


async def _asked(
    pool: Pool, audience: Columns, counter: Counter, share: float, asks: int
) -> tuple[dict[str, Any], list[str]]:
    degrees = await asyncio.to_thread(_radius, audience, share)
    areas = [_area(degrees, step * STEP) for step in range(asks)]
    times = [(await _timed(counter, area))[0] * 1e3 for area in areas]
    _, last = await _timed(counter, areas[-1])
    wanted = await _written_out(pool, audience, areas[-1])
    row = {
        "people": last.count.people,
        "p50_ms": round(percentile(times, 50), 1),
        "p99_ms": round(percentile(times, 99), 1),
        "unreached": last.reach.get((), 0),
        "shelters": len(last.count.shelters),
    }
    return row, [] if last.count == wanted else [f"counted {last.count}, written out {wanted}"]


async def _timed(counter: Counter, area: Area) -> tuple[float, Survey]:
    began = perf_counter()
    found = await counter.survey(area)
    return perf_counter() - began, found


async def _written_out(pool: Pool, audience: Columns, area: Area) -> Count:
    """The count of a plan that names everybody."""
    match, shelters = audience.match(area), await board(pool)
    near = Variants(shelters.nearest(match.lons, match.lats)[0].astype(np.int32), np.zeros(len(match), np.int32))
    return count(Plan(match, route(match, KINDS, Delivery.ALL), dict.fromkeys(KINDS, near), shelters))


def _radius(audience: Columns, share: float) -> float:
    """Of the circle around the centre that so many have a place in."""
    low, high = 0.0, 2.0
    wanted = share * len(audience)
    for _ in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if len(audience.match(_area(middle, 0.0))) < wanted else (low, middle)
    return high


def _area(degrees: float, east: float) -> Area:
    """A circle with as many corners as a careful hand draws."""
    turn = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    ring = np.stack([CENTRE[0] + east + degrees * np.cos(turn), CENTRE[1] + degrees * np.sin(turn)], axis=1)
    return Area.of(shapely.Polygon(ring))


def _lines(result: dict[str, Any]) -> list[str]:
    return [
        f"counting, {result['subscribers']:,} subscribers who each have a home and a position, areas of {CORNERS:,} corners",
        *(
            f"  {row['people']:>9,} people: p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms; "
            f"{row['unreached']:,} of them reached by nothing, {row['shelters']} shelters"
            for row in result["areas"]
        ),
        f"  the first question, which works out everybody's nearest shelter: {result['first_ms']} ms",
    ]
