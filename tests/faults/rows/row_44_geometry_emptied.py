"""Row 44: the area is lost on the way, as in Los Angeles in 2025: then nobody is told, and never everybody."""

from __future__ import annotations

import asyncio
import time

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import GLANCE, Broken, Stage

PEOPLE = 40
SETTLED_SECONDS = 3.0
LOST = {
    "absent": "area = null",
    "empty": r"area = '\x010300000000000000'",
    "damaged": r"area = '\x0103'",
    "all of Japan": "area = (select w.area from event w where w.id = 'wide')",
}


@row(44, "the area is emptied between the approval and the sending")
async def geometry_emptied(stage: Stage) -> list[Figure]:
    """In every way in which it can be lost, with the settings everybody has; and once behind an order that was sent."""
    await stage.providers()
    await stage.town(PEOPLE)
    wide = {"type": "Polygon", "coordinates": [[[133, 34], [134, 34], [134, 35], [133, 35], [133, 34]]]}
    await stage.run("stop", await stage.send(area=wide, channels=("line",)), "--by", "森")
    dispatches = [await stage.send() for _ in LOST]
    async with stage.postgres.connection() as connection:
        await connection.execute("update event set id = 'wide' where number = 1")
        for dispatch, damage in zip(dispatches, LOST.values(), strict=True):
            await connection.execute(
                f"update event set {damage} where number = (select event from dispatch where id = $1)",  # noqa: S608 ours
                dispatch,
            )
    await stage.worker()
    told_after = await _told(stage, set(dispatches))
    await asyncio.sleep(SETTLED_SECONDS)
    copies = [len(await stage.copies(dispatch)) for dispatch in dispatches]
    sent = await stage.send()
    await stage.over(sent)
    await stage.check(sent)
    return [*stage.verdict.figures(), at_most("sends", sum(copies), 0), at_most("told within", told_after, 5, "s")]


async def _told(stage: Stage, dispatches: set[str]) -> float:
    """Seconds from the worker's start until every one of them stands in its trouble."""
    began = time.monotonic()
    query = "select t ->> 'where' from worker_session, jsonb_array_elements(trouble) t where t ->> 'code' = $1"
    async with stage.postgres.connection() as connection:
        while True:
            told = {row[0] for row in await connection.fetch(query, "dispatch.held.altered")}
            if told >= dispatches:
                return time.monotonic() - began
            if time.monotonic() - began > 60:
                raise Broken(f"nobody is told of {dispatches - told}")
            await asyncio.sleep(GLANCE)
