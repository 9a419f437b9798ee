"""Match: how long it takes to find who is in an area, for areas from a box to a zigzag of 50,000 vertices.

What is found is compared with shapely's answer about every single place. Peers answer the same questions in the
same run: the packed R-tree of geoindex-rs with shapely on what it finds (`make bench-peers`), and PostGIS where
a PostgreSQL on this machine has it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from bench.areas import Floats, areas, places
from bench.match_postgis import ask_postgis
from bench.postgis import LeftOut
from bench.reporting import middle, not_counted, progress, significant
from geo.index import PlaceIndex

ROOT = Path(__file__).resolve().parents[1]
PYTHON = ROOT / ".venv-bench" / "bin" / "python"
JUDGED = "30 parts with 50,000 vertices over 2 %"
"""The area whose ratio to the peers counts."""
BUILDS = 3
PATIENCE = 1_800.0
"""Seconds for the R-tree: the star alone takes it several."""

Longs = NDArray[np.int64]


@dataclass(slots=True)
class Found:
    """`ms` by area of each engine, what ours found, and what is wrong with any of it."""

    ms: dict[str, dict[str, float]] = field(default_factory=dict)
    places: dict[str, Longs] = field(default_factory=dict)
    build_s: dict[str, float] = field(default_factory=dict)
    index_bytes: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def add(self, peer: str, build_s: float, ms: dict[str, float], counts: dict[str, int]) -> None:
        """What a peer took, and how many places it found in each area."""
        self.build_s[peer], self.ms[peer] = build_s, ms
        self.wrong += [
            f"{peer} found {count:,} in {name}, not {len(self.places[name]):,}"
            for name, count in counts.items()
            if count != len(self.places[name])
        ]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--places", type=int, default=10_000_000)
    parser.add_argument("--towns", action="store_true", help="half of the places in towns, not evenly spread")
    parser.add_argument("--alone", action="store_true", help="without the peers")
    parser.add_argument("--runs", type=int, default=5, help="of each question; the median counts")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    lons, lats = places(arguments.places, towns=arguments.towns)
    found, asked = Found(), areas()
    _ours(lons, lats, asked, arguments.runs, found)
    _check(lons, lats, asked, found)
    for peer, ask in _PEERS.items() if not arguments.alone else ():
        try:
            found.add(peer, *ask(lons, lats, asked, arguments.runs))
        except LeftOut as reason:
            found.left_out[peer] = str(reason)
            progress(f"{peer} is left out: {reason}")
    return _result(arguments, found)


def _ours(lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], runs: int, found: Found) -> None:
    builds = [_timed(lambda: PlaceIndex(lons, lats))[0] for _ in range(BUILDS - 1)]
    last, index = _timed(lambda: PlaceIndex(lons, lats))
    found.build_s["todoke"], found.index_bytes = middle([*builds, last]) / 1e3, index.nbytes
    found.ms["todoke"] = {}
    for name, area in asked.items():
        # A fresh geometry each time: what shapely prepares once would flatter the next.
        fresh = [shapely.from_wkb(shapely.to_wkb(area)) for _ in range(runs)]
        taken = [_timed(partial(index.within, each)) for each in fresh]
        found.ms["todoke"][name] = middle([ms for ms, _ in taken])
        found.places[name] = taken[-1][1]
        progress(f"{name}: {found.ms['todoke'][name]:.1f} ms, {len(found.places[name]):,} places")


def _check(lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], found: Found) -> None:
    for name, area in asked.items():
        progress(f"asking shapely about each of {len(lons):,} places: {name}")
        shapely.prepare(area)
        if not np.array_equal(found.places[name], np.flatnonzero(shapely.intersects_xy(area, lons, lats))):
            found.wrong.append(f"shapely finds other places in {name}")


def _rtree(
    lons: Floats, lats: Floats, asked: dict[str, BaseGeometry], runs: int
) -> tuple[float, dict[str, float], dict[str, int]]:
    """Seconds to build it, milliseconds and places by area, in a process of its own."""
    if not PYTHON.exists():
        raise LeftOut("there is no .venv-bench; `make bench-peers` makes it")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        np.save(directory / "places.npy", np.stack([lons, lats]))
        stems = {f"{number:02d}": name for number, name in enumerate(asked)}
        for stem, each in stems.items():
            (directory / f"{stem}.wkb").write_bytes(shapely.to_wkb(asked[each]))
        said = json.loads(_worker(directory, runs))
        counts = {each: len(np.load(directory / f"{stem}._whole.npy")) for stem, each in stems.items()}
    return said["build_s"], {each: said["ms"][stem] for stem, each in stems.items()}, counts


def _worker(directory: Path, runs: int) -> str:
    words = [str(PYTHON), str(Path(__file__).with_name("match_rtree.py")), str(directory), str(runs)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE)  # noqa: S603
    if done.returncode:
        raise LeftOut((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return done.stdout.strip().splitlines()[-1]


_PEERS = {"geoindex-rs": _rtree, "PostGIS": ask_postgis}


def _timed(what: Callable[[], Any]) -> tuple[float, Any]:
    """Milliseconds, and what came of it."""
    began = time.perf_counter()
    result = what()
    return (time.perf_counter() - began) * 1e3, result


def _result(arguments: argparse.Namespace, found: Found) -> dict[str, Any]:
    ours = found.ms["todoke"][JUDGED]
    ratios = {
        peer: significant(ms[JUDGED] / ours) for peer, ms in found.ms.items() if peer != "todoke" and JUDGED in ms
    }
    result = {
        "ratio": ratios.get("geoindex-rs"),
        "ratios": ratios,
        "places": arguments.places,
        "towns": arguments.towns,
        "runs": arguments.runs,
        "build_s": {name: significant(seconds) for name, seconds in found.build_s.items()},
        "index_mb": round(found.index_bytes / 1e6),
        "ms": {name: {area: significant(ms) for area, ms in each.items()} for name, each in found.ms.items()},
        "found": {name: len(each) for name, each in found.places.items()},
        "left_out": found.left_out,
    }
    checked = not_counted(result, found.wrong)
    return checked | {"lines": _lines(checked)}


def _lines(result: dict[str, Any]) -> list[str]:
    spread = "half in towns" if result["towns"] else "evenly spread"
    engines = list(result["ms"])
    lines = [
        f"match among {result['places']:,} places, {spread}, median of {result['runs']}, ms; each place checked by shapely",
        _row("", ["found", *engines]),
    ]
    for area, found in result["found"].items():
        lines.append(_row(area, [f"{found:,}", *(_said(result["ms"][name].get(area)) for name in engines)]))
    lines.append(_row("built in, s", ["", *(f"{result['build_s'][name]:g}" for name in engines)]))
    lines.append(f"  index: {result['index_mb']:,} MB, its own copy of the coordinates included")
    lines += [f"  {JUDGED}: {ratio:g} times as fast as {peer}" for peer, ratio in result["ratios"].items()]
    lines += [f"  {name}: left out ({reason})" for name, reason in result["left_out"].items()]
    return lines


def _said(ms: float | None) -> str:
    return f"{ms:,g}" if ms is not None else "over a minute"


def _row(title: str, cells: Sequence[str]) -> str:
    return f"  {title:<42}" + "".join(f"{cell:>15}" for cell in cells)
