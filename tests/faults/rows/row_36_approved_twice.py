"""Row 36: two officers approve at once, somebody clicks twice, and an answer that was lost is asked for again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import QUICK, Stage
from tests.scenarios.cli import Ended

PEOPLE = 40
AT_ONCE = 4
SIGNED = ("--requested-by", "佐藤", "--approved-by", "森", "--json")


@row(36, "an event is approved several times at once, by two officers, a double click and a repeated request")
async def approved_twice(stage: Stage) -> list[Figure]:
    """Each in processes of their own; then the order is sent, and nobody hears of it twice."""
    await stage.providers()
    await stage.town(PEOPLE)
    document = stage.event()
    path = _written(stage, document)
    officers = await _together(stage, [(path, *SIGNED)] * AT_ONCE)
    clicks = [(path, *SIGNED, "--again", "--request", f"click {n % 2}") for n in range(AT_ONCE)]
    clicked = await _together(stage, clicks)
    again = await stage.run("send", *clicks[0])
    await stage.worker(*QUICK)
    approved = {str(ended.last["dispatch"]) for ended in officers if not ended.code}
    clicked_for = {str(ended.last["dispatch"]) for ended in [*clicked, again] if not ended.code}
    async with stage.postgres.connection() as connection:
        dispatches = await connection.fetchval("select count(*) from dispatch")
    ordered = min(approved)
    stage.expect(ordered, str(document["id"]), ("line", "sms", "email"))
    for dispatch in (*approved, *clicked_for):
        await stage.over(dispatch)
    copies = len(await stage.copies(ordered))
    return [
        at_most("dispatches of two officers", len(approved), 1),
        at_most("refused without a sentence", sum(not ended.err for ended in officers if ended.code), 0),
        at_most("dispatches of two double clicks", len(clicked_for), 2),
        at_most("dispatches nobody knows of", dispatches - len(approved) - len(clicked_for), 0),
        at_most("copies beyond one a dispatch", copies - 3 * PEOPLE * 3, 0),
    ]


def _written(stage: Stage, document: dict[str, Any]) -> Path:
    path = stage.data / f"{document['id']}.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


async def _together(stage: Stage, orders: Sequence[tuple[str | Path, ...]]) -> list[Ended]:
    return list(await asyncio.gather(*(stage.run("send", *order) for order in orders)))
