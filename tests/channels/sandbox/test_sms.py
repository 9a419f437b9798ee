"""The Twilio look-alike keeps Twilio's rules."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Self

import aiohttp
import pytest
from aiohttp import web
from twilio.request_validator import RequestValidator

from channels.sandbox.options import SERVICE_SID
from channels.sandbox.sms_rules import segments
from tests.channels.sandbox.desk import TOME, Desk, open_desk

OTHER = "+818011112222"


class Office:
    """The town's callback address: keeps what Twilio posts."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[tuple[str, dict[str, str], str]] = asyncio.Queue()
        self.url = ""
        self._runner: web.AppRunner | None = None

    async def take(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        await self.calls.put((request.raw_path, form, request.headers["X-Twilio-Signature"]))
        return web.Response()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes([web.post("/receipts", self.take)])
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/receipts?attempt=d1.b2.0&n=%7E%E5%B7%9D"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._runner is not None
        await self._runner.cleanup()


async def test_a_message_is_recorded_before_it_is_answered(desk: Desk) -> None:
    reply = await desk.sms(ValidityPeriod="900")
    assert reply.status == 201
    [record] = desk.records("sms")
    assert record["sid"] == reply.body["sid"]
    assert (record["to"], record["body"], record["validity"], record["segments"]) == (TOME, "避難指示", 900, 1)
    assert reply.body["status"] == "queued"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"to": ""}, 21604),
        ({"to": "090-1234-5678"}, 21211),
        ({"to": "+8190123456"}, 21211),
        ({"to": "+81312345678"}, 21614),
        ({"to": "+815012345678"}, 21614),
        ({"to": "+812012345678"}, 21614),
        ({"From": ""}, 21603),
        ({"From": "+819099999999"}, 21606),
        ({"From": "川辺町"}, 21212),
        ({"MessagingServiceSid": SERVICE_SID}, 21701),
        ({"From": "", "MessagingServiceSid": "MG" + "0" * 32}, 21701),
        ({"body": ""}, 21602),
        ({"body": "避" * 1601}, 21617),
        ({"ValidityPeriod": "0"}, 21624),
        ({"ValidityPeriod": "36001"}, 21624),
        ({"ValidityPeriod": "15.5"}, 21624),
        ({"StatusCallback": "kawabe"}, 21609),
    ],
)
async def test_a_broken_rule_is_400_with_its_code(desk: Desk, changed: dict[str, str], code: int) -> None:
    reply = await desk.sms(**changed)
    assert (reply.status, reply.body["code"]) == (400, code)
    assert reply.body["more_info"] == f"https://www.twilio.com/docs/errors/{code}"
    assert desk.records("sms") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"to": "+816012345678"},
        {"to": "+14155552671"},
        {"body": "避" * 1600},
        {"ValidityPeriod": "36000"},
        {"From": "Kawabe"},
        {"From": "", "MessagingServiceSid": SERVICE_SID},
    ],
)
async def test_what_the_rules_allow_is_created(desk: Desk, changed: dict[str, str]) -> None:
    assert (await desk.sms(**changed)).status == 201


async def test_a_wrong_password_is_401_20003(desk: Desk) -> None:
    reply = await desk.ask("POST", f"{desk.account}/Messages.json", headers={"Authorization": "Basic eDp5"})
    assert (reply.status, reply.body["code"]) == (401, 20003)


async def test_somebody_elses_account_is_404_20404(desk: Desk) -> None:
    desk.account = "/2010-04-01/Accounts/AC" + "0" * 32
    reply = await desk.sms()
    assert (reply.status, reply.body["code"]) == (404, 20404)


async def test_json_is_not_a_form(desk: Desk) -> None:
    headers = {"Authorization": _basic(desk)}
    reply = await desk.ask("POST", f"{desk.account}/Messages.json", data=b'{"To": "x"}', headers=headers)
    assert (reply.status, reply.body["code"]) == (400, 21604)


async def test_a_form_that_is_not_utf_8_is_400(desk: Desk) -> None:
    headers = {"Authorization": _basic(desk), "Content-Type": "application/x-www-form-urlencoded"}
    reply = await desk.ask("POST", f"{desk.account}/Messages.json", data=b"To=%FF", headers=headers)
    assert (reply.status, reply.body["code"]) == (400, 20001)


async def test_a_phone_that_said_stop_is_21610(desk: Desk) -> None:
    await desk.ask("POST", "/sandbox/blocked", data=f'{{"sms": ["{TOME}"]}}')
    assert (await desk.sms()).body["code"] == 21610
    assert (await desk.sms(OTHER)).status == 201


async def test_over_the_rate_is_429_20429(tmp_path: Path) -> None:
    async with open_desk(tmp_path, sms_rate=1) as desk:
        replies = await asyncio.gather(*(desk.sms() for _ in range(30)))
        refused = [reply for reply in replies if reply.status == 429]
        assert refused[0].body["code"] == 20429
        assert len(desk.records("sms")) == len(replies) - len(refused)


@pytest.mark.parametrize(
    ("text", "count"),
    [("a" * 160, 1), ("a" * 161, 2), ("a" * 307, 3), ("€" * 81, 2), ("避" * 70, 1), ("避" * 71, 2), ("𠮷" * 36, 2)],
)
def test_segments_are_counted_as_the_networks_count_them(text: str, count: int) -> None:
    assert segments(text) == count


async def test_messages_are_found_by_recipient_and_day_newest_first(desk: Desk) -> None:
    first, second = [(await desk.sms()).body["sid"] for _ in range(2)]
    await desk.sms(OTHER)
    today = desk.records("sms")[0]["at"][:10]
    query = f"To=%2B{TOME[1:]}&DateSent={today}&DateSent%3E={today}&DateSent%3C={today}"
    found = await desk.sms_get(f"/Messages.json?{query}")
    assert [message["sid"] for message in found.body["messages"]] == [second, first]
    assert (await desk.sms_get("/Messages.json?DateSent=2020-01-01")).body["messages"] == []
    assert (await desk.sms_get("/Messages.json?DateSent%3E=2099-01-01T00:00:00Z")).body["messages"] == []


async def test_a_long_list_comes_in_pages(desk: Desk) -> None:
    sids = [(await desk.sms()).body["sid"] for _ in range(3)]
    page = (await desk.sms_get("/Messages.json?PageSize=2")).body
    rest = (await desk.ask("GET", page["next_page_uri"], headers={"Authorization": _basic(desk)})).body
    assert [message["sid"] for message in page["messages"] + rest["messages"]] == sids[::-1]
    assert rest["next_page_uri"] is None


def _basic(desk: Desk) -> str:
    return aiohttp.encode_basic_auth(desk.endpoints.account_sid, desk.endpoints.auth_token)


async def test_a_list_asked_for_wrongly_is_400(desk: Desk) -> None:
    assert (await desk.sms_get("/Messages.json?DateSent=yesterday")).status == 400


async def test_one_message_is_fetched_by_its_sid_also_after_a_restart(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        sid = (await desk.sms()).body["sid"]
    async with open_desk(tmp_path) as desk:
        assert (await desk.sms_get(f"/Messages/{sid}.json")).body["status"] == "delivered"
        assert (await desk.sms_get("/Messages/SM0.json")).status == 404


async def test_the_sender_is_called_back_as_twilio_signs(desk: Desk) -> None:
    async with Office() as office:
        sid = (await desk.sms(StatusCallback=office.url)).body["sid"]
        calls = [await office.calls.get() for _ in range(2)]
    assert [form["MessageStatus"] for _, form, _ in calls] == ["sent", "delivered"]
    validator = RequestValidator(desk.endpoints.auth_token)
    for path, form, signature in calls:
        assert office.url.endswith(path)
        assert form["MessageSid"] == sid
        assert validator.validate(office.url, form, signature)


async def test_an_undelivered_message_is_reported_with_its_code(desk: Desk) -> None:
    await desk.faults({"channel": "sms", "fault": "undelivered", "to": TOME, "code": 30005})
    async with Office() as office:
        sid = (await desk.sms(StatusCallback=office.url)).body["sid"]
        _, form, _ = [await office.calls.get() for _ in range(2)][1]
    assert (form["MessageStatus"], form["ErrorCode"]) == ("undelivered", "30005")
    assert (await desk.sms_get(f"/Messages/{sid}.json")).body["error_code"] == 30005


async def test_only_this_machine_is_ever_called_back(desk: Desk) -> None:
    await desk.sms(StatusCallback="https://town.kawabe.example.jp/receipts")
    assert (await desk.state())["sms"]["callbacks"] == {"posted": 0, "failed": 0, "skipped": 1, "under_way": 0}


async def test_a_receipt_can_stay_away(desk: Desk) -> None:
    await desk.faults({"channel": "sms", "fault": "no_receipt"})
    async with Office() as office:
        assert (await desk.sms(StatusCallback=office.url)).status == 201
        assert (await desk.state())["sms"]["callbacks"]["under_way"] == 0


async def test_a_callback_nobody_takes_is_counted(desk: Desk) -> None:
    async with Office() as office:
        url = office.url
    await desk.sms(StatusCallback=url)
    state = await desk.until(lambda state: not state["sms"]["callbacks"]["under_way"])
    assert state["sms"]["callbacks"]["failed"] == 2


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [("rate", 429, 20429), ("quota", 429, 21611), ("error", 500, 20500), ("unauthorized", 401, 20003)],
)
async def test_a_refusing_fault_creates_nothing(desk: Desk, fault: str, status: int, code: int) -> None:
    await desk.faults({"channel": "sms", "fault": fault, "first": 1})
    reply = await desk.sms()
    assert (reply.status, reply.body["code"]) == (status, code)
    assert desk.records("sms") == []
    assert (await desk.sms()).status == 201


async def test_one_number_can_be_refused_as_no_mobile(desk: Desk) -> None:
    await desk.faults({"channel": "sms", "fault": "refuse", "to": TOME})
    assert (await desk.sms()).body["code"] == 21614
    assert (await desk.sms(OTHER)).status == 201


async def test_an_error_although_created_can_be_found_in_the_list(desk: Desk) -> None:
    await desk.faults({"channel": "sms", "fault": "error_accepted", "first": 1})
    assert (await desk.sms()).status == 500
    found = await desk.sms_get(f"/Messages.json?To=%2B{TOME[1:]}")
    assert [message["sid"] for message in found.body["messages"]] == [desk.records("sms")[0]["sid"]]


@pytest.mark.parametrize(("fault", "recorded"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_leaves_a_record_or_none(desk: Desk, fault: str, recorded: int) -> None:
    await desk.faults({"channel": "sms", "fault": fault})
    with pytest.raises(aiohttp.ClientConnectionError):
        await desk.sms()
    assert len(desk.records("sms")) == recorded


@pytest.mark.parametrize(("fault", "recorded"), [("timeout", 0), ("timeout_accepted", 1)])
async def test_a_held_request_is_answered_never(desk: Desk, fault: str, recorded: int) -> None:
    await desk.faults({"channel": "sms", "fault": fault})
    asking: asyncio.Task[Any] = asyncio.create_task(desk.sms())
    await desk.requested()
    assert not asking.done()
    asking.cancel()
    assert len(desk.records("sms")) == recorded
