"""Late entry with workers as processes: people come down from the hill while one of two workers is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asyncpg import Pool

from channels.sandbox.process import SandboxProcess, start_sandbox
from dispatcher.dispatches import status, stop
from subscribers.moving import Position, move
from tests.dispatcher.engine_room import HEADER, crowd
from tests.scenarios.cli import Todoke
from tests.scenarios.test_workers import copies, over, send, worker

HILL = 120


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxProcess]:
    async with start_sandbox(tmp_path / "sandbox", line_rate=0, sms_rate=0) as sandbox:
        yield sandbox


@pytest.fixture
async def todoke(tmp_path: Path, fresh_database_url: str, sandbox: SandboxProcess) -> Todoke:
    """A hundred and twenty people on the hill, with LINE and a phone, and nobody by the river."""
    todoke = Todoke(tmp_path / "data", fresh_database_url, sandbox.settings_file)
    rows = [row.replace("34.600,133.700", "34.650,133.750") for row in crowd(HILL, phone=True)]
    people = tmp_path / "people.csv"
    people.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    await todoke.ok("import", "subscribers", people)
    return todoke


async def come_down(pool: Pool, people: Sequence[int]) -> None:
    """One after the other."""
    for number in people:
        await move(pool, [Position(number, 133.7, 34.6, datetime.now(UTC) + timedelta(hours=1))])


async def until_entered(pool: Pool, dispatch: str, number: int) -> None:
    async with asyncio.timeout(60):
        while (await status(pool, dispatch)).late_entries < number:
            await asyncio.sleep(0.05)


async def test_who_comes_down_from_the_hill_gets_one_order_though_a_worker_is_killed(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    numbers = [row["number"] for row in await pool.fetch("select number from subscriber order by number")]
    async with worker(todoke) as one, worker(todoke):
        dispatch = await send(todoke)
        await over(pool, dispatch)
        await come_down(pool, numbers[: HILL // 2])
        await until_entered(pool, dispatch, 1)
        one.kill()
        await come_down(pool, numbers[HILL // 2 :])
        await until_entered(pool, dispatch, HILL)
        end = await over(pool, dispatch)
    line, sms = copies(sandbox.records("line")), copies(sandbox.records("sms"))
    assert len(line) == len(sms) == HILL
    assert set(line.values()) == {1}
    assert max(sms.values()) <= 2
    assert (end.audience, end.channels) == (HILL, {"line": {"accepted": HILL}, "sms": {"accepted": HILL}})


async def test_after_the_order_is_stopped_nobody_who_comes_down_gets_it(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    numbers = [row["number"] for row in await pool.fetch("select number from subscriber order by number")]
    async with worker(todoke), worker(todoke):
        dispatch = await send(todoke)
        await over(pool, dispatch)
        await come_down(pool, numbers[:5])
        await until_entered(pool, dispatch, 5)
        await over(pool, dispatch)
        await stop(pool, dispatch, by="森")
        await come_down(pool, numbers[5:10])
        later = await send(todoke)
        await over(pool, later)
    assert (await status(pool, dispatch)).late_entries == 5
    assert (await status(pool, later)).audience == 10
    assert set(copies(sandbox.records("line")).values()) == {1, 2}
