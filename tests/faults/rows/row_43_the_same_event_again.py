"""Row 43: the same event is sent twenty times, as a feed that repeats itself would."""

from __future__ import annotations

import asyncio
import json

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import QUICK, Stage
from tests.scenarios.cli import Ended

TIMES, AT_ONCE = 20, 4
PEOPLE = 30


@row(43, "the same event document is sent twenty times, four at once")
async def the_same_event_again(stage: Stage) -> list[Figure]:
    """Feeds are not built yet: this is what they will call. One of the twenty becomes a dispatch."""
    await stage.providers()
    await stage.town(PEOPLE)
    await stage.worker(*QUICK)
    document = stage.event()
    path = stage.data / "event.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    room = asyncio.Semaphore(AT_ONCE)

    async def send() -> Ended:
        async with room:
            return await stage.run("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--json")

    ended = await asyncio.gather(*(send() for _ in range(TIMES)))
    (dispatch,) = {each.last["dispatch"] for each in ended if not each.code} or {""}
    stage.expect(dispatch, str(document["id"]), tuple(document["channels"]))
    await stage.over(dispatch)
    figures = await stage.check(dispatch)
    async with stage.postgres.connection() as connection:
        dispatches = await connection.fetchval("select count(*) from dispatch")
    refused = [each for each in ended if each.code and "send.repeated" in each.out + each.err]
    return [
        *figures,
        at_most("dispatches beyond one", dispatches - 1, 0),
        at_most("not refused in words", TIMES - 1 - len(refused), 0),
        at_most("copies beyond one each", len(await stage.copies(dispatch)) - 3 * PEOPLE, 0),
    ]
