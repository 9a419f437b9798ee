"""Starts a sandbox as a process of its own and speaks to it: for tests, drills and the demo."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from channels.sandbox.faults import ChannelName, Rule
from channels.sandbox.journal import lines
from channels.sandbox.settings_file import Endpoints, channel_settings

ROOT = Path(__file__).resolve().parents[2]
START = 30.0
"""Seconds a sandbox may take to start."""
STOP = 10.0


class SandboxProcess:
    """A running sandbox: where it listens, what it recorded, and how to make it misbehave."""

    def __init__(self, process: asyncio.subprocess.Process, endpoints: Endpoints) -> None:
        self._process = process
        self.endpoints = endpoints
        self.directory = Path(endpoints.directory)
        self.settings_file = Path(endpoints.settings)
        self.line_url = endpoints.line_url
        self.sms_url = endpoints.sms_url
        self.smtp_host = endpoints.smtp_host
        self.smtp_port = endpoints.smtp_port
        self.line_token = endpoints.line_token
        self.line_secret = endpoints.line_secret
        self.account_sid = endpoints.account_sid
        self.auth_token = endpoints.auth_token
        self.from_number = endpoints.from_number
        self.from_address = endpoints.from_address

    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings by channel (`line`, `sms`, `email`), as the channels' own models take them."""
        return channel_settings(self.endpoints)

    def records(self, channel: ChannelName) -> list[dict[str, Any]]:
        """What it accepted on one channel, oldest first."""
        return list(lines(self.directory / f"{channel}.jsonl"))

    def requests(self, channel: ChannelName | None = None) -> list[dict[str, Any]]:
        """Every request as it was answered, accepted or not, in the order of the answers."""
        every = lines(self.directory / "requests.jsonl")
        return [request for request in every if channel in {None, request["channel"]}]

    async def set_faults(self, rules: Iterable[Mapping[str, Any] | Rule]) -> None:
        """Replaces all rules; counting begins anew. Raises ValueError for a rule it refuses."""
        await self._control("faults", list(rules))

    async def set_blocked(self, *, line: Sequence[str] | None = None, sms: Sequence[str] | None = None) -> None:
        """Who has blocked the LINE account, and which phones have sent STOP. None leaves a list as it is."""
        await self._control("blocked", {"line": line, "sms": sms})

    async def set_quota(self, quota: int | None) -> None:
        """LINE recipients a month; None for no limit."""
        await self._control("quota", {"quota": quota})

    async def state(self) -> dict[str, Any]:
        """Counts by channel and the rules with how often they fired."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.line_url}/sandbox/state") as answer:
            state: dict[str, Any] = await answer.json()
            return state

    async def stop(self) -> None:
        """Ends it in good order."""
        if self._process.returncode is None:
            self._process.terminate()
            try:
                await asyncio.wait_for(self._process.wait(), STOP)
            except TimeoutError:
                await self.kill()

    async def kill(self) -> None:
        """Ends it as a crash would."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _control(self, what: str, body: object) -> None:
        data = msgspec.json.encode(body)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self.line_url}/sandbox/{what}", data=data) as answer,
        ):
            if not answer.ok:
                raise ValueError((await answer.json())["message"])


@asynccontextmanager
async def start_sandbox(
    directory: Path,
    *,
    seed: int = 0,
    faults: Iterable[Mapping[str, Any] | Rule] = (),
    line_rate: int = 200,
    sms_rate: int = 100,
    quota: int | None = None,
    smtp_connections: int = 0,
    receipt_delay: float = 0.05,
    http_port: int = 0,
    smtp_port: int = 0,
    callback: str = "",
) -> AsyncIterator[SandboxProcess]:
    """A sandbox that writes into `directory`, on free ports, until left. Rates are requests a second, 0 for no limit.

    Raises RuntimeError with its own words when it does not start.
    """
    options = {
        "dir": directory,
        "seed": seed,
        "line-rate": line_rate,
        "sms-rate": sms_rate,
        "smtp-connections": smtp_connections,
        "receipt-delay": receipt_delay,
        "http-port": http_port,
        "smtp-port": smtp_port,
        "callback": callback,
    } | ({} if quota is None else {"quota": quota})
    process = await _spawn([f"--{name}={value}" for name, value in options.items()])
    sandbox = None
    try:
        sandbox = SandboxProcess(process, await _endpoints(process))
        if rules := list(faults):
            await sandbox.set_faults(rules)
        yield sandbox
    finally:
        await (sandbox.stop() if sandbox is not None else _end(process))


async def _spawn(arguments: list[str]) -> asyncio.subprocess.Process:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "channels.sandbox",
        "--until-eof",
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # a Ctrl-C is for whoever started it, who may have more to send
        env=os.environ | {"PYTHONPATH": path},
    )


async def _endpoints(process: asyncio.subprocess.Process) -> Endpoints:
    assert process.stdout is not None  # noqa: S101
    line = await asyncio.wait_for(process.stdout.readline(), START)
    if not line:
        raise RuntimeError(f"the sandbox did not start (exit code {await process.wait()})")
    return msgspec.json.decode(line, type=Endpoints)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()
