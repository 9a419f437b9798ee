"""What the town can say afterwards: of a dispatch, and of one person."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient, Verdict
from dispatcher.batches import BatchStore, Member
from dispatcher.history import Fate, dispatch_history, fate
from dispatcher.model import Outcome
from dispatcher.personal_history import PersonHistory, person_history
from subscribers.store import subscriber_number
from tests.dispatcher.engine_room import CAST, Kawabe, crowd, kawabe, order
from words.problem import Refused


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


@pytest.fixture
async def empty_town(pool: Pool) -> Kawabe:
    return await kawabe(pool)


async def of_person(town: Kawabe, dispatch: str, subscriber: str) -> PersonHistory:
    number = await subscriber_number(town.pool, subscriber)
    assert number is not None
    history = await person_history(town.pool, dispatch, number)
    assert history is not None
    return history


def test_every_outcome_has_a_fate() -> None:
    assert {each: fate(each) for each in (Outcome.ACCEPTED, Outcome.UNKNOWN, Outcome.RETRY, Outcome.UNDELIVERED)} == {
        Outcome.ACCEPTED: Fate.REACHED,
        Outcome.UNKNOWN: Fate.UNCERTAIN,
        Outcome.RETRY: Fate.WAITING,
        Outcome.UNDELIVERED: Fate.MISSED,
    }


async def test_recipients_are_counted_by_channel_language_and_outcome(town: Kawabe) -> None:
    town.sms.will_answer(*[Answer(Verdict.REJECTED, code="21211")] * 2)
    end = await town.sent(order())
    history = await dispatch_history(town.pool, end.dispatch)
    assert {(each.channel, each.language, each.outcome, each.recipients) for each in history.tallies} == {
        ("line", "ja", Outcome.ACCEPTED, 1),
        ("line", "vi", Outcome.ACCEPTED, 1),
        ("sms", "ja", Outcome.REJECTED, 1),
        ("sms", "ja-x-easy", Outcome.REJECTED, 1),
        ("email", "zh-Hans", Outcome.ACCEPTED, 1),
    }


async def test_a_person_is_reached_when_one_of_her_channels_is(town: Kawabe) -> None:
    """Hana's SMS is refused, her LINE message is not; Tome has only SMS."""
    town.sms.will_answer(*[Answer(Verdict.REJECTED)] * 2)
    end = await town.sent(order())
    people = (await dispatch_history(town.pool, end.dispatch)).people
    assert people.counts() == {Fate.REACHED: 3, Fate.UNCERTAIN: 0, Fate.WAITING: 0, Fate.MISSED: 1}
    tome = await subscriber_number(town.pool, "tome")
    assert people.subscribers[people.with_fate(Fate.MISSED)].tolist() == [tome]


async def test_a_late_receipt_refines_the_count(town: Kawabe) -> None:
    end = await town.sent(order(channels=["sms"]))
    member = Member.from_token(town.sms.taken[0].recipients[0].token)
    assert member is not None
    await BatchStore(town.pool).receipt(member, Outcome.DELIVERED, code="", ref="SM1")
    tallies = (await dispatch_history(town.pool, end.dispatch)).tallies
    assert sorted((each.outcome, each.recipients) for each in tallies) == [
        (Outcome.ACCEPTED, 1),
        (Outcome.DELIVERED, 1),
    ]


async def test_members_moved_into_smaller_calls_count_once(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(10))
    empty_town.line.will_answer(Answer(Verdict.SPLIT, code="400", suspect=3))
    end = await empty_town.sent(order(channels=["line"]))
    history = await dispatch_history(empty_town.pool, end.dispatch)
    assert sum(each.recipients for each in history.tallies) == len(history.people) == 10


async def test_all_that_one_call_took_are_in_the_timeline(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(30, phone=True))
    end = await empty_town.sent(order(channels=["line", "sms"]))
    history = await dispatch_history(empty_town.pool, end.dispatch)
    assert {name: sum(taken for _, taken in found) for name, found in history.accepted.items()} == {
        "line": 30,
        "sms": 30,
    }
    assert all(seconds >= 0 for found in history.accepted.values() for seconds, _ in found)
    assert history.last_outcome_at is not None
    assert history.approved_at < history.last_outcome_at


async def test_who_signed_and_what_was_said_is_kept(town: Kawabe) -> None:
    end = await town.sent(order())
    history = await dispatch_history(town.pool, end.dispatch)
    assert (history.requested_by, history.approved_by, history.mode) == ("佐藤", "森", "live")
    assert "避難指示" in history.messages[0].body
    assert history.area is not None


async def test_an_unknown_dispatch_is_refused_with_what_to_do(pool: Pool) -> None:
    with pytest.raises(Refused) as refusal:
        await dispatch_history(pool, "1123-nobody")
    assert refusal.value.say("ja") == [
        "「1123-nobody」という配信はありません。todoke status で名前を確かめてください。"
    ]


async def test_every_attempt_for_one_person_is_told_with_the_providers_words(town: Kawabe) -> None:
    known: set[UUID] = set()

    async def busy_at_first(_message: Message, _recipients: Sequence[Recipient], key: UUID) -> Answer:
        first = key not in known
        known.add(key)
        return Answer(Verdict.RETRY, code="429") if first else Answer(Verdict.ACCEPTED, code="200", reference="r1")

    town.line.script = busy_at_first
    end = await town.sent(order(channels=["line"]))
    history = await of_person(town, end.dispatch, "hana")
    [message] = history.messages
    assert (message.channel, message.language, message.outcome) == ("line", "ja", Outcome.ACCEPTED)
    assert [(each.outcome, each.code, each.reference) for each in message.tries] == [
        (Outcome.RETRY, "429", ""),
        (Outcome.ACCEPTED, "200", "r1"),
    ]
    assert history.place > 0


async def test_a_persons_sms_among_many_has_its_own_code_and_receipt(empty_town: Kawabe, tmp_path: Path) -> None:
    async def named_by_number(_message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer:
        return Answer(Verdict.ACCEPTED, code="201", reference=recipients[0].address)

    await empty_town.settle(tmp_path, crowd(9, line=False, phone=True))
    empty_town.sms.script = named_by_number
    end = await empty_town.sent(order(channels=["sms"]))
    [message] = (await of_person(empty_town, end.dispatch, "n00007")).messages
    assert [each.reference for each in message.tries] == ["+819020000007"]


async def test_whoever_was_out_has_no_history(town: Kawabe) -> None:
    end = await town.sent(order())
    ken = await subscriber_number(town.pool, "ken")
    assert ken is not None
    assert await person_history(town.pool, end.dispatch, ken) is None
