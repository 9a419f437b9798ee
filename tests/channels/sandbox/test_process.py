"""A sandbox in a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import aiohttp
import pytest

from channels.sandbox.process import SandboxProcess, start_sandbox
from tests.channels.sandbox.desk import HANA, KEY, LINH, Desk

ROOT = Path(__file__).resolve().parents[3]


async def multicast(sandbox: SandboxProcess) -> int:
    async with aiohttp.ClientSession() as session:
        return (await Desk(sandbox.endpoints, session).multicast([HANA, LINH], key=KEY)).status


async def test_it_is_started_spoken_to_and_stopped(tmp_path: Path) -> None:
    async with start_sandbox(tmp_path, faults=[{"channel": "line", "fault": "rate", "first": 1}]) as sandbox:
        assert [await multicast(sandbox) for _ in range(2)] == [429, 200]
        assert sandbox.records("line")[0]["to"] == [HANA, LINH]
        assert [request["status"] for request in sandbox.requests("line")] == [429, 200]
        assert (await sandbox.state())["line"]["accepted"] == 1
        assert sandbox.settings()["line"]["endpoint"] == sandbox.line_url
        assert sandbox.settings_file.exists()
    assert not sandbox.settings_file.exists()


async def test_it_can_be_told_who_blocks_it_and_how_much_it_may_send(tmp_path: Path) -> None:
    async with start_sandbox(tmp_path) as sandbox:
        await sandbox.set_blocked(line=[LINH])
        await sandbox.set_quota(0)
        assert await multicast(sandbox) == 429
        await sandbox.set_quota(None)
        assert await multicast(sandbox) == 200
        assert sandbox.records("line")[0]["blocked"] == [LINH]


async def test_a_rule_it_refuses_is_told(tmp_path: Path) -> None:
    async with start_sandbox(tmp_path) as sandbox:
        with pytest.raises(ValueError, match="Invalid enum value 'fax'"):
            await sandbox.set_faults([{"channel": "fax", "fault": "error"}])


async def test_what_it_accepted_outlives_its_death(tmp_path: Path) -> None:
    async with start_sandbox(tmp_path) as sandbox:
        assert await multicast(sandbox) == 200
        await sandbox.kill()
        assert len(sandbox.records("line")) == 1
    async with start_sandbox(tmp_path) as sandbox:
        assert await multicast(sandbox) == 409


async def test_one_that_cannot_start_says_so(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with start_sandbox(tmp_path / "one") as one:
        with pytest.raises(RuntimeError, match="did not start"):
            async with start_sandbox(tmp_path / "two", smtp_port=one.smtp_port):
                pass
    assert "--smtp-port: Cannot listen on 127.0.0.1" in capfd.readouterr().err


async def test_it_ends_with_whoever_started_it(tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "channels.sandbox",
        f"--dir={tmp_path}",
        "--until-eof",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env=os.environ,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    await process.stdout.readline()
    process.stdin.close()
    assert await process.wait() == 0
