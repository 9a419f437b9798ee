"""A sandbox in the test's own loop, and a desk from which to write to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import msgspec

from channels.sandbox.faults import ChannelName, Rule
from channels.sandbox.journal import lines
from channels.sandbox.options import Options
from channels.sandbox.server import serving
from channels.sandbox.settings_file import Endpoints
from channels.sandbox.sms import AUTHORIZATION

HANA = "U" + "a" * 32
LINH = "U" + "b" * 32
MEI = "U" + "c" * 32
TOME = "+819012345678"
KEN = "ken@hill.example"
KEY = "0b8bd2b2-9a0f-5c0e-8d9e-5a0c8f4e1d11"
ORDER = {"type": "text", "text": "川辺町に避難指示を出しました。"}


@dataclass(frozen=True)
class Reply:
    status: int
    body: Any
    headers: dict[str, str]


class Desk:
    """Writes to the look-alikes as a channel would, and reads what they recorded."""

    def __init__(self, endpoints: Endpoints, session: aiohttp.ClientSession) -> None:
        self.endpoints = endpoints
        self.session = session
        self.account = f"/2010-04-01/Accounts/{endpoints.account_sid}"

    async def ask(self, method: str, path: str, *, data: Any = None, headers: dict[str, str] | None = None) -> Reply:
        url = self.endpoints.line_url + path
        async with self.session.request(method, url, data=data, headers=headers) as answer:
            text = await answer.text()
            body = json.loads(text) if answer.content_type == "application/json" else text
            return Reply(answer.status, body, {name.lower(): value for name, value in answer.headers.items()})

    async def line(
        self, path: str, body: object = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        given = {"Authorization": f"Bearer {self.endpoints.line_token}"} | ({"X-Line-Retry-Key": key} if key else {})
        if body is None:
            return await self.ask("GET", path, headers=given | (headers or {}))
        data = body if isinstance(body, bytes) else msgspec.json.encode(body)
        given["Content-Type"] = "application/json"
        return await self.ask("POST", path, data=BytesIO(data), headers=given | (headers or {}))

    async def multicast(
        self, to: Sequence[object], *, messages: Any = (ORDER,), key: str | None = None, **more: Any
    ) -> Reply:
        return await self.line("/v2/bot/message/multicast", {"to": to, "messages": messages, **more}, key=key)

    async def push(self, to: str, *, key: str | None = None) -> Reply:
        return await self.line("/v2/bot/message/push", {"to": to, "messages": [ORDER]}, key=key)

    async def sms(self, to: str = TOME, body: str = "避難指示", **more: str) -> Reply:
        form = {"To": to, "From": self.endpoints.from_number, "Body": body} | more
        kept = {name: value for name, value in form.items() if value}
        return await self.ask(
            "POST", f"{self.account}/Messages.json", data=kept, headers={"Authorization": AUTHORIZATION}
        )

    async def sms_get(self, path: str) -> Reply:
        return await self.ask("GET", self.account + path, headers={"Authorization": AUTHORIZATION})

    @asynccontextmanager
    async def smtp(self) -> AsyncIterator[aiosmtplib.SMTP]:
        client = aiosmtplib.SMTP(
            hostname=self.endpoints.smtp_host, port=self.endpoints.smtp_port, use_tls=False, start_tls=False
        )
        await client.connect()
        try:
            yield client
        finally:
            client.close()

    async def mail(self, to: str = KEN, *, subject: str = "避難指示") -> str:
        """The relay's last words. Raises what aiosmtplib raises for a refusal."""
        async with self.smtp() as client:
            return (await client.sendmail("bosai@town.kawabe.example.jp", [to], letter(to, subject)))[1]

    async def faults(self, *rules: dict[str, Any]) -> None:
        reply = await self.ask("POST", "/sandbox/faults", data=msgspec.json.encode(rules))
        assert reply.status == 200, reply.body

    async def state(self) -> Any:
        return (await self.ask("GET", "/sandbox/state")).body

    async def requested(self, count: int = 1) -> list[dict[str, Any]]:
        """The first so many requests, as soon as they are written down."""
        while len(self.requests()) < count:
            await asyncio.sleep(0.01)
        return self.requests()

    async def until(self, settled: Callable[[Any], bool]) -> Any:
        """The state, as soon as it is so."""
        while not settled(state := await self.state()):
            await asyncio.sleep(0.01)
        return state

    def records(self, channel: ChannelName) -> list[dict[str, Any]]:
        return list(lines(Path(self.endpoints.directory) / f"{channel}.jsonl"))

    def requests(self) -> list[dict[str, Any]]:
        return list(lines(Path(self.endpoints.directory) / "requests.jsonl"))


def letter(to: str, subject: str = "避難指示") -> bytes:
    message = EmailMessage()
    message["From"] = "川辺町 <bosai@town.kawabe.example.jp>"
    message["Subject"] = subject
    message["Message-ID"] = "<d1.b3.0@town.kawabe.example.jp>"
    message.set_content("すぐに川辺小学校へ避難してください。\n")
    return message.as_bytes()


@asynccontextmanager
async def open_desk(directory: Path, *, faults: Iterable[Rule] = (), **options: Any) -> AsyncIterator[Desk]:
    given = Options(directory=directory, faults=tuple(faults), **{"receipt_delay": 0.0, **options})
    async with serving(given) as endpoints, aiohttp.ClientSession() as session:
        yield Desk(endpoints, session)
