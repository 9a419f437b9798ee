"""Workers as processes: killed, told to stop, and stopped by an officer, with real providers' look-alikes."""

from __future__ import annotations

import asyncio
import json
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool

from channels.sandbox.process import SandboxProcess, start_sandbox
from dispatcher.dispatches import Status, status
from tests.dispatcher.engine_room import HEADER, RIVERSIDE, crowd
from tests.scenarios.cli import Todoke

QUICK = ["--set", "sending.expire_seconds=2", "--set", "sending.beat_seconds=0.2", "--set", "sending.call_seconds=1"]
UNDER_WAY = 16
"""The SMS channel's connections: calls that can be under way in one worker."""


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxProcess]:
    async with start_sandbox(tmp_path / "sandbox", line_rate=0, sms_rate=0) as sandbox:
        yield sandbox


@pytest.fixture
async def todoke(tmp_path: Path, fresh_database_url: str, sandbox: SandboxProcess) -> Todoke:
    """Three hundred neighbours by the river, with LINE and a phone."""
    todoke = Todoke(tmp_path / "data", fresh_database_url, sandbox.settings_file)
    people = tmp_path / "people.csv"
    people.write_text(HEADER + "\n".join(crowd(300, phone=True)) + "\n", encoding="utf-8")
    await todoke.ok("import", "subscribers", people)
    return todoke


@asynccontextmanager
async def worker(todoke: Todoke, *more: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A worker that is ready; killed at the end if it still runs."""
    process = await todoke.start("worker", "--json", *QUICK, *more)
    try:
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["session"]
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def send(todoke: Todoke) -> str:
    event = {
        "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "川辺町長",
        "area": {"type": "Polygon", "coordinates": RIVERSIDE}, "channels": ["line", "sms"],
        "texts": {"ja": {"body": "川沿いに{level_name}。"}},
        "valid_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    path = todoke.data / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    ended = await todoke.ok("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--json")
    return str(ended.last["dispatch"])


async def until_sent(sandbox: SandboxProcess, number: int) -> None:
    async with asyncio.timeout(30):
        while len(sandbox.records("sms")) < number:
            await asyncio.sleep(0.02)


async def over(pool: Pool, dispatch: str) -> Status:
    async with asyncio.timeout(60):
        while not (now := await status(pool, dispatch)).over:
            await asyncio.sleep(0.05)
    return now


def copies(records: list[dict[str, Any]]) -> Counter[str]:
    """How often each person was written to."""
    return Counter(person for record in records for person in ([record["to"]] if "sid" in record else record["to"]))


async def test_what_a_killed_worker_leaves_is_finished_by_the_next_with_nobody_lost(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.1}])
    async with worker(todoke) as first:
        dispatch = await send(todoke)
        await until_sent(sandbox, 60)
        first.kill()
        await first.wait()
    await sandbox.set_faults([])
    async with worker(todoke):
        end = await over(pool, dispatch)
    line, sms = copies(sandbox.records("line")), copies(sandbox.records("sms"))
    assert len(line) == len(sms) == 300
    assert set(line.values()) == {1}
    assert max(sms.values()) <= 2
    assert sms.total() - 300 <= UNDER_WAY
    assert end.channels == {"line": {"accepted": 300}, "sms": {"accepted": 300}}


async def test_a_worker_told_to_stop_leaves_nothing_in_doubt(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.3}])
    async with worker(todoke) as first:
        dispatch = await send(todoke)
        await until_sent(sandbox, 20)
        first.send_signal(signal.SIGTERM)
        assert await first.wait() == 0
    counts = (await status(pool, dispatch)).channels["sms"]
    assert counts == {"pending": 300 - counts["accepted"], "accepted": len(sandbox.records("sms"))}
    async with worker(todoke):
        await over(pool, dispatch)
    assert set(copies(sandbox.records("sms")).values()) == {1}


async def test_after_the_kill_switch_nothing_leaves_any_more_and_everybody_is_accounted_for(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    async with worker(todoke, "--set", "channels.sms.rate=30"):
        dispatch = await send(todoke)
        await until_sent(sandbox, 20)
        ended = await todoke.ok("stop", "--all", "--by", "森", "--json")
        end = await over(pool, dispatch)
        sent = len(sandbox.records("sms"))
        await asyncio.sleep(1)
    assert ended.last["stopped"] == [dispatch]
    assert len(sandbox.records("sms")) == sent < 300
    assert end.channels["sms"] == {"accepted": sent, "cancelled": 300 - sent}


async def test_two_workers_share_a_dispatch_and_no_person_twice(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    small = ("--set", "sending.batch_size=20")
    async with worker(todoke, *small), worker(todoke, *small):
        await over(pool, await send(todoke))
    for channel in ("line", "sms"):
        written = copies(sandbox.records(channel))
        assert len(written) == 300
        assert set(written.values()) == {1}
