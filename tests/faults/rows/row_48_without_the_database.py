"""Row 48: the database is gone in the middle of an order, and an officer has the rest of it sent without."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter

from tests.faults.row import Figure, at_most, row
from tests.faults.stage import QUICK, Broken, Stage

PEOPLE = 120
SLOW = ("channels.line.rate=3", "channels.sms.rate=40", "channels.email.rate=40", "channels.email.lane_rate=40")
"""So that the database dies in the middle."""
UNDER_WAY = 16
"""Calls of one channel that a worker can have under way: what a kill -9 leaves in doubt."""
PATIENCE = 60.0


@row(48, "the database gone in the middle, the rest sent by an officer's order without it")
async def without_the_database(stage: Stage) -> list[Figure]:
    """Cycle by cycle: the database killed at a random moment, the order given, in every second cycle the server killed
    as well and started again, everybody written to, the database back, everything merged.
    """
    await stage.providers()
    await stage.town(PEOPLE)
    settings = (*QUICK, *SLOW, "sending.batch_size=20", "emergency.grace_seconds=0.5")
    worker = await stage.worker(*settings)
    found: Counter[str] = Counter()
    in_doubt = 0
    waited, resumed, kills = 0.0, 0.0, 0
    for cycle in range(max(2, stage.cycles // 10)):
        dispatch = await stage.send(area_name={"ja": "川辺町"})
        await asyncio.sleep(stage.random.uniform(0, 1.5))
        gone = await stage.postgres.kill()
        waited = max(waited, await _ordered(stage, dispatch) - gone)
        if cycle % 2:
            await asyncio.sleep(stage.random.uniform(0, 1.5))
            await worker.kill()
            kills += 1
            worker = await stage.worker(*settings)
        await _everybody_has_it(stage, dispatch)
        back = await stage.postgres.start()
        await stage.over(dispatch)
        resumed = max(resumed, time.monotonic() - back)
        counted = await _counted(stage, dispatch)
        if cycle % 2:
            in_doubt += counted.pop("single", 0)
        found += counted
    return [
        at_most("lost", found["lost"], 0),
        at_most("LINE doubled", found["line"], 0),
        at_most("SMS and email doubled", found["single"], 0),
        at_most("SMS and email doubled where the server was killed too", in_doubt, 2 * UNDER_WAY * kills),
        at_most("more than two copies", found["more"], 0),
        at_most("database and provider contradict", found["contradict"], 0),
        at_most("ordered after the database had gone, quick settings", waited, 12, "s"),
        at_most("merged and over after it was back", resumed, 30, "s"),
    ]


@row(48, "the database gone under several servers, one of which is ordered to send without it")
async def one_of_several(stage: Stage) -> list[Figure]:
    """Two processes of one data directory, and a server of its own that was cut off as well: what they had in hand is
    not known to the one that is ordered, so a second SMS or mail may come; never a third, and never a second on LINE.
    """
    await stage.providers()
    await stage.town(PEOPLE)
    settings = (*QUICK, *SLOW, "sending.batch_size=20", "emergency.grace_seconds=1")
    await stage.worker(*settings)
    await stage.worker(*settings)
    await stage.worker(*settings, f"emergency.directory={stage.folder / 'another'}")
    found: Counter[str] = Counter()
    for _ in range(max(1, stage.cycles // 20)):
        dispatch = await stage.send(area_name={"ja": "川辺町"})
        await asyncio.sleep(stage.random.uniform(0, 1.5))
        await stage.postgres.kill()
        await _ordered(stage, dispatch)
        await asyncio.sleep(stage.random.uniform(0, 4))
        await stage.postgres.start()
        await stage.over(dispatch)
        found += await _counted(stage, dispatch)
    return [
        at_most("lost", found["lost"], 0),
        at_most("LINE doubled", found["line"], 0),
        at_most("SMS and email doubled", found["single"], 2 * 2 * UNDER_WAY * max(1, stage.cycles // 20)),
        at_most("more than two copies", found["more"], 0),
        at_most("database and provider contradict", found["contradict"], 0),
    ]


async def _ordered(stage: Stage, dispatch: str) -> float:
    """As soon as the server takes the order; gives when that was."""
    last_look = time.monotonic() + PATIENCE
    while True:
        ended = await stage.run("emergency", "send", dispatch, "--by", "森", "--confirm", "川辺町", "--json")
        if not ended.code:
            return time.monotonic()
        codes = {problem["code"] for problem in json.loads(ended.out)["problems"]}
        if not codes <= {"emergency.too_early", "emergency.database_answers"} or time.monotonic() > last_look:
            raise Broken(f"the order was refused: {ended.err}")
        await asyncio.sleep(0.1)


async def _everybody_has_it(stage: Stage, dispatch: str) -> None:
    """Without the database, nobody but the providers can say so."""
    concerned = stage.town_of.concerned(("line", "sms", "email"), drill=False)
    last_look = time.monotonic() + PATIENCE
    while len({(copy.channel, copy.address) for copy in await stage.copies(dispatch)}) < len(concerned):
        if time.monotonic() > last_look:
            return
        await asyncio.sleep(0.1)


async def _counted(stage: Stage, dispatch: str) -> Counter[str]:
    copies = await stage.copies(dispatch)
    person = stage.town_of.by_address
    each = Counter((person.get((copy.channel, copy.address), copy.address), copy.channel) for copy in copies)
    case = await stage.case(dispatch)
    concerned = set(case.concerned)
    found = Counter({"lost": len(concerned - each.keys()), "contradict": len(each.keys() - concerned)})
    for (_, channel), number in each.items():
        found["line" if channel == "line" else "single"] += number - 1
        found["more"] += number > 2
    status = (await stage.run("status", dispatch, "--json")).last
    for channel, outcomes in status["channels"].items():
        reached = sum(outcomes[name] for name in ("accepted", "delivered", "undelivered", "unknown"))
        found["contradict"] += abs(reached - sum(1 for _, name in each if name == channel))
    return found
