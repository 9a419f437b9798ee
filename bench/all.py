"""`python -m bench.all`: run every benchmark and write docs/benchmarks.md. Ends with 1 when a number does not count."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.reporting import machine, machine_line

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"


@dataclass(frozen=True, slots=True)
class Chapter:
    title: str
    command: str
    aim: str


CHAPTERS = (
    Chapter("Fan-out over LINE", "fanout", "ratio ≥ 0.40, aiming past 0.60; ≥ 200,000/s on a quiet two-core machine"),
    Chapter("Fan-out of the mix", "fanout --mix", "ratio ≥ 0.20, aiming at 0.30"),
    Chapter("First send", "first_send", "p50 ≤ 100 ms, p99 ≤ 300 ms"),
    Chapter("First send behind tourism", "first_send --behind-tourism", "p50 ≤ 100 ms, p99 ≤ 1 s"),
    Chapter("Preemption", "preempt", "ratio ≥ 0.95"),
    Chapter("Shared limits", "limits", "≥ 98 % granted, never more than the limit in any second"),
    Chapter("Scale out", "scale --old-batches 10000000", "ratio ≥ 1.6; no claim waits for another; an index scan"),
    Chapter("People who move", "follow", "exact; 10,000/s; no event loop still for 50 ms; no growth"),
    Chapter("Counting while drawing", "counting", "≤ 20 ms at 1,000,000 subscribers; exact"),
    Chapter("The console", "console", "first content ≤ 1 s; a count ≤ 50 ms there and back at 1,000,000 subscribers"),
    Chapter("The wire", "wire", "every ratio ≥ 0.9; with PIPELINING 5"),
    Chapter("Match", "match", "box ≤ 3 ms, 5,000 vertices ≤ 10 ms, 50,000 ≤ 70 ms; 2 × geoindex-rs, 20 × PostGIS"),
    Chapter("Fences", "fences", "≥ 400,000 updates/s on one core; a single one ≤ 30 µs; ≥ 10 times PostGIS"),
    Chapter("Nearest shelters", "shelters", "1,000,000 people and 2,000 shelters in ≤ 1 s"),
    Chapter("Task queues", "peers", "ratio ≥ 50"),
)
_HEAD = """# Benchmarks

Written by `make bench`; every number was measured in that run. Ratios travel from machine to machine, absolute
numbers do not. A number counts only when each recipient was reached exactly once as the provider saw it, and
every outcome was still there after the database was ended at once and started again.
`fsync` and `synchronous_commit` are on; PostgreSQL, the provider and Todoke share the machine.

{machine}
"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at a hundredth of the size, on standard output only")
    parser.add_argument("--only", nargs="+", default=[], metavar="COMMAND", help="these benchmarks; the others stay")
    arguments = parser.parse_args()
    quick = arguments.quick
    chapters = [chapter for chapter in CHAPTERS if not arguments.only or chapter.command in arguments.only]
    results = [(chapter, _run(chapter, quick=quick)) for chapter in chapters]
    page = _HEAD.format(machine=machine_line(machine())) + "".join(_written(*each) for each in results)
    if arguments.only:
        page = _renewed(PAGE.read_text(encoding="utf-8"), results)
    if quick:
        print(page)
    else:
        PAGE.write_text(page, encoding="utf-8")
    return 0 if all(result.get("counted") for _, result in results) else 1


def _run(chapter: Chapter, *, quick: bool) -> dict[str, Any]:
    """What the benchmark printed, in a process of its own: the lines for people, and its JSON."""
    words = [
        sys.executable,
        "-m",
        "bench",
        *chapter.command.split(),
        *(_SMALL[chapter.title] if quick else ()),
        "--json",
    ]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True, check=False)  # noqa: S603
    *lines, last = done.stdout.strip().splitlines() or [""]
    try:
        result: dict[str, Any] = json.loads(last)
    except json.JSONDecodeError:
        return {"counted": False, "text": [f"It ended with {done.returncode} before it had a number."]}
    return result | {"text": lines}


def _written(chapter: Chapter, result: dict[str, Any]) -> str:
    text = "\n".join(result["text"])
    return f"\n## {chapter.title}\n\n`python -m bench {chapter.command}` · to reach: {chapter.aim}\n\n```text\n{text}\n```\n"


def _renewed(page: str, results: Sequence[tuple[Chapter, dict[str, Any]]]) -> str:
    """The page with some chapters written anew, each saying when and on what."""
    for chapter, result in results:
        start = page.index(f"\n## {chapter.title}\n")
        end = page.find("\n## ", start + 1)
        page = page[:start] + _written(chapter, result) + (page[end:] if end > 0 else "")
    return page


_FEW = ("--recipients", "10000", "--runs", "1")
_SMALL = {
    "Fan-out over LINE": _FEW,
    "Fan-out of the mix": _FEW,
    "First send": ("--audience", "10000", "--places", "100000", "--dispatches", "5"),
    "First send behind tourism": ("--audience", "10000", "--places", "100000", "--dispatches", "5"),
    "Preemption": ("--recipients", "50000", "--runs", "1"),
    "Shared limits": ("--seconds", "3"),
    "Scale out": (*_FEW, "--old-batches", "10000"),
    "People who move": ("--places", "20000", "--seconds", "5", "--rate", "1000"),
    "Counting while drawing": ("--subscribers", "20000", "--asks", "5"),
    "The wire": ("--calls", "500", "--runs", "1"),
    "Match": ("--places", "1000000"),
    "Fences": ("--areas", "100", "--updates", "20000", "--runs", "1"),
    "Nearest shelters": ("--people", "20000", "--runs", "1"),
    "Task queues": (*_FEW, "--tasks", "500"),
}


if __name__ == "__main__":
    sys.exit(main())
