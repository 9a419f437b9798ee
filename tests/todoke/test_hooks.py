"""An alarm leaves the house: by a command, by a webhook, in bounded time."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from dispatcher.alarms import Notice
from dispatcher.teller import HookFailed
from dispatcher.trouble import Trouble
from todoke.hooks import CommandHook, WebhookHook

SINCE = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
NOTICE = Notice("raised", Trouble("quota.gone", "line", "枠がありません。", "The quota is gone."), SINCE)
TOLD = {
    "town": "川辺町",
    "alarm": "quota.gone",
    "state": "raised",
    "where": "line",
    "since": "2026-11-23T05:00:00+00:00",
    "until": None,
    "ja": "枠がありません。",
    "en": "The quota is gone.",
}


def command(*program: str, seconds: float = 30) -> CommandHook:
    return CommandHook([sys.executable, "-c", *program], town="川辺町", seconds=seconds)


async def test_a_command_reads_the_alarm_and_knows_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODOKE_DATABASE_URL", "postgresql://todoke:secret@db/todoke")
    out = tmp_path / "told.json"
    program = (
        "import json, os, sys; known = {k: v for k, v in os.environ.items() if k.startswith('TODOKE')};"
        "json.dump([json.load(sys.stdin), known], open(sys.argv[1], 'w'))"
    )
    await command(program, str(out)).tell(NOTICE)
    told, known = json.loads(out.read_text())
    assert told == TOLD
    assert known == {f"TODOKE_ALARM_{name.upper()}": value for name, value in TOLD.items() if value is not None}


async def test_nothing_of_an_alarm_is_read_by_a_shell(tmp_path: Path) -> None:
    out = tmp_path / "arguments"
    program = "import sys; open(sys.argv[1], 'w').write(sys.argv[2])"
    await command(program, str(out), "$(id); rm -rf /").tell(NOTICE)
    assert out.read_text() == "$(id); rm -rf /"


async def test_a_command_that_fails_says_how() -> None:
    with pytest.raises(HookFailed, match="it ended with 3"):
        await command("raise SystemExit(3)").tell(NOTICE)
    with pytest.raises(HookFailed, match="it does not start: No such file"):
        await CommandHook(["/no/such/pager"], town="", seconds=1).tell(NOTICE)


async def test_a_command_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    out = tmp_path / "child"
    program = (
        "import subprocess, sys, time;"
        "child = subprocess.Popen(['sleep', '1000']); open(sys.argv[1], 'w').write(str(child.pid)); time.sleep(1000)"
    )
    with pytest.raises(HookFailed, match="more than 3 seconds"):
        await command(program, str(out), seconds=3).tell(NOTICE)
    await has_died(int(out.read_text()))


async def test_a_child_that_a_command_left_behind_is_killed_too(tmp_path: Path) -> None:
    out = tmp_path / "child"
    program = "import subprocess, sys; open(sys.argv[1], 'w').write(str(subprocess.Popen(['sleep', '1000']).pid))"
    await command(program, str(out)).tell(NOTICE)
    await has_died(int(out.read_text()))


async def has_died(pid: int) -> None:
    """The kernel takes a moment to end what was killed."""
    async with asyncio.timeout(20):
        while lives(pid):
            await asyncio.sleep(0.01)


def lives(pid: int) -> bool:
    """One that nobody has waited for yet is dead all the same."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@asynccontextmanager
async def receiver(answer: web.Response | Exception) -> AsyncIterator[tuple[str, list[tuple[Any, bytes]]]]:
    """Somebody who is posted to: where, and what came."""
    came: list[tuple[Any, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        came.append((request.headers, await request.read()))
        if isinstance(answer, Exception):
            raise answer
        return answer

    app = web.Application()
    app.add_routes([web.route("*", "/{path}", take)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/alarm", came
    finally:
        await runner.cleanup()


async def test_a_webhook_is_signed_as_standard_webhooks_are() -> None:
    async with receiver(web.Response(status=204)) as (url, came):
        await WebhookHook(url, secret="川辺町の長い合言葉", town="川辺町", seconds=5).tell(NOTICE)
    ((headers, body),) = came
    assert json.loads(body) == TOLD
    signed = b".".join([headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body])
    mac = hmac.digest("川辺町の長い合言葉".encode(), signed, "sha256")
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"


async def test_an_answer_that_is_no_thanks_is_a_failure() -> None:
    async with receiver(web.Response(status=503)) as (url, _):
        with pytest.raises(HookFailed, match="it answered 503"):
            await WebhookHook(url, secret=None, town="", seconds=5).tell(NOTICE)


async def test_a_redirect_is_not_followed() -> None:
    async with receiver(web.Response(status=307, headers={"Location": "/elsewhere"})) as (url, came):
        with pytest.raises(HookFailed, match="it answered 307"):
            await WebhookHook(url, secret=None, town="", seconds=5).tell(NOTICE)
    assert len(came) == 1


async def test_an_address_where_nobody_is_is_a_failure() -> None:
    async with receiver(web.Response()) as (url, _):
        pass
    with pytest.raises(HookFailed, match="ClientConnectorError"):
        await WebhookHook(url, secret=None, town="", seconds=5).tell(NOTICE)
