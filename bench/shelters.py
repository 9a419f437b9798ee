"""Shelters: how long it takes to find the nearest of thousands for a whole city, and to share them out by capacity.

The nearest is compared with all pairs, measured one by one, for some of the people; the shares with the capacities.
Half of the people and all of the shelters stand in towns; some shelters share a building.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.reporting import middle, not_counted, progress, significant
from geo.distance import metres
from geo.nearest import nearest
from geo.sharing import shared

Floats = NDArray[np.float64]
Longs = NDArray[np.int64]

WEST, SOUTH, SIDE = 133.2, 34.1, 1.0
TOWNS, TOWN_WIDTH = 300, 0.01
TWINS = 0.1
"""Of the shelters: so many stand where another does."""

CHECKED = 10_000
ROOM = 1.1
"""Capacity of all shelters together, per person."""

_SEED = 99_201


@dataclass(frozen=True, slots=True)
class _City:
    lons: Floats
    lats: Floats
    to_lons: Floats
    to_lats: Floats
    capacities: Longs


@dataclass(slots=True)
class _Found:
    nearest_s: list[float] = field(default_factory=list)
    nearest_cpu_s: list[float] = field(default_factory=list)
    shared_s: list[float] = field(default_factory=list)
    pairs_s: list[float] = field(default_factory=list)
    near_m: float = 0.0
    shared_m: float = 0.0
    wrong: list[str] = field(default_factory=list)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--shelters", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    city, found = _city(arguments.people, arguments.shelters), _Found()
    some = np.random.default_rng(_SEED).permutation(arguments.people)[:CHECKED]
    for number in range(1, arguments.runs + 1):
        progress(f"run {number}")
        cpu = process_time()
        rows, far = _timed(found.nearest_s, nearest, city.lons, city.lats, city.to_lons, city.to_lats)
        found.nearest_cpu_s.append(process_time() - cpu)
        _check_nearest(city, some, rows, far, found)
        placed, away = _timed(found.shared_s, shared, city.lons, city.lats, city.to_lons, city.to_lats, city.capacities)
        _check_shares(city, placed, found)
        found.near_m, found.shared_m = float(far.mean()), float(away.mean())
    return _result(arguments, found, len(some))


def _city(people: int, shelters: int) -> _City:
    chance = np.random.default_rng(_SEED)
    towns = chance.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (TOWNS, 2))
    homes = chance.uniform((WEST, SOUTH), (WEST + SIDE, SOUTH + SIDE), (people, 2))
    homes[: people // 2] = towns[chance.integers(TOWNS, size=people // 2)] + chance.normal(
        0, TOWN_WIDTH, (people // 2, 2)
    )
    sites = towns[chance.integers(TOWNS, size=shelters)] + chance.normal(0, TOWN_WIDTH, (shelters, 2))
    twins = int(shelters * TWINS)
    sites[:twins] = sites[shelters - twins :]
    capacities = chance.multinomial(int(people * ROOM), chance.dirichlet(np.full(shelters, 2.0)))
    (lons, lats), (to_lons, to_lats) = homes.T.copy(), sites.T.copy()
    return _City(lons, lats, to_lons, to_lats, capacities)


def _timed(seconds: list[float], what: Any, *given: Any) -> tuple[Longs, Floats]:
    began = perf_counter()
    rows, far = what(*given)
    seconds.append(perf_counter() - began)
    return rows, far


def _check_nearest(city: _City, some: Longs, rows: Longs, far: Floats, found: _Found) -> None:
    began = perf_counter()
    wrong = 0
    for part in np.array_split(some, max(len(some) // 500, 1)):
        every = metres(city.lons[part][:, None], city.lats[part][:, None], city.to_lons[None, :], city.to_lats[None, :])
        wrong += int(((every.argmin(axis=1) != rows[part]) | (every.min(axis=1) != far[part])).sum())
    found.pairs_s.append(perf_counter() - began)
    if wrong:
        found.wrong.append(f"for {wrong:,} of {len(some):,} people all pairs find another shelter or distance")


def _check_shares(city: _City, placed: Longs, found: _Found) -> None:
    load = np.bincount(placed, minlength=len(city.capacities))
    if (load > city.capacities).any() and (load < city.capacities).any():
        found.wrong.append("a shelter overflows while another has room")
    if load.sum() != len(city.lons):
        found.wrong.append("somebody is sent nowhere")


def _result(arguments: argparse.Namespace, found: _Found, checked: int) -> dict[str, Any]:
    ours, pairs = middle(found.nearest_s), middle(found.pairs_s) * arguments.people / checked
    result = {
        "ratio": significant(pairs / ours),
        "people": arguments.people,
        "shelters": arguments.shelters,
        "runs": arguments.runs,
        "nearest_s": significant(ours),
        "nearest_cpu_s": significant(middle(found.nearest_cpu_s)),
        "shared_s": significant(middle(found.shared_s)),
        "all_pairs_s": significant(pairs),
        "checked": checked,
        "mean_m": round(found.near_m),
        "mean_shared_m": round(found.shared_m),
    }
    judged = not_counted(result, found.wrong)
    lines = [
        f"{arguments.people:,} people, {arguments.shelters:,} shelters; {checked:,} people compared with all pairs",
        f"nearest: {ours:.2f} s ({middle(found.nearest_cpu_s):.2f} s of processor time), {round(found.near_m):,} m on average",
        f"shared out by capacity: {middle(found.shared_s):.2f} s, {round(found.shared_m):,} m on average",
        f"all pairs would take {pairs:,.0f} s, {pairs / ours:,.0f} times as long",
    ]
    return judged | {"lines": lines}
