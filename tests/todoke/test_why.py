"""`todoke why`: in or out, by which place, on which channels, and what became of each message."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool

from channels.contract import Answer as Said
from channels.contract import Verdict
from console.report.person import Answer, explain
from dispatcher.batches import BatchStore, Member
from dispatcher.model import Outcome
from subscribers.moving import Position, forget, move
from subscribers.store import leave, subscriber_number
from tests.dispatcher.engine_room import CAST, Kawabe, invitation, kawabe, order
from tests.dispatcher.new_area import FULL, update
from tests.todoke.running import todoke
from words.problem import Refused

CONTACTS = {"line": "line", "sms": "phone", "email": "email"}


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def why(town: Kawabe, dispatch: str, subscriber: str) -> Answer:
    return await explain(town.pool, dispatch, subscriber, CONTACTS, UTC)


def codes(answer: Answer) -> list[str]:
    assert answer.history is None
    return [reason.code for reason in answer.reasons]


async def test_hana_was_in_by_her_home_and_got_two_messages(town: Kawabe) -> None:
    end = await town.sent(order())
    answer = (await why(town, end.dispatch, "hana")).as_json()
    assert (answer["included"], answer["place"], answer["reasons"]) == (True, "自宅", [])
    assert sorted((each["channel"], each["outcome"]) for each in answer["messages"]) == [
        ("line", "accepted"),
        ("sms", "accepted"),
    ]


async def test_ken_was_out_because_he_lives_on_the_hill(town: Kawabe) -> None:
    end = await town.sent(order())
    answer = await why(town, end.dispatch, "ken")
    assert codes(answer) == ["outside"]
    assert "「自宅」で区域から約5.8kmです" in answer.reasons[0].ja
    assert "may have changed since" in answer.reasons[0].en


async def test_hana_was_out_of_a_drill_because_she_is_not_on_the_list(town: Kawabe) -> None:
    end = await town.sent(order(mode="drill"))
    assert codes(await why(town, end.dispatch, "hana")) == ["not_in_drills"]


async def test_linh_did_not_ask_for_festivals(town: Kawabe) -> None:
    end = await town.sent(invitation())
    assert codes(await why(town, end.dispatch, "linh")) == ["no_topic"]


async def test_tome_cannot_be_reached_by_email(town: Kawabe) -> None:
    end = await town.sent(order(channels=["email"]))
    assert codes(await why(town, end.dispatch, "tome")) == ["no_contact"]


async def test_mei_had_left_before(town: Kawabe) -> None:
    await leave(town.pool, "mei")
    end = await town.sent(order())
    assert "left" in codes(await why(town, end.dispatch, "mei"))


async def test_aya_joined_afterwards(town: Kawabe, tmp_path: Path) -> None:
    end = await town.sent(order())
    await town.settle(tmp_path, ["aya,ja,,,090-1111-0009,,自宅,34.6,133.7"])
    assert codes(await why(town, end.dispatch, "aya")) == ["joined_since"]


async def test_nobody_is_known_under_a_wrong_id(town: Kawabe) -> None:
    end = await town.sent(order())
    assert codes(await why(town, end.dispatch, "hanna")) == ["unknown"]


async def test_before_planning_nobody_can_be_told_yet(town: Kawabe) -> None:
    dispatch = await town.send(order())
    assert codes(await why(town, dispatch, "hana")) == ["not_planned"]


async def test_a_correction_concerns_only_whom_the_mistake_reached(town: Kawabe) -> None:
    mistake = await town.sent(order())
    end = await town.sent(order(area=None, reference={"corrects": mistake.dispatch}, id="correction"))
    assert codes(await why(town, end.dispatch, "ken")) == ["not_reached_before"]
    assert (await why(town, end.dispatch, "hana")).history is not None


async def test_of_an_update_it_says_which_of_three_audiences_somebody_was_in(town: Kawabe) -> None:
    first = await town.sent(order(texts=FULL))
    end = await town.sent(update(first.dispatch))
    told = {who: (await why(town, end.dispatch, who)).as_json()["audience"] for who in ("hana", "ken", "linh")}
    assert told == {"hana": "still", "ken": "new", "linh": "released"}
    assert (await why(town, first.dispatch, "hana")).as_json()["audience"] is None


async def test_a_place_removed_since_is_said_to_be_gone(town: Kawabe) -> None:
    end = await town.sent(order())
    await town.pool.execute("delete from place where subscriber = (select number from subscriber where id = 'hana')")
    answer = await why(town, end.dispatch, "hana")
    assert answer.place is None
    assert answer.history is not None
    assert answer.history.place > 0


async def test_attempts_and_receipts_are_told_with_times_and_codes(town: Kawabe) -> None:
    town.sms.will_answer(*[Said(Verdict.ACCEPTED, code="201", reference="SM1")] * 2)
    end = await town.sent(order(channels=["sms"]))
    for call in town.sms.taken:
        member = Member.from_token(call.recipients[0].token)
        assert member is not None
        await BatchStore(town.pool).receipt(member, Outcome.DELIVERED, code="0", ref="SM1")
    [message] = (await why(town, end.dispatch, "tome")).as_json()["messages"]
    assert [(each["outcome"], each["code"], each["ref"]) for each in message["attempts"]] == [
        ("accepted", "201", "SM1")
    ]
    assert [each["outcome"] for each in message["receipts"]] == ["delivered"]
    assert message["outcome"] == "delivered"


async def test_an_unknown_dispatch_is_refused(town: Kawabe) -> None:
    with pytest.raises(Refused) as refusal:
        await why(town, "1123-nobody", "hana")
    assert "1123-nobody" in refusal.value.say("en")[0]


def run(fresh_database_url: str, tmp_path: Path, *arguments: str) -> Any:
    return todoke("why", *arguments, "--data", str(tmp_path), environment={"TODOKE_DATABASE_URL": fresh_database_url})


async def test_the_command_says_it_in_short_sentences(town: Kawabe, fresh_database_url: str, tmp_path: Path) -> None:
    end = await town.sent(order())
    ended = run(fresh_database_url, tmp_path, end.dispatch, "tome", "--lang", "ja")
    assert ended.returncode == 0, ended.stderr
    lines = ended.stdout.splitlines()
    assert lines[:2] == [f"tome は、配信 {end.dispatch}（本番）の対象です。", "場所「自宅」が区域内です。"]
    assert "SMS（やさしい日本語）: 受付済み" in lines


async def test_the_command_says_why_somebody_was_released(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    first = await town.sent(order(texts=FULL))
    end = await town.sent(update(first.dispatch))
    said = run(fresh_database_url, tmp_path, end.dispatch, "linh", "--lang", "ja").stdout.splitlines()
    assert said[1].startswith("対象から外れました。それまでの配信を受け取った可能性があり、")
    said = run(fresh_database_url, tmp_path, end.dispatch, "ken", "--lang", "en").stdout.splitlines()
    assert said[1:3] == [
        "Their place “自宅” is inside the area.",
        "Newly inside: no earlier dispatch of this order had reached them, so they were sent the order in full.",
    ]


async def test_the_command_gives_programs_one_object(town: Kawabe, fresh_database_url: str, tmp_path: Path) -> None:
    end = await town.sent(order())
    ended = run(fresh_database_url, tmp_path, end.dispatch, "ken", "--json")
    answer = json.loads(ended.stdout)
    assert (answer["subscriber"], answer["included"], answer["messages"]) == ("ken", False, [])
    assert [reason["code"] for reason in answer["reasons"]] == ["outside"]


async def ken_came_in(town: Kawabe) -> str:
    end = await town.sent(order(channels=["email"]))
    number = await subscriber_number(town.pool, "ken")
    assert number is not None
    await move(town.pool, [Position(number, 133.7, 34.6, datetime.now(UTC) + timedelta(hours=1))])
    async with town.at_work():
        while town.email.people < 2:
            await asyncio.sleep(0.02)
        await town.over(end.dispatch)
    return end.dispatch


async def test_ken_came_in_later_by_where_he_was(town: Kawabe, fresh_database_url: str, tmp_path: Path) -> None:
    dispatch = await ken_came_in(town)
    ended = run(fresh_database_url, tmp_path, dispatch, "ken", "--lang", "ja")
    assert "に区域に入っていることが分かったため、途中から対象になりました。" in ended.stdout
    assert "場所「現在地」が区域内です。" in ended.stdout
    number = await subscriber_number(town.pool, "ken")
    assert number is not None
    await forget(town.pool, [number])
    ended = run(fresh_database_url, tmp_path, dispatch, "ken", "--lang", "en")
    assert "Late entry: they were found to have come into the area at " in ended.stdout
    assert "Where they were was inside the area." in ended.stdout


async def test_the_status_counts_late_entry(town: Kawabe, fresh_database_url: str, tmp_path: Path) -> None:
    dispatch = await ken_came_in(town)
    words = {"ja": "対象 2 人（うち後から入った人 1 人）", "en": "2 people (1 by late entry)"}
    for tongue, said in words.items():
        where = {"TODOKE_DATABASE_URL": fresh_database_url}
        ended = todoke("status", dispatch, "--lang", tongue, "--data", str(tmp_path), environment=where)
        assert said in ended.stdout
