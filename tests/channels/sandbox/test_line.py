"""The LINE look-alike keeps LINE's rules."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.channels.sandbox.desk import HANA, KEY, LINH, MEI, ORDER, Desk, open_desk

MULTICAST = "/v2/bot/message/multicast"


def people(count: int) -> list[str]:
    return [f"U{number:032x}" for number in range(count)]


async def test_a_multicast_is_recorded_before_it_is_answered(desk: Desk) -> None:
    reply = await desk.multicast([HANA, LINH], key=KEY, notificationDisabled=True)
    assert (reply.status, reply.body) == (200, {})
    [record] = desk.records("line")
    assert record["request_id"] == reply.headers["x-line-request-id"]
    assert (record["to"], record["retry_key"], record["silent"]) == ([HANA, LINH], KEY, True)
    assert record["messages"] == [ORDER]


async def test_a_push_names_the_messages_it_sent(desk: Desk) -> None:
    reply = await desk.push(HANA)
    assert reply.status == 200
    [message] = reply.body["sentMessages"]
    assert message["id"].isdigit()
    assert desk.records("line")[0]["to"] == [HANA]


async def test_a_reply_token_is_good_for_one_reply(desk: Desk) -> None:
    body = {"replyToken": "hana-1", "messages": [ORDER]}
    first, second = [await desk.line("/v2/bot/message/reply", body) for _ in range(2)]
    assert first.status == 200
    assert (second.status, second.body) == (400, {"message": "Invalid reply token"})
    assert [record["reply_token"] for record in desk.records("line")] == ["hana-1"]


@pytest.mark.parametrize("token", ["Bearer wrong", "Basic x", ""])
async def test_a_wrong_token_is_401(desk: Desk, token: str) -> None:
    reply = await desk.line(MULTICAST, {"to": [HANA], "messages": [ORDER]}, headers={"Authorization": token})
    assert reply.status == 401
    assert reply.body["message"].startswith("Authentication failed due to the following reason: ")


async def test_another_content_type_is_415(desk: Desk) -> None:
    reply = await desk.line(MULTICAST, b"to=x", headers={"Content-Type": "text/plain"})
    assert (reply.status, reply.body) == (415, {"message": "The content type, text/plain, is not supported"})


async def test_a_body_over_two_megabytes_is_413(desk: Desk) -> None:
    reply = await desk.line(MULTICAST, {"to": ["x" * 2 * 1024 * 1024], "messages": []})
    assert reply.status == 413


@pytest.mark.parametrize(
    ("body", "place"),
    [(b'{\n  "to": oops}', "(line: 2, column: 9)"), (b"", "(line: 1, column: 1)")],
)
async def test_a_body_that_is_not_json_is_400_with_its_place(desk: Desk, body: bytes, place: str) -> None:
    reply = await desk.line(MULTICAST, body)
    assert reply.status == 400
    assert reply.body["message"].startswith(f"The request body could not be parsed as JSON {place}")


@pytest.mark.parametrize(
    "bad",
    [
        "U" + "A" * 32,
        "U" + "a" * 31,
        "V" + "a" * 32,
        "a" * 32 + "U",
        "",
        "U" + "U" * 32,
        "Ｕ" + "a" * 32,
        "U" + "a" * 31 + "\n",
    ],
)
async def test_a_malformed_id_is_400_and_named_by_its_place(desk: Desk, bad: str) -> None:
    reply = await desk.multicast([HANA, bad, LINH])
    assert (reply.status, reply.body) == (
        400,
        {"message": "The property, to[1], in the request body is invalid (line: -, column: -)"},
    )
    assert desk.records("line") == []


async def test_a_repeated_id_is_400_and_named_by_its_second_place(desk: Desk) -> None:
    reply = await desk.multicast([HANA, LINH, HANA])
    assert "to[2]" in reply.body["message"]


@pytest.mark.parametrize(("count", "status"), [(0, 400), (1, 200), (500, 200), (501, 400)])
async def test_a_multicast_has_one_to_five_hundred_recipients(desk: Desk, count: int, status: int) -> None:
    reply = await desk.multicast(people(count))
    assert reply.status == status
    if status == 400:
        assert reply.body["details"] == [{"message": "Size must be between 1 and 500", "property": "to"}]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"to": [HANA]}, "The request body has 1 error(s)"),
        ({"to": HANA, "messages": [ORDER]}, "The property, to, in the request body is invalid"),
        ({"to": [7], "messages": [ORDER]}, "The property, to[0], in the request body is invalid"),
    ],
)
async def test_a_body_of_another_shape_is_400(desk: Desk, body: Any, message: str) -> None:
    reply = await desk.line(MULTICAST, body)
    assert reply.status == 400
    assert reply.body["message"].startswith(message)


async def test_every_problem_of_the_messages_is_listed(desk: Desk) -> None:
    reply = await desk.multicast([HANA], messages=[{"type": "text"}, {"type": "nope"}])
    assert reply.body["message"] == "The request body has 2 error(s)"
    assert [detail["property"] for detail in reply.body["details"]] == ["messages[0].text", "messages[1].type"]


async def test_the_same_retry_key_again_is_409_and_names_the_accepted_request(desk: Desk) -> None:
    first = await desk.multicast([HANA], key=KEY)
    again = await desk.multicast([LINH, MEI], key=KEY.upper())
    assert (again.status, again.body) == (409, {"message": "The retry key is already accepted"})
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]
    assert again.headers["x-line-request-id"] != first.headers["x-line-request-id"]
    assert len(desk.records("line")) == 1


async def test_a_push_again_repeats_the_ids_of_its_messages(desk: Desk) -> None:
    first, again = [await desk.push(HANA, key=KEY) for _ in range(2)]
    assert again.status == 409
    assert again.body["sentMessages"][0]["id"] == first.body["sentMessages"][0]["id"]


async def test_two_requests_with_one_key_at_once_count_once(desk: Desk) -> None:
    replies = await asyncio.gather(*(desk.multicast([HANA], key=KEY) for _ in range(8)))
    assert sorted(reply.status for reply in replies) == [200] + [409] * 7
    assert len(desk.records("line")) == 1


async def test_a_refused_request_does_not_use_up_its_key(desk: Desk) -> None:
    assert (await desk.multicast(["nobody"], key=KEY)).status == 400
    assert (await desk.multicast([HANA], key=KEY)).status == 200


async def test_a_key_is_still_known_after_a_restart(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        first = await desk.multicast([HANA], key=KEY)
    async with open_desk(tmp_path) as desk:
        again = await desk.multicast([HANA], key=KEY)
    assert again.headers["x-line-accepted-request-id"] == first.headers["x-line-request-id"]


async def test_a_key_that_is_a_day_old_is_forgotten(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.multicast([HANA], key=KEY)
        old = desk.records("line")[0]["at"]
    path = tmp_path / "line.jsonl"
    path.write_text(path.read_text().replace(old, "2026-01-01T00:00:00.000000+00:00"))
    async with open_desk(tmp_path) as desk:
        assert (await desk.multicast([HANA], key=KEY)).status == 200


@pytest.mark.parametrize("key", ["hana", "0b8bd2b2-9a0f-5c0e-8d9e", "zz8bd2b2-9a0f-5c0e-8d9e-5a0c8f4e1d11"])
async def test_a_key_that_is_no_uuid_is_400(desk: Desk, key: str) -> None:
    assert (await desk.multicast([HANA], key=key)).status == 400


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v2/bot/message/reply", {"replyToken": "hana-1", "messages": [ORDER]}),
        ("/v2/bot/message/validate/multicast", {"messages": [ORDER]}),
    ],
)
async def test_a_key_where_none_is_taken_is_400(desk: Desk, path: str, body: Any) -> None:
    assert (await desk.line(path, body, key=KEY)).status == 400
    assert desk.records("line") == []


async def test_validating_sends_nothing(desk: Desk) -> None:
    assert (await desk.line("/v2/bot/message/validate/multicast", {"messages": [ORDER]})).body == {}
    assert (await desk.line("/v2/bot/message/validate/push", {"messages": []})).status == 400
    assert desk.records("line") == []


async def test_over_the_rate_is_429_with_the_sentence_for_trying_again(tmp_path: Path) -> None:
    async with open_desk(tmp_path, line_rate=1) as desk:
        replies = await asyncio.gather(*(desk.multicast([HANA]) for _ in range(40)))
        refused = [reply for reply in replies if reply.status == 429]
        assert len(desk.records("line")) == len(replies) - len(refused)
        assert refused[0].body == {"message": "The API rate limit has been exceeded. Try again later."}


async def test_the_rate_is_each_endpoints_own(tmp_path: Path) -> None:
    async with open_desk(tmp_path, line_rate=1) as desk:
        assert (await desk.multicast([HANA])).status == 200
        assert (await desk.push(HANA)).status == 200


async def test_no_rate_is_no_limit(tmp_path: Path) -> None:
    async with open_desk(tmp_path, line_rate=0) as desk:
        replies = await asyncio.gather(*(desk.multicast([HANA]) for _ in range(300)))
        assert {reply.status for reply in replies} == {200}


async def test_a_spent_quota_is_429_with_the_sentence_for_stopping(tmp_path: Path) -> None:
    async with open_desk(tmp_path, quota=3) as desk:
        assert (await desk.multicast([HANA, LINH])).status == 200
        over = await desk.multicast([HANA, LINH])
        assert (over.status, over.body) == (429, {"message": "You have reached your monthly limit."})
        assert (await desk.line("/v2/bot/message/quota")).body == {"type": "limited", "value": 3}
        assert (await desk.line("/v2/bot/message/quota/consumption")).body == {"totalUsage": 2}
        assert (await desk.multicast([MEI])).status == 200


async def test_without_a_quota_there_is_none(desk: Desk) -> None:
    assert (await desk.line("/v2/bot/message/quota")).body == {"type": "none"}


async def test_who_blocked_the_account_is_dropped_in_silence_and_not_counted(desk: Desk) -> None:
    await desk.ask("POST", "/sandbox/blocked", data=f'{{"line": ["{LINH}"]}}')
    reply = await desk.multicast([HANA, LINH])
    assert (reply.status, reply.body) == (200, {})
    [record] = desk.records("line")
    assert (record["to"], record["blocked"]) == ([HANA], [LINH])
    assert (await desk.line("/v2/bot/message/quota/consumption")).body == {"totalUsage": 1}


async def test_a_profile_is_told_but_not_of_who_blocked_the_account(desk: Desk) -> None:
    assert (await desk.line(f"/v2/bot/profile/{HANA}")).body["userId"] == HANA
    await desk.ask("POST", "/sandbox/blocked", data=f'{{"line": ["{HANA}"]}}')
    assert (await desk.line(f"/v2/bot/profile/{HANA}")).status == 404


async def test_an_aggregation_unit_has_one_plain_name(desk: Desk) -> None:
    assert (await desk.multicast([HANA], customAggregationUnits=["fireworks_2026"])).status == 200
    assert (await desk.multicast([HANA], customAggregationUnits=["花火"])).status == 400
    assert (await desk.multicast([HANA], customAggregationUnits=["a", "b"])).status == 400


async def test_every_request_leaves_a_line_with_its_outcome(desk: Desk) -> None:
    await desk.multicast([HANA, LINH])
    await desk.multicast(["nobody"])
    outcomes = [(line["outcome"], line["status"], line["count"]) for line in desk.requests()]
    assert outcomes == [("accepted", 200, 2), ("refused", 400, 1)]


@pytest.mark.parametrize(
    ("fault", "status", "message"),
    [
        ("rate", 429, "The API rate limit has been exceeded. Try again later."),
        ("quota", 429, "You have reached your monthly limit."),
        ("error", 500, "Internal Server Error"),
        ("unauthorized", 401, "Authentication failed"),
    ],
)
async def test_a_refusing_fault_accepts_nothing(desk: Desk, fault: str, status: int, message: str) -> None:
    await desk.faults({"channel": "line", "fault": fault, "first": 1})
    reply = await desk.multicast([HANA], key=KEY)
    assert reply.status == status
    assert reply.body["message"].startswith(message)
    assert (await desk.multicast([HANA], key=KEY)).status == 200


async def test_an_error_although_accepted_is_recorded_and_its_key_is_spent(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "error_accepted", "first": 1})
    assert (await desk.multicast([HANA], key=KEY)).status == 500
    assert (await desk.multicast([HANA], key=KEY)).status == 409
    assert len(desk.records("line")) == 1


async def test_what_is_swallowed_is_answered_and_neither_recorded_nor_counted(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "swallow", "first": 1})
    assert (await desk.multicast([HANA], key=KEY)).status == 200
    assert desk.records("line") == []
    assert (await desk.state())["line"]["used"] == 0


@pytest.mark.parametrize(("fault", "recorded"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_dropped_connection_leaves_a_record_or_none(desk: Desk, fault: str, recorded: int) -> None:
    await desk.faults({"channel": "line", "fault": fault, "first": 1})
    with pytest.raises(aiohttp.ClientConnectionError):
        await desk.multicast([HANA], key=KEY)
    assert len(desk.records("line")) == recorded
    assert (await desk.multicast([HANA], key=KEY)).status == (409 if recorded else 200)


@pytest.mark.parametrize(("fault", "outcome"), [("timeout", "held"), ("timeout_accepted", "accepted")])
async def test_a_held_request_is_answered_never(desk: Desk, fault: str, outcome: str) -> None:
    await desk.faults({"channel": "line", "fault": fault, "first": 1})
    asking = asyncio.create_task(desk.multicast([HANA], key=KEY))
    assert (await desk.requested())[0]["outcome"] == outcome
    assert not asking.done()
    asking.cancel()
    assert len(desk.records("line")) == (outcome == "accepted")


async def test_a_slow_answer_is_an_answer(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "slow", "seconds": 0.01})
    assert (await desk.multicast([HANA])).status == 200
    assert desk.requests()[0]["fault"] == "slow"


async def test_a_refused_person_is_named_wherever_they_stand(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "refuse", "to": LINH})
    reply = await desk.multicast([HANA, MEI, LINH])
    assert reply.body["message"] == "The property, to[2], in the request body is invalid (line: -, column: -)"
    assert (await desk.multicast([HANA, MEI])).status == 200


async def test_a_refusal_can_keep_to_itself_who_it_meant(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "refuse", "to": LINH, "named": False})
    reply = await desk.multicast([HANA, LINH])
    assert (reply.status, reply.body) == (400, {"message": "Failed to send messages"})
