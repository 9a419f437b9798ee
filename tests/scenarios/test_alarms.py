"""A whole worker with its watch: what goes wrong reaches the town's own command, and `todoke status` says it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from channels.sandbox.process import SandboxProcess, start_sandbox
from tests.scenarios.cli import Todoke

PATIENCE = 60.0
PHONE, LINE = "+819000000001", f"U{'c' * 32}"
PAGER = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + chr(10))"


@dataclass
class Office:
    """Mori's: where the alarms arrive."""

    todoke: Todoke
    sandbox: SandboxProcess
    journal: Path

    @property
    def settings(self) -> list[str]:
        wanted = {
            "alarms.command": json.dumps([sys.executable, "-c", PAGER, str(self.journal)]),
            "alarms.look_seconds": "0.2",
            "canary.recipients": json.dumps({"line": LINE, "email": "canary@kawabe.example"}),
            "canary.every_seconds": "2",
            "canary.deadline_seconds": "1",
        }
        return [part for name, value in wanted.items() for part in ("--set", f"{name}={value}")]

    def told(self) -> list[dict[str, Any]]:
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text(encoding="utf-8").splitlines()]

    async def until(self, happened: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not happened():
                await asyncio.sleep(0.05)

    def heard(self, alarm: str, state: str) -> bool:
        return any((told["alarm"], told["state"]) == (alarm, state) for told in self.told())


@pytest.fixture
async def office(tmp_path: Path, fresh_database_url: str) -> AsyncIterator[Office]:
    async with start_sandbox(tmp_path / "sandbox") as sandbox:
        todoke = Todoke(tmp_path / "data", fresh_database_url, sandbox.settings_file)
        yield Office(todoke, sandbox, tmp_path / "alarms.jsonl")


@pytest.fixture
async def worker(office: Office) -> AsyncIterator[None]:
    process = await office.todoke.start("worker", "--json", "--set", "log.level=error", *office.settings)
    try:
        assert process.stdout is not None
        assert json.loads(await process.stdout.readline())["session"]
        yield
    finally:
        process.kill()
        await process.communicate()


@pytest.mark.usefixtures("worker")
async def test_a_line_that_answers_200_and_sends_nothing_is_found_out(office: Office) -> None:
    await office.until(lambda: office.sandbox.records("line") and office.sandbox.records("email"))
    await office.sandbox.set_faults([{"channel": "line", "fault": "swallow"}])
    await office.until(lambda: office.heard("canary.missing", "raised"))
    now = await office.todoke.ok("status", "--lang", "ja")
    assert "line: 配信の確認(カナリア)が期限までに戻りません" in now.out
    assert "カナリア email" in now.out
    await office.sandbox.set_faults([])
    await office.until(lambda: office.heard("canary.missing", "ended"))
    assert {told["where"] for told in office.told()} == {"line"}
    assert LINE not in office.journal.read_text(encoding="utf-8")


@pytest.mark.usefixtures("worker")
async def test_a_quota_that_is_gone_reaches_the_command(office: Office) -> None:
    await office.sandbox.set_quota(0)
    await office.until(lambda: office.heard("quota.gone", "raised"))
    status = (await office.todoke.ok("status", "--json")).last
    assert ("quota.gone", "line") in {(each["code"], each["where"]) for each in status["alarms"]}


async def test_an_answer_comes_back_through_serve(office: Office) -> None:
    canary = ["--set", 'canary.recipients={"email":"canary@kawabe.example"}']
    answer = ["--set", 'canary.come_back={"email":"answer"}', "--set", "public_base_url=https://kawabe.example"]
    process = await office.todoke.start(
        "serve", "--json", "--set", "serve.port=0", "--set", "log.level=error", *canary, *answer
    )
    try:
        assert process.stdout is not None
        address = json.loads(await process.stdout.readline())["listening"]
        await office.until(lambda: office.sandbox.records("email"))
        assert await opened(f"{address}/canary/261123-nobody.x") == 404
        assert await opened(address + link_in(office.sandbox.records("email")[0])) == 200
        await came_back(office)
    finally:
        process.kill()
        await process.communicate()


def link_in(mail: dict[str, Any]) -> str:
    """The path of the address in a mail."""
    words: str = mail["body"]
    return "/canary/" + words.rpartition("https://kawabe.example/canary/")[2].split()[0]


async def opened(address: str) -> int:
    async with aiohttp.ClientSession() as client, client.get(address) as answer:
        return answer.status


async def came_back(office: Office) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            (bird,) = (await office.todoke.ok("status", "--json")).last["canaries"]
            if bird["result"] == "came_back":
                return
