"""The town's hooks: a command that is run, or an address that is posted to, with every notice of an alarm.

Both are bounded in time, and neither is told more than the notice: no setting, no address of anybody. The command is
run as it is, without a shell, in a session of its own that is killed with all its children when its time is up.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import signal
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import uuid4

import aiohttp

from dispatcher.alarms import Notice
from dispatcher.teller import HookFailed

_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
"""Of our own environment, which holds secrets, a command gets these alone."""


class CommandHook:
    """Runs `arguments`, with the notice as JSON on its standard input and in variables. Done when it ends with 0."""

    name = "command"

    def __init__(self, arguments: Sequence[str], *, town: str, seconds: float) -> None:
        self._arguments = arguments
        self._town = town
        self._seconds = seconds

    async def tell(self, notice: Notice) -> None:
        told = as_json(notice, self._town)
        try:
            process = await asyncio.create_subprocess_exec(
                *self._arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                env=_environment(told),
                start_new_session=True,
            )
        except OSError as error:
            raise HookFailed(f"it does not start: {error.strerror}") from error
        try:
            async with asyncio.timeout(self._seconds):
                await process.communicate(_body(told))
        except TimeoutError:
            raise HookFailed(f"it took more than {self._seconds:g} seconds") from None
        finally:
            await _end(process)
        if process.returncode:
            raise HookFailed(f"it ended with {process.returncode}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill it with its children, also those it left behind: the group outlives its leader."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await process.wait()


class WebhookHook:
    """Posts the notice as JSON to `url`, signed as Standard Webhooks wants it where there is a `secret`.

    Done by any answer of 2xx. Redirects are not followed: they are an answer like any other that is not 2xx.
    """

    name = "webhook"

    def __init__(self, url: str, *, secret: str | None, town: str, seconds: float) -> None:
        self._url = url
        self._secret = secret.encode() if secret is not None else None
        self._town = town
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def tell(self, notice: Notice) -> None:
        body = _body(as_json(notice, self._town))
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout, trust_env=True) as session,
                session.post(self._url, data=body, headers=self._headers(body), allow_redirects=False) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise HookFailed(type(error).__name__) from error
        if not 200 <= status < 300:  # noqa: PLR2004
            raise HookFailed(f"it answered {status}")

    def _headers(self, body: bytes) -> Mapping[str, str]:
        name, now = f"msg_{uuid4().hex}", str(int(time.time()))
        headers = {"Content-Type": "application/json", "webhook-id": name, "webhook-timestamp": now}
        if self._secret is not None:
            mac = hmac.digest(self._secret, b".".join([name.encode(), now.encode(), body]), "sha256")
            headers["webhook-signature"] = f"v1,{b64encode(mac).decode()}"
        return headers


def as_json(notice: Notice, town: str) -> dict[str, Any]:
    """What a hook is told (docs/operations.md)."""
    return {"town": town} | notice.as_json()


def _body(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, ensure_ascii=False).encode()


def _environment(told: Mapping[str, Any]) -> dict[str, str]:
    ours = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return ours | {f"TODOKE_ALARM_{name.upper()}": str(value) for name, value in told.items() if value is not None}
