"""The whole sandbox on one event loop: the HTTP look-alikes, the mail relay, and the control endpoints."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
from aiohttp import web

from channels.sandbox.counts import Register
from channels.sandbox.faults import Rule, Schedule, read_rules
from channels.sandbox.journal import RequestLog
from channels.sandbox.line import LineSandbox
from channels.sandbox.line_rules import BODY_MAX
from channels.sandbox.mail import MailRelay
from channels.sandbox.options import HOST, Options
from channels.sandbox.settings_file import Endpoints, channel_settings, write_settings
from channels.sandbox.sms import SmsSandbox
from words.problem import Problem, Refused

SHUTDOWN = 0.1
"""Seconds open requests get to end; what is held on purpose would never."""


class Blocked(msgspec.Struct, forbid_unknown_fields=True):
    """Who has blocked the LINE account, and which phones have sent STOP; a list left out stays as it is."""

    line: list[str] | None = None
    sms: list[str] | None = None


class Limits(msgspec.Struct, forbid_unknown_fields=True):
    quota: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Sandbox:
    """All look-alikes, and what controls them."""

    def __init__(self, options: Options) -> None:
        self._seed = options.seed
        self._log = RequestLog(options.directory / "requests.jsonl")
        self._register = Register(self._log)
        self.line = LineSandbox(options, self._register)
        self.sms = SmsSandbox(options, self._register)
        self.mail = MailRelay(options, self._register)
        self.set_faults(options.faults)

    def set_faults(self, rules: tuple[Rule, ...]) -> None:
        """Replaces the schedule; its counting begins anew."""
        self.schedule = Schedule(rules, self._seed)
        for one in (self.line.manners, self.sms.manners, self.mail):
            one.schedule = self.schedule

    def application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_MAX)
        app.add_routes(self.line.routes())
        app.add_routes(self.sms.routes())
        app.add_routes(
            [
                web.get("/sandbox/state", self._tell_state),
                web.post("/sandbox/faults", self._take_faults),
                web.post("/sandbox/blocked", self._take_blocked),
                web.post("/sandbox/quota", self._take_quota),
            ]
        )
        return app

    async def close(self) -> None:
        await self.line.close()
        await self.sms.close()
        await self.mail.close()
        self._log.close()

    def state(self) -> dict[str, Any]:
        extra = {"line": self.line.state(), "sms": self.sms.state(), "email": self.mail.state()}
        channels = {name: counts.state() | extra[name] for name, counts in self._register.channels.items()}
        rules = [
            {"rule": rule, "fired": fired} for rule, fired in zip(self.schedule.rules, self.schedule.fired, strict=True)
        ]
        return channels | {"faults": rules}

    async def _tell_state(self, _: web.Request) -> web.Response:
        return _json(200, self.state())

    async def _take_faults(self, request: web.Request) -> web.Response:
        try:
            self.set_faults(read_rules(await request.read(), "/sandbox/faults"))
        except Refused as refused:
            return _json(400, {"message": refused.say("en")[0]})
        return _json(200, {"rules": len(self.schedule.rules)})

    async def _take_blocked(self, request: web.Request) -> web.Response:
        try:
            blocked = msgspec.json.decode(await request.read(), type=Blocked)
        except msgspec.DecodeError as error:
            return _json(400, {"message": str(error)})
        self.line.blocked = self.line.blocked if blocked.line is None else frozenset(blocked.line)
        self.sms.blocked = self.sms.blocked if blocked.sms is None else frozenset(blocked.sms)
        return _json(200, {"line": len(self.line.blocked), "sms": len(self.sms.blocked)})

    async def _take_quota(self, request: web.Request) -> web.Response:
        try:
            self.line.quota = msgspec.json.decode(await request.read(), type=Limits).quota
        except msgspec.DecodeError as error:
            return _json(400, {"message": str(error)})
        return _json(200, {"quota": self.line.quota})


def _json(status: int, body: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")


@asynccontextmanager
async def serving(options: Options) -> AsyncIterator[Endpoints]:
    """Runs a sandbox until left; its settings file exists only meanwhile.

    Raises Refused when a port is taken, or the directory is another sandbox's or cannot be written.
    """
    settings = options.directory / "todoke.toml"
    async with AsyncExitStack() as stack:
        sandbox = _open_sandbox(options)
        stack.push_async_callback(sandbox.close)
        http_port = await _listen_http(sandbox, options.http_port, stack)
        smtp_port = await _listen_smtp(sandbox, options.smtp_port, stack)
        endpoints = _endpoints(options, settings, http_port, smtp_port)
        stack.callback(settings.unlink, missing_ok=True)
        write_settings(settings, channel_settings(endpoints))
        yield endpoints


def _open_sandbox(options: Options) -> Sandbox:
    try:
        options.directory.mkdir(parents=True, exist_ok=True)
        sandbox = Sandbox(options)
        # What a killed sandbox left behind would tell of ports nobody listens on.
        (options.directory / "todoke.toml").unlink(missing_ok=True)
    except BlockingIOError as error:
        raise Refused(_in_use(options.directory)) from error
    except OSError as error:
        raise Refused(_no_directory(options.directory, error)) from error
    return sandbox


async def _listen_http(sandbox: Sandbox, port: int, stack: AsyncExitStack) -> int:
    runner = web.AppRunner(sandbox.application(), access_log=None, shutdown_timeout=SHUTDOWN)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    try:
        await web.TCPSite(runner, HOST, port).start()
    except OSError as error:
        raise Refused(_no_port("--http-port", port, error)) from error
    bound: int = runner.addresses[0][1]
    return bound


async def _listen_smtp(sandbox: Sandbox, port: int, stack: AsyncExitStack) -> int:
    try:
        server = await asyncio.get_running_loop().create_server(sandbox.mail.connection, HOST, port)
    except OSError as error:
        raise Refused(_no_port("--smtp-port", port, error)) from error
    stack.callback(server.close)
    bound: int = server.sockets[0].getsockname()[1]
    return bound


def _no_port(where: str, port: int, error: OSError) -> Problem:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return Problem(
        "sandbox.no_port",
        where,
        f"{HOST} の {port} 番で待ち受けられません（{reason}）。使っているものを止めるか、別の番号（0 は空いている番号）にしてください。",
        f"Cannot listen on {HOST} port {port} ({reason}). Stop whatever uses it, or give another port; 0 is any free one.",
    )


def _in_use(directory: Path) -> Problem:
    return Problem(
        "sandbox.in_use",
        str(directory),
        "このディレクトリは別のサンドボックスが使っています。それを止めるか、--dir で別の場所を指定してください。",
        "Another sandbox is using this directory. Stop it, or give another place with --dir.",
    )


def _no_directory(directory: Path, error: OSError) -> Problem:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return Problem(
        "sandbox.directory",
        str(directory),
        f"このディレクトリに書き込めません（{reason}）。--dir で別の場所を指定してください。",
        f"Cannot write to this directory ({reason}). Give another place with --dir.",
    )


def _endpoints(options: Options, settings: Path, http_port: int, smtp_port: int) -> Endpoints:
    url = f"http://{HOST}:{http_port}"
    return Endpoints(
        directory=str(options.directory.resolve()),
        settings=str(settings.resolve()),
        line_url=url,
        sms_url=url,
        smtp_host=HOST,
        smtp_port=smtp_port,
        line_rate=options.line_rate,
        sms_rate=options.sms_rate,
        callback=options.callback,
    )
