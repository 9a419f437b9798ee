from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, quote_plus

import pytest
from pydantic import ValidationError

from channels.contract import Answer, Pause, Verdict
from channels.sms import SmsChannel, _quoted_phone, callback, classify
from channels.twilio_codes import PAUSES, REJECTED, meaning
from channels.wire import Reply
from tests.channels.cast import KEY, ORDER, TOME_PHONE
from tests.channels.servers import HttpServer, Request, Response, listening
from tests.channels.stands import opened, sms_settings

ACCOUNT = "AC" + "0" * 32


async def request_of(*, expires_at: datetime | None = None, **changes: object) -> Request:
    async with listening(HttpServer(lambda _: Response(201, b'{"sid":"SM1"}'))) as twilio:
        async with opened(SmsChannel(sms_settings(twilio.url, **changes))) as channel:
            await channel.send(ORDER, [TOME_PHONE], key=KEY, expires_at=expires_at)
        return twilio.requests[0]


def said(status: int, body: str, headers: dict[str, str] | None = None) -> Reply:
    return Reply(status, headers or {}, body.encode())


def form(request: Request) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


def test_a_long_text_costs_its_segments_and_nothing_is_saved_up_for_it() -> None:
    channel = SmsChannel(sms_settings("http://127.0.0.1:1", rate=20, max_segments=10))
    assert channel.cost(replace(ORDER, body="避" * 660)) == 10
    assert [(limit.rate, limit.burst) for limit in channel.lane("").limits] == [(20, 1)]


class TestRequest:
    async def test_creates_one_message(self) -> None:
        request = await request_of()
        assert request.path == f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json"
        assert form(request) == {"To": TOME_PHONE.address, "Body": ORDER.body, "From": "+815012345678"}

    async def test_authenticates_in_a_header_and_comes_from_twilios_client(self) -> None:
        headers = (await request_of()).headers
        assert headers["authorization"].startswith("Basic ")
        assert headers["user-agent"].startswith("twilio-python/")
        assert headers["content-type"] == "application/x-www-form-urlencoded"

    async def test_may_come_from_a_messaging_service(self) -> None:
        sent = form(await request_of(from_number=None, messaging_service_sid="MG" + "1" * 32))
        assert "From" not in sent
        assert sent["MessagingServiceSid"] == "MG" + "1" * 32

    async def test_puts_the_recipients_token_into_the_callback(self) -> None:
        sent = form(await request_of(status_callback_url="https://todoke.kawabe.example/receipts/sms"))
        assert sent["StatusCallback"] == "https://todoke.kawabe.example/receipts/sms?token=d1.b2.0"

    @pytest.mark.parametrize(("left", "least", "most"), [(900, 890, 900), (-60, 1, 1), (10**6, 36_000, 36_000)])
    async def test_is_valid_until_the_text_loses_its_sense(self, left: int, least: int, most: int) -> None:
        sent = form(await request_of(expires_at=datetime.now(UTC) + timedelta(seconds=left)))
        assert least <= int(sent["ValidityPeriod"]) <= most

    async def test_reuses_its_connection(self) -> None:
        async with listening(HttpServer(lambda _: Response(201, b'{"sid":"SM1"}'))) as twilio:
            async with opened(SmsChannel(sms_settings(twilio.url))) as channel:
                for _ in range(3):
                    await channel.send(ORDER, [TOME_PHONE], key=KEY, expires_at=None)
            assert (len(twilio.requests), twilio.connections) == (3, 1)

    async def test_goes_to_the_endpoint_whatever_the_environment_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TWILIO_REGION", "jp1")
        assert (await request_of()).path.endswith("/Messages.json")


def test_a_callback_address_may_have_a_query_and_the_token_any_character() -> None:
    assert callback("https://a.example/r?town=kawabe", "d1/b2&0") == "https://a.example/r?town=kawabe&token=d1%2Fb2%260"


class TestClassify:
    def test_created_is_accepted_under_its_sid(self) -> None:
        answer = classify(said(201, '{"sid":"SM7","status":"queued"}'))
        assert answer == Answer(Verdict.ACCEPTED, code="201", reference="SM7")

    def test_created_is_accepted_even_when_the_rest_of_the_reply_is_lost(self) -> None:
        assert classify(said(201, "")).verdict is Verdict.ACCEPTED

    def test_an_ok_that_is_not_twilios_proves_nothing(self) -> None:
        assert classify(said(200, "<html>log in to the town hall's Wi-Fi</html>")).verdict is Verdict.AMBIGUOUS

    def test_an_unknown_complaint_about_the_request_is_final(self) -> None:
        assert classify(said(400, '{"code":29999}')) == Answer(Verdict.REJECTED, code="29999")

    def test_a_server_error_is_ambiguous_whatever_its_code(self) -> None:
        assert classify(said(503, '{"code":20429}')).verdict is Verdict.AMBIGUOUS

    @pytest.mark.parametrize(
        ("asked", "seconds", "exact"), [("7", 7.0, True), ("9999", 60.0, True), ("soon", 1.0, False)]
    )
    def test_a_429_heeds_retry_after_within_reason(self, asked: str, seconds: float, exact: bool) -> None:
        answer = classify(said(429, '{"code":20429}', {"Retry-After": asked}))
        assert answer == Answer(Verdict.RETRY, code="20429", pause=Pause("channel", seconds, "rate", exact))

    @pytest.mark.parametrize("code", sorted(REJECTED))
    def test_a_number_that_cannot_be_reached_is_rejected(self, code: int) -> None:
        assert classify(said(400, f'{{"code":{code}}}')) == Answer(Verdict.REJECTED, code=str(code))

    @pytest.mark.parametrize("code", sorted(PAUSES))
    def test_trouble_of_ours_costs_nobody_the_message(self, code: int) -> None:
        answer = classify(said(400, f'{{"code":{code}}}'))
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, PAUSES[code])


class TestCodes:
    def test_no_code_has_two_meanings(self) -> None:
        assert not REJECTED.keys() & PAUSES.keys()

    @pytest.mark.parametrize(
        ("code", "reason"), [(20003, "credentials"), (10001, "quota"), (20429, "rate"), (21606, "configuration")]
    )
    def test_the_codes_an_operator_meets(self, code: int, reason: str) -> None:
        answer = meaning(code)
        assert answer is not None
        assert answer.pause is not None
        assert answer.pause.reason == reason

    def test_an_unknown_code_is_left_to_the_status(self) -> None:
        assert meaning(99_999) is None


class TestCheck:
    def test_costs_its_segments(self) -> None:
        channel = SmsChannel(sms_settings("https://api.twilio.com"))
        assert channel.cost(ORDER) == 1
        assert channel.cost(replace(ORDER, body="避" * 71)) == 2

    def test_refuses_more_segments_than_allowed(self) -> None:
        channel = SmsChannel(sms_settings("https://api.twilio.com", max_segments=2))
        assert channel.check(replace(ORDER, body="避" * 134)) == []
        (problem,) = channel.check(replace(ORDER, body="避" * 135))
        assert problem.where == "body"
        assert problem.ja == (
            "SMSの本文は1,600文字・2通分までですが、135文字・3通分あります。"
            "日本語では1通分が67文字です。短くしてください。"
        )
        assert problem.en == (
            "An SMS holds 1,600 characters and 2 segments; this text has 135 characters and 3 segments "
            "(67 characters each in Japanese). Shorten it."
        )


class TestSettings:
    @pytest.mark.parametrize("changes", [{"from_number": None}, {"messaging_service_sid": "MG" + "1" * 32}])
    def test_want_exactly_one_sender(self, changes: dict[str, object]) -> None:
        with pytest.raises(ValidationError, match="set exactly one of from_number and messaging_service_sid"):
            sms_settings("https://api.twilio.com", **changes)

    def test_do_not_show_the_auth_token(self) -> None:
        assert "twilio-token" not in repr(sms_settings("https://api.twilio.com"))


@pytest.mark.parametrize("phone", ["+818012345678", "+", "", "+81 80", "0801&To=%2B1", "+81801234567８", "+８１"])
def test_a_phone_is_written_into_the_form_as_the_standard_library_would(phone: str) -> None:
    assert _quoted_phone(phone) == quote_plus(phone)
