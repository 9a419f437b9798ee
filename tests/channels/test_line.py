from __future__ import annotations

from dataclasses import replace

import pytest

from channels.contract import Answer, Message, Pause, Recipient, Verdict
from channels.line import LineChannel, LineSettings, classify
from channels.wire import Reply
from tests.channels.cast import FESTIVAL, HANA_LINE, KEY, LINH_LINE, ORDER
from tests.channels.servers import HttpServer, Request, Response, listening
from tests.channels.stands import opened


def said(status: int, body: bytes = b"{}", **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, named, body)


async def request_of(message: Message, *recipients: Recipient) -> Request:
    async with listening(HttpServer(lambda _: Response(200))) as line:
        settings = LineSettings.model_validate({"token": "secret-token", "endpoint": f"{line.url}/"})
        async with opened(LineChannel(settings)) as channel:
            await channel.send(message, recipients, key=KEY, expires_at=None)
        return line.requests[0]


class TestRequest:
    async def test_is_a_multicast_even_to_one(self) -> None:
        request = await request_of(ORDER, HANA_LINE)
        assert request.path == "/v2/bot/message/multicast"
        assert request.json() == {
            "to": [HANA_LINE.address],
            "messages": [{"type": "text", "text": ORDER.body}],
            "notificationDisabled": False,
        }

    async def test_carries_the_retry_key_and_the_token_of_the_sdk(self) -> None:
        request = await request_of(ORDER, HANA_LINE, LINH_LINE)
        assert request.headers["x-line-retry-key"] == str(KEY)
        assert request.headers["authorization"] == "Bearer secret-token"
        assert request.headers["content-type"] == "application/json"
        assert request.headers["user-agent"].startswith("line-bot-sdk-python/")

    async def test_of_a_festival_makes_no_sound(self) -> None:
        assert (await request_of(FESTIVAL, LINH_LINE)).json()["notificationDisabled"] is True

    async def test_is_byte_for_byte_the_same_when_repeated(self) -> None:
        first, again = [await request_of(ORDER, HANA_LINE, LINH_LINE) for _ in range(2)]
        assert first.body == again.body

    async def test_reuses_its_connections(self) -> None:
        async with listening(HttpServer(lambda _: Response(200))) as line:
            settings = LineSettings.model_validate({"token": "t", "endpoint": line.url})
            async with opened(LineChannel(settings)) as channel:
                for _ in range(3):
                    await channel.send(ORDER, [HANA_LINE], key=KEY, expires_at=None)
            assert (len(line.requests), line.connections) == (3, 1)

    async def test_is_accepted_when_only_the_body_of_the_reply_breaks_off(self) -> None:
        reply = Response(200, b"{", {"x-line-request-id": "r-9"}, promised=10)
        async with listening(HttpServer(lambda _: reply)) as line:
            settings = LineSettings.model_validate({"token": "t", "endpoint": line.url})
            async with opened(LineChannel(settings)) as channel:
                answer = await channel.send(ORDER, [HANA_LINE], key=KEY, expires_at=None)
        assert answer == Answer(Verdict.ACCEPTED, code="200", reference="r-9")


class TestClassify:
    def test_a_repeat_already_accepted_is_accepted_under_the_first_id(self) -> None:
        answer = classify(said(409, x_line_accepted_request_id="r-1"), 500)
        assert (answer.verdict, answer.reference) == (Verdict.ACCEPTED, "r-1")

    def test_a_409_that_names_no_accepted_request_proves_nothing(self) -> None:
        assert classify(said(409), 500).verdict is Verdict.AMBIGUOUS

    def test_the_two_429s_are_told_apart_by_their_text(self) -> None:
        fast = classify(said(429, b'{"message":"The API rate limit has been exceeded. Try again later."}'), 500)
        spent = classify(said(429, b'{"message":"You have reached your monthly limit."}'), 500)
        assert fast == Answer(Verdict.RETRY, code="429", pause=Pause("channel", 1.0, "rate"))
        assert spent == Answer(Verdict.RETRY, code="429", pause=Pause("channel", None, "quota"))

    def test_a_400_that_names_a_recipient_splits_there(self) -> None:
        body = b'{"message":"The property, to[137], in the request body is invalid (line: -, column: -)"}'
        assert classify(said(400, body), 500) == Answer(Verdict.SPLIT, code="400", suspect=137)

    def test_the_name_may_stand_in_the_details(self) -> None:
        body = b'{"message":"The request body has 1 error(s)","details":[{"message":"bad","property":"to[3]"}]}'
        assert classify(said(400, body), 5).suspect == 3

    def test_a_400_that_names_nobody_we_know_of_splits_in_the_dark(self) -> None:
        assert classify(said(400, b'{"message":"Failed to send messages"}'), 2).suspect is None
        assert classify(said(400, b'{"message":"to[7] is invalid"}'), 2).suspect is None

    def test_a_400_about_the_only_recipient_rejects_them(self) -> None:
        assert classify(said(400, b'{"message":"to[0] is invalid"}'), 1) == Answer(Verdict.REJECTED, code="400")

    def test_a_400_about_the_message_rejects_everyone_without_a_search(self) -> None:
        body = b'{"message":"1 error(s)","details":[{"message":"too long","property":"messages[0].text"}]}'
        assert classify(said(400, body), 500) == Answer(Verdict.REJECTED, code="400 messages")

    @pytest.mark.parametrize("status", [401, 403])
    def test_refused_credentials_stop_the_channel(self, status: int) -> None:
        assert classify(said(status), 500).pause == Pause("channel", None, "credentials")

    @pytest.mark.parametrize("status", [301, 404, 405, 415])
    def test_a_wrong_address_stops_the_channel_and_costs_nobody_the_message(self, status: int) -> None:
        answer = classify(said(status), 500)
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("channel", None, "configuration"))

    @pytest.mark.parametrize(("status", "verdict"), [(413, Verdict.REJECTED), (500, Verdict.AMBIGUOUS)])
    def test_too_large_is_final_and_a_server_error_proves_nothing(self, status: int, verdict: Verdict) -> None:
        assert classify(said(status), 500).verdict is verdict

    def test_an_error_that_is_not_json_is_read_as_it_stands(self) -> None:
        assert classify(said(429, b"You have reached your monthly limit."), 1).pause == Pause("channel", None, "quota")


class TestCheck:
    def test_counts_an_emoji_as_two(self) -> None:
        channel = LineChannel(LineSettings.model_validate({"token": "t"}))
        assert channel.check(replace(ORDER, body="🌊" * 2_500)) == []
        (problem,) = channel.check(replace(ORDER, body="🌊" * 2_501))
        assert problem.ja == (
            "LINEの本文は5,000文字までですが、5,002文字あります（絵文字は2文字と数えます）。短くしてください。"
        )
        assert problem.en == (
            "A LINE text holds 5,000 characters and this one has 5,002 (an emoji counts as two). Shorten it."
        )


def test_nothing_shows_the_token() -> None:
    settings = LineSettings.model_validate({"token": "secret-token"})
    assert "secret-token" not in f"{settings!r} {settings.model_dump()}"


async def test_a_channel_that_is_not_open_says_so() -> None:
    channel = LineChannel(LineSettings.model_validate({"token": "t"}))
    with pytest.raises(RuntimeError, match="not open"):
        await channel.send(ORDER, [HANA_LINE], key=KEY, expires_at=None)
