"""The packed R-tree of geoindex-rs with shapely on what it finds: the peer of `bench match`, in .venv-bench.

Nothing of the product is imported. Reads `places.npy` (float64[2, n]) and the areas from a directory, writes
what it found there, and ends with one JSON line: seconds to build, and milliseconds for each area.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import shapely

rtree: Any = import_module("geoindex_rs.rtree")


def main(directory: Path, runs: int) -> None:
    lons, lats = np.load(directory / "places.npy")
    began = time.perf_counter()
    builder = rtree.RTreeBuilder(len(lons))
    builder.add(lons, lats, lons, lats)
    tree = builder.finish()
    build = time.perf_counter() - began
    ms = {path.stem: _measured(tree, (lons, lats), path, runs) for path in sorted(directory.glob("*.wkb"))}
    print(json.dumps({"build_s": build, "ms": ms}))


def _measured(tree: Any, places: Any, path: Path, runs: int) -> float:
    """The better of two ways: all of the area at once, or each of its parts for itself."""
    wkb, best = path.read_bytes(), float("inf")
    for ask in (_whole, _by_part) if len(shapely.get_parts(shapely.from_wkb(wkb))) > 1 else (_whole,):
        times = []
        for _ in range(runs):
            area = shapely.from_wkb(wkb)
            began = time.perf_counter()
            found = ask(tree, places, area)
            times.append((time.perf_counter() - began) * 1e3)
        best = min(best, median(times))
        np.save(path.with_suffix(f".{ask.__name__}.npy"), found)
    return best


def _whole(tree: Any, places: Any, area: Any) -> Any:
    lons, lats = places
    near = np.asarray(rtree.search(tree, *area.bounds))
    shapely.prepare(area)
    return np.sort(near[shapely.intersects_xy(area, lons[near], lats[near])])


def _by_part(tree: Any, places: Any, area: Any) -> Any:
    return np.unique(np.concatenate([_whole(tree, places, part) for part in shapely.get_parts(area)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
