"""Receipts that come while the database is away wait in the data directory, and are taken in when it is back."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from asyncpg import Pool
from pydantic import SecretStr
from twilio.request_validator import RequestValidator

from channels.memory import MemoryChannel, MemorySettings
from channels.sms import SmsSettings
from dispatcher.batches import BatchStore, Member
from dispatcher.dispatches import status
from dispatcher.model import Outcome
from tests.dispatcher.engine_room import CAST, kawabe, order
from todoke import receipts
from todoke.receipt_spool import Kept, Spool

PUBLIC = "https://todoke.kawabe.example/receipts/sms"
TOKEN = "川辺の合言葉"
TOME = Kept(Member("261123-aaaaaa", 0, 0), Outcome.DELIVERED, "", "SM1")


@pytest.fixture
async def dispatch(pool: Pool, tmp_path: Path) -> str:
    """An order that went to somebody by SMS."""
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    settings = MemorySettings(contact="phone", call_size=1, repeatable=False)
    town.sms = MemoryChannel(settings, name="sms")
    return (await town.sent(order(channels=["sms"]))).dispatch


async def reported(pool: Pool, spool: Spool, dispatch: str) -> int:
    """What Twilio is answered when it says that the first of them got it."""
    account = {"account_sid": "AC" + "0" * 32, "auth_token": SecretStr(TOKEN), "from_number": "+815012345678"}
    sms = SmsSettings.model_validate(account | {"status_callback_url": PUBLIC})
    app = web.Application()
    app.add_routes(receipts.routes(pool, {"sms": sms}, spool))
    query, form = f"token={dispatch}.0.0", {"MessageStatus": "delivered", "MessageSid": "SM1"}
    async with TestClient(TestServer(app)) as twilio:
        signed = {"X-Twilio-Signature": RequestValidator(TOKEN).compute_signature(f"{PUBLIC}?{query}", form)}
        return (await twilio.post(f"{receipts.PATH}?{query}", data=form, headers=signed)).status


async def gone(url: str) -> Pool:
    """A pool whose database is away."""
    away = await asyncpg.create_pool(url, min_size=0)
    await away.close()
    return away


def waiting(directory: Path) -> list[Path]:
    return list(directory.glob("receipts-*.jsonl"))


async def test_a_receipt_survives_the_database(
    pool: Pool, dispatch: str, tmp_path: Path, fresh_database_url: str
) -> None:
    spool = Spool(tmp_path)
    assert await reported(await gone(fresh_database_url), spool, dispatch) == 204
    assert (await status(pool, dispatch)).channels["sms"].get("delivered", 0) == 0
    assert await spool.take_in(BatchStore(pool)) == 1
    assert (await status(pool, dispatch)).channels["sms"]["delivered"] == 1
    assert await spool.take_in(BatchStore(pool)) == 0


async def test_what_waits_waits_until_the_database_is_back(tmp_path: Path, fresh_database_url: str) -> None:
    spool, away = Spool(tmp_path), await gone(fresh_database_url)
    assert await spool.keep(TOME)
    assert [await spool.take_in(BatchStore(away)) for _ in range(2)] == [0, 0]
    assert waiting(tmp_path)


async def test_without_room_who_calls_is_told_to_call_again(
    dispatch: str, tmp_path: Path, fresh_database_url: str
) -> None:
    away = await gone(fresh_database_url)
    assert await reported(away, Spool(tmp_path, most_bytes=10), dispatch) == 503


async def test_a_torn_line_and_a_stranger_keep_nobody_else_waiting(pool: Pool, dispatch: str, tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert await spool.keep(TOME)
    assert await spool.keep(TOME._replace(member=Member(dispatch, 0, 0)))
    with (tmp_path / "receipts.jsonl").open("a") as file:
        file.write(json.dumps([dispatch, 0])[:-1])
    assert await spool.take_in(BatchStore(pool)) == 1
