"""Fences: how many moving places a second are told which of thousands of areas hold them, on one core.

What is found is compared with shapely, also on corners and in the middle of edges. Peers answer about the same areas
in the same run: shapely's R-tree with its own exact test, and PostGIS, with areas whole or in pieces, whichever is
faster, where a PostgreSQL on this machine has it.
"""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import asyncpg
import numpy as np
import shapely
from numpy.typing import NDArray

from bench.postgis import USER, LeftOut, postgis
from bench.reporting import middle, not_counted, progress, significant
from geo.area import Area
from geo.fences import Fences
from words.sql import sql

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

WEST, SOUTH, SIDE = 133.2, 34.1, 1.0
SMALLEST, LARGEST = 0.003, 0.03
"""Radii in degrees: a block of houses to a district."""

RAGGED = 0.05
"""How far corners stand in or out, of the radius."""

SINGLES = 20_000
CHECKED = 50_000
PEER_UPDATES = 20_000
PATIENCE = 600.0
_SEED = 99_201

_FENCES = sql("bench", "postgis_fences")
_INDEXES = (sql("bench", "postgis_pieces"), "create index on fence using gist (geom)",
            "create index on piece using gist (geom)", "vacuum analyze fence, piece")  # fmt: skip
_FORMS = (sql("bench", "postgis_around"), sql("bench", "postgis_around_pieces"))


@dataclass(slots=True)
class Found:
    build_s: float = 0.0
    rates: list[float] = field(default_factory=list)
    cpu_rates: list[float] = field(default_factory=list)
    singles_us: list[float] = field(default_factory=list)
    held: int = 0
    peers: dict[str, float] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--areas", type=int, default=2_000)
    parser.add_argument("--corners", type=int, default=500, help="of each area")
    parser.add_argument("--updates", type=int, default=1_000_000)
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--runs", type=int, default=3)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    chance = np.random.default_rng(_SEED)
    areas = [_area(chance, arguments.corners) for _ in range(arguments.areas)]
    lons, lats = chance.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (arguments.updates, 2)).T.copy()
    found = Found()
    fences = _ours(areas, lons, lats, arguments.runs, found)
    _check(fences, areas, lons, lats, found)
    if not arguments.alone:
        _ask_peers(fences, areas, lons[:PEER_UPDATES], lats[:PEER_UPDATES], arguments.runs, found)
    return _result(arguments, found)


def _area(chance: np.random.Generator, corners: int) -> Area:
    radius = np.exp(chance.uniform(np.log(SMALLEST), np.log(LARGEST)))
    turn = np.arange(corners) * 2 * np.pi / corners
    bays = 0.3 * np.sin(chance.integers(2, 7) * turn + chance.uniform(0, 6))
    away = radius * (1 + bays + chance.uniform(-RAGGED, RAGGED, corners))
    centre = chance.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE))
    return Area.of(shapely.Polygon(centre + away[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)))


def _ours(areas: list[Area], lons: Floats, lats: Floats, runs: int, found: Found) -> Fences:
    began = perf_counter()
    fences = Fences(areas)
    found.build_s = perf_counter() - began
    some = list(zip(lons[:SINGLES].tolist(), lats[:SINGLES].tolist(), strict=True))
    for _ in range(runs):
        began, cpu = perf_counter(), process_time()
        places, _ = fences.around_each(lons, lats)
        found.rates.append(len(lons) / (perf_counter() - began))
        found.cpu_rates.append(len(lons) / (process_time() - cpu))
        found.held = len(places)
        began = perf_counter()
        for lon, lat in some:
            fences.around(lon, lat)
        found.singles_us.append((perf_counter() - began) / len(some) * 1e6)
    progress(f"{middle(found.rates):,.0f} updates a second, {middle(found.singles_us):.1f} µs for a single one")
    return fences


def _check(fences: Fences, areas: list[Area], lons: Floats, lats: Floats, found: Found) -> None:
    """Some of the updates, and as many places on edges, where an error would show."""
    progress("asking shapely about some of the updates, and about places on corners and edges")
    corners = np.concatenate([shapely.get_coordinates(area.geometry) for area in areas])
    edges = np.concatenate([corners, (corners[1:] + corners[:-1]) / 2])
    edges = edges[np.random.default_rng(_SEED).permutation(len(edges))[:CHECKED]]
    x, y = np.concatenate([lons[:CHECKED], edges[:, 0]]), np.concatenate([lats[:CHECKED], edges[:, 1]])
    expected = _by_shapely(shapely.STRtree([area.geometry for area in areas]), x, y)
    if not np.array_equal(np.stack(fences.around_each(x, y)), expected):
        found.wrong.append("shapely finds other areas")
    some = range(0, len(x), max(len(x) // SINGLES, 1))
    if any(
        fences.around(x[i], y[i]) != expected[1, slice(*np.searchsorted(expected[0], [i, i + 1]))].tolist()
        for i in some
    ):
        found.wrong.append("a single update finds other areas than shapely")


def _by_shapely(tree: shapely.STRtree, lons: Floats, lats: Floats) -> Longs:
    pairs = tree.query(shapely.points(lons, lats), predicate="intersects")
    return np.asarray(pairs[:, np.lexsort((pairs[1], pairs[0]))])


def _ask_peers(fences: Fences, areas: list[Area], lons: Floats, lats: Floats, runs: int, found: Found) -> None:
    held = len(fences.around_each(lons, lats)[0])
    tree = shapely.STRtree([area.geometry for area in areas])
    for area in areas:
        shapely.prepare(area.geometry)
    taken = []
    for _ in range(runs):
        began = perf_counter()
        tree.query(shapely.points(lons, lats), predicate="intersects")
        taken.append(perf_counter() - began)
    found.peers["shapely"] = len(lons) / middle(taken)
    try:
        with postgis() as socket:
            found.peers["PostGIS"], counted = asyncio.run(_postgis(socket, areas, lons, lats, runs))
    except LeftOut as reason:
        found.left_out["PostGIS"] = str(reason)
        progress(f"PostGIS is left out: {reason}")
        return
    if counted != held:
        found.wrong.append(f"PostGIS found {counted:,} times that an area holds a place, not {held:,}")


async def _postgis(socket: Path, areas: list[Area], lons: Floats, lats: Floats, runs: int) -> tuple[float, int]:
    """Updates a second in its faster form, and how often an area held one."""
    connection = await asyncpg.connect(host=str(socket), user=USER, database=USER, command_timeout=PATIENCE)
    try:
        await connection.execute("create extension postgis")
        await connection.execute(_FENCES, list(range(len(areas))), [area.wkb for area in areas])
        for statement in _INDEXES:
            await connection.execute(statement)
        taken: dict[str, list[float]] = {form: [] for form in _FORMS}
        for form in [*_FORMS] * runs:
            began = perf_counter()
            counted = await connection.fetchval(form, lons.tolist(), lats.tolist())
            taken[form].append(perf_counter() - began)
        return len(lons) / min(map(middle, taken.values())), counted
    finally:
        await connection.close()


def _result(arguments: argparse.Namespace, found: Found) -> dict[str, Any]:
    rate, cpu_rate, single = middle(found.rates), middle(found.cpu_rates), middle(found.singles_us)
    peer = "PostGIS" if "PostGIS" in found.peers else "shapely"
    result = {
        "ratio": significant(rate / found.peers[peer]) if found.peers else None,
        "peer": peer if found.peers else None,
        "areas": arguments.areas,
        "corners": arguments.corners,
        "updates": arguments.updates,
        "runs": arguments.runs,
        "rate": round(rate),
        "rate_of_cpu": round(cpu_rate),
        "single_us": significant(single),
        "build_s": significant(found.build_s),
        "held": found.held,
        "peers": {name: round(each) for name, each in found.peers.items()},
        "left_out": found.left_out,
    }
    checked = not_counted(result, found.wrong)
    return checked | {"lines": _lines(checked)}


def _lines(result: dict[str, Any]) -> list[str]:
    peers = [
        f"{name}: {rate:,} updates/s, ours is {result['rate'] / rate:.1f} times that"
        for name, rate in result["peers"].items()
    ]
    absent = [f"{name} is left out: {why}" for name, why in result["left_out"].items()]
    return [
        f"{result['areas']:,} areas of {result['corners']:,} corners, built in {result['build_s']:.2f} s",
        f"{result['updates']:,} updates, {result['held']:,} times held",
        f"in bulk: {result['rate']:,} updates/s ({result['rate_of_cpu']:,} per second of processor time)",
        f"a single one: {result['single_us']:.1f} µs",
        *peers,
        *absent,
    ]
