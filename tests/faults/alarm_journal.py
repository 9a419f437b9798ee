"""The town's own alarm command, as rows have it: writes down every notice and when it came."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.faults.stage import Broken

PAGER = "import sys, time; open(sys.argv[1], 'a').write(f'{time.time()} ' + sys.stdin.read() + chr(10))"
"""Run as `python -c PAGER journal`, with a notice on its standard input."""


def notices(journal: Path) -> list[tuple[float, dict[str, Any]]]:
    """Seconds since the epoch, and what was told."""
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    return [(float(at), json.loads(notice)) for at, _, notice in (line.partition(" ") for line in lines)]


async def first_told(journal: Path, alarm: str, state: str, seconds: float) -> float:
    """When the alarm was first told in this state. Raises Broken when it is not within `seconds`."""

    def heard() -> list[float]:
        return [at for at, told in notices(journal) if (told["alarm"], told["state"]) == (alarm, state)]

    await until(heard, seconds)
    return heard()[0]


async def until(happened: Callable[[], object], seconds: float) -> None:
    """Raises Broken when it has not within `seconds`."""
    last_look = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > last_look:
            raise Broken(f"not within {seconds:g} s")
        await asyncio.sleep(0.05)
