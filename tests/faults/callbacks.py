"""Twilio's status callbacks as a row wants them: kept back from Todoke, and posted as often and in what order it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from yarl import URL

from channels.sandbox.sms_callbacks import signature

PATH = "/receipts/sms"
AT_ONCE = 16


@dataclass
class Desk:
    """What the provider reports to: `url` is its public address. By token, the message each callback was about."""

    url: str = ""
    messages: dict[str, str] = field(default_factory=dict)

    async def keep(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.messages[request.query["token"]] = str(form["MessageSid"])
        return web.Response(status=204)

    async def all_of(self, number: int, seconds: float = 60) -> None:
        """Wait until so many messages were reported on."""
        async with asyncio.timeout(seconds):
            while len(self.messages) < number:
                await asyncio.sleep(0.05)

    async def post(self, serve: str, said: Iterable[tuple[str, str]]) -> list[int]:
        """Post (token, status) to Todoke, one after another for each token, and different tokens at once; the answers."""
        by_token: dict[str, list[str]] = {}
        for token, status in said:
            by_token.setdefault(token, []).append(status)
        room, answers = asyncio.Semaphore(AT_ONCE), list[int]()
        async with aiohttp.ClientSession() as client:

            async def tell(token: str, statuses: list[str]) -> None:
                async with room:
                    answers.extend([await self._post(client, serve, token, status) for status in statuses])

            await asyncio.gather(*(tell(token, statuses) for token, statuses in by_token.items()))
        return answers

    async def _post(self, client: aiohttp.ClientSession, serve: str, token: str, status: str) -> int:
        url = URL(self.url).with_query(token=token)
        form = {"MessageSid": self.messages[token], "MessageStatus": status}
        headers = {"X-Twilio-Signature": signature(str(url), form)}
        there = URL(f"{serve}{PATH}?{url.raw_query_string}", encoded=True)
        async with client.post(there, data=form, headers=headers) as answer:
            return answer.status


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    desk = Desk()
    app = web.Application()
    app.add_routes([web.post(PATH, desk.keep)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    desk.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    try:
        yield desk
    finally:
        await runner.cleanup()
