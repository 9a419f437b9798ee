"""The database is gone, and an officer sends an approved order all the same: real processes, look-alikes of providers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.sandbox.process import SandboxProcess, start_sandbox
from dispatcher.dispatches import Status, status
from tests.dispatcher.engine_room import HEADER, RIVERSIDE, crowd
from tests.scenarios.cli import Ended, Todoke
from tests.scenarios.own_database import OwnDatabase, own_database

QUICK = [
    "--set", "sending.expire_seconds=2", "--set", "sending.beat_seconds=0.2", "--set", "sending.call_seconds=0.8",
    "--set", "sending.poll_seconds=0.1", "--set", "emergency.grace_seconds=0.5", "--set", "sending.batch_size=20",
]  # fmt: skip
SLOW = [
    "--set", "channels.line.rate=4", "--set", "channels.sms.rate=40", "--set", "channels.email.rate=40",
    "--set", "channels.email.lane_rate=40",
]  # fmt: skip
"""So that the database can die in the middle."""
NEIGHBOURS = 200
UNDER_WAY = 16
"""Calls that can be under way on a channel in one worker."""


@dataclass
class Night:
    """Two hundred neighbours by the river, with LINE, a phone and a mailbox, and a database of the test's own."""

    todoke: Todoke
    database: OwnDatabase
    sandbox: SandboxProcess

    @asynccontextmanager
    async def worker(self, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
        process = await self.todoke.start("worker", "--json", *QUICK, *SLOW, *more, log=self.todoke.data / "worker.log")
        try:
            assert process.stdout is not None
            assert set(json.loads(await process.stdout.readline())) & {"session", "without_database"}
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()

    async def send(self, **changes: Any) -> str:
        event = {
            "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "川辺町長",
            "area": {"type": "Polygon", "coordinates": RIVERSIDE}, "area_name": {"ja": "川辺町"},
            "texts": {"ja": {"subject": "避難", "body": "川沿いに{level_name}。"}},
            "valid_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
        } | changes  # fmt: skip
        path = self.todoke.data / "event.json"
        path.write_text(json.dumps(event), encoding="utf-8")
        ended = await self.todoke.ok("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--json")
        return str(ended.last["dispatch"])

    async def sent(self, channel: Any, number: int) -> None:
        """Until the provider has taken so many."""
        async with asyncio.timeout(30):
            while len(self.sandbox.records(channel)) < number:
                await asyncio.sleep(0.02)

    async def ordered(self, dispatch: str) -> None:
        """Order it as soon as the server is ready to take the order."""
        async with asyncio.timeout(30):
            while (ended := await self.emergency("send", dispatch, "--by", "森", "--confirm", "川辺町")).code:
                assert "only just gone" in ended.err or "database answers" in ended.err, ended.err
                await asyncio.sleep(0.2)

    async def why(self, dispatch: str, person: str) -> str:
        return (await self.todoke.ok("why", dispatch, person, "--lang", "en")).out

    async def emergency(self, *words: str) -> Ended:
        return await self.todoke.run("emergency", *words, "--lang", "en")

    async def everybody_has_it(self) -> None:
        async with asyncio.timeout(40):
            while any(len(self.copies(name)) < NEIGHBOURS for name in ("line", "sms", "email")):
                await asyncio.sleep(0.1)

    def copies(self, channel: Any) -> Counter[str]:
        """How often each person was written to."""
        records = self.sandbox.records(channel)
        people = [record["to"] if isinstance(record["to"], list) else [record["to"]] for record in records]
        return Counter(person for called in people for person in called)

    async def over(self, dispatch: str) -> Status:
        async with self.database.pool() as pool, asyncio.timeout(60):
            while not (now := await status(pool, dispatch)).over:
                await asyncio.sleep(0.1)
        return now


@pytest.fixture
async def night(tmp_path: Path) -> AsyncIterator[Night]:
    with own_database(tmp_path / "database") as database:
        await database.start()
        async with start_sandbox(tmp_path / "sandbox", line_rate=0, sms_rate=0) as sandbox:
            todoke = Todoke(tmp_path / "data", database.url, sandbox.settings_file)
            people = tmp_path / "people.csv"
            rows = crowd(NEIGHBOURS, phone=True, email=True)
            people.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
            await todoke.ok("import", "subscribers", people)
            yield Night(todoke, database, sandbox)


async def test_an_order_half_sent_when_the_database_dies_reaches_everybody_once(night: Night) -> None:
    async with night.worker("--set", "channels.sms.rate=15"):
        dispatch = await night.send()
        await night.sent("sms", 30)
        night.database.kill()
        await night.ordered(dispatch)
        await night.everybody_has_it()
        await night.database.start()
        end = await night.over(dispatch)
        ends = [await night.why(dispatch, f"n{number:05d}") for number in (0, NEIGHBOURS - 1)]
        told = (await night.todoke.ok("status", dispatch, "--lang", "en")).out
    assert "by order of 森" in "".join(ends)
    assert "sent in part without the database: ordered by 森" in told
    for channel in ("line", "sms", "email"):
        assert night.copies(channel).total() == len(night.copies(channel)) == NEIGHBOURS
        assert end.channels[channel] == {"accepted": NEIGHBOURS}


async def test_a_server_killed_while_it_sends_without_the_database_goes_on_when_started_again(night: Night) -> None:
    async with night.worker() as first:
        dispatch = await night.send()
        await night.sent("sms", 10)
        night.database.kill()
        await night.ordered(dispatch)
        await night.sent("sms", 80)
        first.kill()
        await first.wait()
    async with night.worker():
        await night.everybody_has_it()
        listed = json.loads((await night.emergency("list", "--json")).out)
        await night.database.start()
        end = await night.over(dispatch)
    assert listed["database_answers"] is False
    assert listed["dispatches"][0]["ordered_by"] == "森"
    assert set(night.copies("line").values()) == {1}
    for channel in ("sms", "email"):
        assert len(night.copies(channel)) == NEIGHBOURS
        assert night.copies(channel).total() <= NEIGHBOURS + UNDER_WAY
    assert end.channels["line"] == {"accepted": NEIGHBOURS}
    assert end.unfinished == 0


async def test_what_an_officer_stops_without_the_database_stays_stopped_with_it(night: Night) -> None:
    async with night.worker("--set", "channels.sms.rate=8"):
        dispatch = await night.send()
        await night.sent("sms", 4)
        night.database.kill()
        await night.ordered(dispatch)
        await night.sent("sms", 20)
        stopped = await night.emergency("stop", dispatch, "--by", "佐藤")
        assert stopped.code == 0, stopped.err
        await asyncio.sleep(2)  # the promise of a stop: two seconds
        left = night.copies("sms").total()
        await night.database.start()
        end = await night.over(dispatch)
    assert night.copies("sms").total() == left < NEIGHBOURS
    assert (end.state, end.stopped_by) == ("cancelled", "佐藤")
    assert end.channels["sms"]["accepted"] == left


async def test_two_processes_of_one_server_write_to_nobody_twice(night: Night) -> None:
    async with night.worker(), night.worker():
        dispatch = await night.send()
        await night.sent("sms", 30)
        night.database.kill()
        await night.ordered(dispatch)
        await night.everybody_has_it()
        await night.database.start()
        end = await night.over(dispatch)
    for channel in ("line", "sms", "email"):
        assert night.copies(channel).total() == len(night.copies(channel)) == NEIGHBOURS
        assert end.channels[channel] == {"accepted": NEIGHBOURS}
