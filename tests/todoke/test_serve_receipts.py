"""A provider's receipts on their way through `todoke serve`, which stands behind the address they are sent to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from yarl import URL

from channels.sandbox.process import start_sandbox
from channels.sandbox.sms_callbacks import signature
from tests.dispatcher.engine_room import CAST, HEADER, RIVERSIDE
from tests.scenarios.cli import Todoke
from todoke.receipts import PATH

SIGNATURE = "X-Twilio-Signature"
PATIENCE = 60.0


@dataclass
class Gate:
    """The town's public address: hands callbacks on to `todoke serve`, and remembers them with their answers."""

    url: str = ""
    serve: str = ""
    passed: list[tuple[str, dict[str, str], str, int]] = field(default_factory=list)
    news: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def hand_on(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        status = await self.post(request.query_string, form, signed := request.headers[SIGNATURE])
        async with self.news:
            self.passed.append((request.query_string, form, signed, status))
            self.news.notify_all()
        return web.Response(status=status)

    async def post(self, query: str, form: dict[str, str], signed: str) -> int:
        """The answer of `todoke serve`."""
        url = URL(f"{self.serve}{PATH}?{query}", encoded=True)
        async with (
            aiohttp.ClientSession() as client,
            client.post(url, data=form, headers={SIGNATURE: signed}) as answer,
        ):
            return answer.status

    async def delivered(self, number: int) -> list[tuple[str, dict[str, str], str, int]]:
        """The first so many callbacks that said `delivered`."""

        def those() -> list[tuple[str, dict[str, str], str, int]]:
            return [each for each in self.passed if each[1]["MessageStatus"] == "delivered"]

        async with asyncio.timeout(PATIENCE), self.news:
            await self.news.wait_for(lambda: len(those()) >= number)
        return those()


@asynccontextmanager
async def open_gate() -> AsyncIterator[Gate]:
    gate = Gate()
    app = web.Application()
    app.add_routes([web.post(PATH, gate.hand_on)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gate.url = f"http://127.0.0.1:{runner.addresses[0][1]}{PATH}"
    yield gate
    await runner.cleanup()


@dataclass(frozen=True)
class Town:
    gate: Gate
    todoke: Todoke

    async def send(self) -> str:
        """An evacuation order by SMS, to Hana and Tome; the dispatch."""
        event = self.todoke.data / "event.json"
        event.write_text(json.dumps(order(), ensure_ascii=False), encoding="utf-8")
        sent = await self.todoke.ok("send", event, "--requested-by", "佐藤", "--approved-by", "森", "--json")
        dispatch: str = sent.last["dispatch"]
        return dispatch

    async def counts(self, dispatch: str) -> dict[str, int]:
        sms = (await self.todoke.ok("status", dispatch, "--json")).last["channels"]["sms"]
        return {name: number for name, number in sms.items() if number}


def order() -> dict[str, Any]:
    return {
        "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "川辺町長",
        "area": {"type": "Polygon", "coordinates": RIVERSIDE}, "channels": ["sms"],
        "texts": {"ja": {"body": "川沿いに{level_name}。"}},
        "valid_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }  # fmt: skip


@pytest.fixture
async def town(tmp_path: Path, fresh_database_url: str) -> AsyncIterator[Town]:
    """Kawabe with its cast, a sandbox that reports to the gate, and `todoke serve` behind that."""
    async with AsyncExitStack() as stack:
        gate = await stack.enter_async_context(open_gate())
        sandbox = await stack.enter_async_context(start_sandbox(tmp_path / "sandbox", callback=gate.url))
        todoke = Todoke(tmp_path / "data", fresh_database_url, sandbox.settings_file)
        people = tmp_path / "people.csv"
        people.write_text(HEADER + "\n".join(CAST.values()) + "\n", encoding="utf-8")
        await todoke.ok("import", "subscribers", people)
        process = await todoke.start("serve", "--json", "--set", "serve.port=0", "--set", "log.level=error")
        stack.push_async_callback(process.communicate)
        stack.callback(process.kill)
        assert process.stdout is not None
        gate.serve = json.loads(await process.stdout.readline())["listening"]
        yield Town(gate, todoke)


async def test_a_signed_receipt_makes_accepted_delivered(town: Town) -> None:
    dispatch = await town.send()
    assert [status for *_, status in await town.gate.delivered(2)] == [204, 204]
    assert await town.counts(dispatch) == {"delivered": 2}


async def test_a_forged_receipt_is_403_and_changes_nothing(town: Town) -> None:
    dispatch = await town.send()
    query, form, signed, _ = (await town.gate.delivered(2))[0]
    assert await town.gate.post(query, form | {"MessageStatus": "undelivered"}, signed) == 403
    assert await town.gate.post(query, form, "") == 403
    assert await town.counts(dispatch) == {"delivered": 2}


@pytest.mark.parametrize("token", ["1123-nobody.1.0", "nobody"])
async def test_a_signed_receipt_for_nobody_of_ours_is_404(town: Town, token: str) -> None:
    url = URL(town.gate.url).with_query(token=token)
    form = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    assert await town.gate.post(url.raw_query_string, form, signature(str(url), form)) == 404
