"""Row 33: a row of which every worker dies that touches it."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from tests.faults.evidence import Break
from tests.faults.hazards import with_hazard
from tests.faults.process import Process
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 500
OTHERS_SECONDS = 120


@row(33, "a row of which the worker dies, in a LINE call of 500")
async def poisoned_chunk(stage: Stage) -> list[Figure]:
    """With the default times: three deaths, each noticed after thirty seconds. Mended, the quarantined is sent to again."""
    figures, dispatch, poison = await _poisoned(stage, "line", [], OTHERS_SECONDS)
    return [*figures, *await _mended(stage, dispatch, poison)]


@row(33, "a row of which the worker dies, in a run of SMS")
async def poisoned_run(stage: Stage) -> list[Figure]:
    """With quick times. The call was begun, so it is repeated once, alone, and then unknown."""
    figures, _, _ = await _poisoned(stage, "sms", [*QUICK], OTHERS_SECONDS)
    return figures


async def _mended(stage: Stage, dispatch: str, poison: str) -> list[Figure]:
    """Workers that nothing kills any more, and two officers' order to send to the one that was left out."""
    for process in [each for each in stage.processes if each.alive and each.session]:
        await process.terminate()
    await stage.worker()
    by = ("--requested-by", "佐藤", "--approved-by", "森")
    ended = await stage.run("again", dispatch, "--people", "1", *by, "--json")
    await stage.over(dispatch)
    second = await stage.run("again", dispatch, "--people", "1", *by, "--json")
    copies = await stage.copies(dispatch)
    address = stage.town_of.people[poison].addresses["line"]
    await stage.check(dispatch)
    return [
        at_most("mended: refusals of the order to send again", ended.code, 0),
        at_least("mended: copies for the quarantined", [copy.address for copy in copies].count(address), 1),
        at_most("mended: copies in all", len(copies), PEOPLE),
        at_least("mended: refusals of the same order given twice", second.code, 1),
    ]


async def _poisoned(stage: Stage, channel: str, settings: list[str], most: float) -> tuple[list[Figure], str, str]:
    """Figures, the dispatch, and whose row it was."""
    await stage.providers()
    await stage.town(PEOPLE)
    poison = f"p{stage.random.randrange(1, PEOPLE + 1):07d}"
    env = with_hazard(**{f"die_{channel}": stage.town_of.people[poison].addresses[channel]})
    workers = [await stage.worker(*settings, env=env) for _ in range(2)]
    began = time.monotonic()
    dispatch = await stage.send(channels=(channel,))
    over = asyncio.create_task(stage.over(dispatch, seconds=240))
    deaths, others = 0, 0.0
    while not over.done():
        deaths += await _replace_the_dead(stage, workers, settings, env)
        if not others and len({copy.address for copy in await stage.copies(dispatch)}) == PEOPLE - 1:
            others = time.monotonic() - began
        await asyncio.sleep(0.2)
    await over
    others = others or time.monotonic() - began
    copies = await stage.copies(dispatch)
    await stage.check(dispatch, poisoned=frozenset({poison}))
    figures = [
        *stage.verdict.figures(),
        at_most(f"{channel}: the other {PEOPLE - 1} sent after", others, most, "s"),
        at_most(f"{channel}: others not reached", PEOPLE - 1 - len({copy.address for copy in copies}), 0),
        at_most(f"{channel}: workers that died of it", deaths, 3),
    ]
    return figures, dispatch, poison


async def _replace_the_dead(stage: Stage, workers: list[Process], settings: list[str], env: dict[str, str]) -> int:
    """As whatever starts processes again does it."""
    dead = [worker for worker in workers if not worker.alive]
    for worker in dead:
        stage.breaks.append(Break(worker.session, datetime.now(UTC)))
        workers[workers.index(worker)] = await stage.worker(*settings, env=env)
    return len(dead)
