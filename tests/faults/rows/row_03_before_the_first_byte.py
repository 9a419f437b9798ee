"""Row 3: killed after the intent to call was committed, and before the first byte."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress

from tests.faults.evidence import AMBIGUOUS, UNKNOWN
from tests.faults.process import Process
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import QUICK, Stage

PEOPLE = 60
EVERY = 6
"""Kills of a worker in row 1 for each one here."""
SLOWLY = "channels.line.rate=2", "channels.sms.rate=4", "channels.email.rate=4", "channels.email.lane_rate=4"
"""Slots are far apart, and a call waits for its own after the intent: that is when it is killed."""
RING = """
create function faults.ring() returns trigger language plpgsql as $$
begin
    perform pg_notify('begun', new.dispatch);
    return null;
end $$;
create trigger ring after insert on faults.seen for each row
when (new.session is not null and new.started > 0) execute function faults.ring();
"""
REFUSED_CONNECTIONS = """
select coalesce(sum(length(outcomes)), 0) as calls,
       coalesce(sum((select count(*) from generate_series(0, length(outcomes) - 1) as nth
                     where get_byte(outcomes, nth) = any($2::integer[]))), 0) as doubtful
from attempt
where dispatch = $1
"""


@row(3, "kill between the committed intent and the first byte")
async def before_the_first_byte(stage: Stage) -> list[Figure]:
    """Nobody is lost, nobody gets it twice whose first call did not leave, and a call without connection is in no doubt."""
    await stage.providers()
    await stage.town(PEOPLE)
    await stage.execute(RING)
    kills = max(3, stage.cycles // EVERY)
    early = reached = 0
    for nth in range(kills):
        left = await _kill_at_intent(stage, ("line", "sms", "email")[nth % 3])
        early += left == 0
        reached += left
    calls, doubtful = await _refused_connections(stage)
    return [
        *stage.verdict.figures(),
        at_least(f"kills before the first byte, of {kills}", early, 1),
        at_most("extra copies", stage.verdict.extras, reached, "calls that had left"),
        at_least("calls without a connection", calls, 1),
        at_most("of them in doubt", doubtful, 0),
    ]


async def _kill_at_intent(stage: Stage, channel: str) -> int:
    """Gives how many copies had been taken when the worker died."""
    worker = await stage.worker(*QUICK, "sending.batch_size=20", *SLOWLY)
    async with stage.postgres.connection() as connection:
        begun = asyncio.Event()
        await connection.add_listener("begun", lambda *_: begun.set())
        dispatch = await _sent_and_killed(stage, worker, channel, begun)
        await connection.reset()
    left = len(await stage.copies(dispatch))
    survivor = await stage.worker(*QUICK)
    await stage.over(dispatch)
    await stage.check(dispatch)
    await survivor.terminate()
    return left


async def _sent_and_killed(stage: Stage, worker: Process, channel: str, begun: asyncio.Event) -> str:
    sending = asyncio.create_task(stage.send(channels=(channel,)))
    async with asyncio.timeout(60):
        await begun.wait()
    await worker.kill()
    return await sending


async def _refused_connections(stage: Stage) -> tuple[int, int]:
    """A provider whose port is closed: calls that were recorded, and how many of them as doubtful."""
    port = _closed_port()
    worker = await stage.worker(*QUICK, f"channels.sms.endpoint=http://127.0.0.1:{port}", f"channels.email.port={port}")
    dispatch = await stage.send(channels=("sms", "email"))
    with suppress(TimeoutError):
        async with asyncio.timeout(20):
            while (await _calls(stage, dispatch))[0] < PEOPLE:
                await asyncio.sleep(0.2)
    calls = await _calls(stage, dispatch)
    await worker.terminate()
    survivor = await stage.worker(*QUICK)
    await stage.over(dispatch)
    await stage.check(dispatch)
    await survivor.terminate()
    return calls


async def _calls(stage: Stage, dispatch: str) -> tuple[int, int]:
    [counted] = await stage.query(REFUSED_CONNECTIONS, dispatch, [AMBIGUOUS, UNKNOWN])
    return int(counted["calls"]), int(counted["doubtful"])


def _closed_port() -> int:
    """One that was free a moment ago: connecting to it is refused."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
