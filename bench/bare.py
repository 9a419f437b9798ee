"""Bare clients: what is left of a call when nothing but the bytes goes over the wire."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import aiosmtplib
import msgspec

from bench.remote import Remote
from bench.working import email
from channels.contract import Message, Recipient
from channels.line import MULTICAST
from channels.mime import Letterhead

Call: TypeAlias = Callable[[list[Recipient], UUID], Callable[[], Awaitable[None]]]
"""Makes one call ready: all that can be made beforehand is made now."""


@asynccontextmanager
async def bare_line(remote: Remote, connections: int, message: Message) -> AsyncIterator[Call]:
    async with _session(connections) as session:
        said = {"messages": [{"type": "text", "text": message.body}], "notificationDisabled": not message.loud}

        def ready(recipients: list[Recipient], key: UUID) -> Callable[[], Awaitable[None]]:
            body = msgspec.json.encode({"to": [each.address for each in recipients], **said})
            headers = {
                "X-Line-Retry-Key": str(key),
                "Authorization": "Bearer bench",
                "Content-Type": "application/json",
            }
            return lambda: _post(session, remote.url + MULTICAST, body, headers)

        yield ready


@asynccontextmanager
async def bare_sms(remote: Remote, connections: int, message: Message) -> AsyncIterator[Call]:
    account = "AC" + "0" * 32
    url = f"{remote.url}/2010-04-01/Accounts/{account}/Messages.json"
    headers = {
        "Authorization": aiohttp.encode_basic_auth(account, "bench"),
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    async with _session(connections) as session:

        def ready(recipients: list[Recipient], _key: UUID) -> Callable[[], Awaitable[None]]:
            form = {"To": recipients[0].address, "Body": message.body, "From": "+815000000000"}
            body = urlencode(form).encode()
            return lambda: _post(session, url, body, headers)

        yield ready


@asynccontextmanager
async def bare_mail(remote: Remote, connections: int, message: Message) -> AsyncIterator[Call]:
    sender = email(remote.mail_port).from_address
    letterhead = Letterhead(address=sender, name="", reply_to=None)
    async with AsyncExitStack() as stack:
        idle: asyncio.LifoQueue[aiosmtplib.SMTP] = asyncio.LifoQueue()
        for _ in range(connections):
            smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=remote.mail_port, start_tls=False)
            idle.put_nowait(await stack.enter_async_context(smtp))

        async def post(address: str, mail: bytes) -> None:
            smtp = await idle.get()
            await smtp.sendmail(sender, [address], mail)
            idle.put_nowait(smtp)

        def ready(recipients: list[Recipient], key: UUID) -> Callable[[], Awaitable[None]]:
            mail = letterhead.write(message, recipients[0], key, datetime.now(UTC)).removesuffix(b".\r\n")
            return lambda: post(recipients[0].address, mail)

        yield ready


def _session(connections: int) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections), cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
    )


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str]) -> None:
    async with session.post(url, data=body, headers=headers) as reply:
        await reply.read()
        reply.raise_for_status()
