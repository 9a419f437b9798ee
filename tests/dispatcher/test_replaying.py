"""Sending again to whom a dispatch certainly did not reach: them, once, and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient, Verdict
from dispatcher.channel_stops import stop_channel
from dispatcher.dispatches import Status, stop
from dispatcher.model import Outcome
from dispatcher.replaying import Choice, Missed, missed, replay
from dispatcher.replays import replays
from dispatcher.signing import Signatures
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order, people
from words.problem import Refused

BY = Signatures("佐藤", "森")
UNAUTHORIZED = Answer(Verdict.REJECTED, code="401")
GONE = "update dispatch set valid_until = now() - interval '1 second' where id = $1"
OUTCOME = "update batch set outcomes = set_byte(outcomes, 0, $3) where dispatch = $1 and channel = $2"

# A claim that is given back before its call, as on a busy machine, leaves a gap in the attempts. Nobody is sent to again
# over a gap (a test below makes one); where a test is about something else there is none.
APART = "update attempt set attempt = attempt + 1000"
WITHOUT_GAPS = """
    update attempt a set attempt = found.place
    from (
        select batch, attempt, part, dense_rank() over (partition by batch order by attempt) as place from attempt
        where dispatch = $1
    ) found
    where (a.dispatch, a.batch, a.attempt, a.part) = ($1, found.batch, found.attempt, found.part)
"""


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def sent(town: Kawabe, dispatch: str) -> Status:
    async with town.at_work():
        end = await town.over(dispatch)
    async with town.pool.acquire() as connection, connection.transaction():
        await connection.execute(APART)
        await connection.execute(WITHOUT_GAPS, dispatch)
    return end


async def refused_by_mail(town: Kawabe, code: str = "401") -> str:
    """An order whose one mail the provider did not take."""
    town.email.will_answer(Answer(Verdict.REJECTED, code=code))
    dispatch = await town.send(order(id="flood"))
    end = await sent(town, dispatch)
    assert end.channels["email"] == {"rejected": 1}
    return dispatch


async def problem(town: Kawabe, dispatch: str, signatures: Signatures = BY, people: int = 1) -> str:
    """The code that it is refused with."""
    with pytest.raises(Refused) as refused:
        await replay(town.pool, dispatch, signatures, people=people)
    return refused.value.problems[0].code


async def test_who_was_refused_gets_it_under_another_key_and_nobody_else_does(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    before = len(people(town.line)) + len(people(town.sms))
    key = await town.pool.fetchval("select key from batch where dispatch = $1 and channel = 'email'", dispatch)
    assert await missed(town.pool, dispatch) == Missed(1, {"email": {"401": 1}})
    await replay(town.pool, dispatch, BY, people=1)
    end = await sent(town, dispatch)
    assert end.channels["email"] == {"accepted": 1}
    assert (people(town.email), len(people(town.line)) + len(people(town.sms))) == (["mei@gmail.com"], before)
    assert key not in {call.key for call in town.email.taken}


async def test_who_ordered_it_and_why_is_kept(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await replay(town.pool, dispatch, BY, people=1)
    [kept] = await replays(town.pool, dispatch)
    assert (kept.number, kept.requested_by, kept.approved_by, kept.people) == (1, "佐藤", "森", 1)
    assert kept.messages == {"email": {"401": 1}}


async def test_a_second_order_for_the_same_people_finds_nobody(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    done = await asyncio.gather(*(replay(town.pool, dispatch, BY, people=1) for _ in range(4)), return_exceptions=True)
    assert sum(isinstance(each, Missed) for each in done) == 1
    await sent(town, dispatch)
    assert people(town.email) == ["mei@gmail.com"]
    assert await problem(town, dispatch) == "again.nobody"


async def test_who_is_refused_again_may_be_sent_to_once_more(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    town.email.will_answer(UNAUTHORIZED)
    await replay(town.pool, dispatch, BY, people=1)
    assert (await sent(town, dispatch)).channels["email"] == {"rejected": 1}
    await replay(town.pool, dispatch, BY, people=1)
    assert (await sent(town, dispatch)).channels["email"] == {"accepted": 1}
    assert [each.number for each in await replays(town.pool, dispatch)] == [1, 2]


async def test_the_quarantined_are_sent_to_again(town: Kawabe) -> None:
    dispatch = await town.send(order())
    await sent(town, dispatch)
    await town.pool.execute(OUTCOME, dispatch, "email", Outcome.QUARANTINED)
    assert await missed(town.pool, dispatch) == Missed(1, {"email": {"quarantined": 1}})
    await replay(town.pool, dispatch, BY, people=1)
    await sent(town, dispatch)
    assert people(town.email) == ["mei@gmail.com"] * 2


@pytest.mark.parametrize("outcome", [each for each in Outcome if each not in {Outcome.QUARANTINED, Outcome.REJECTED}])
async def test_nobody_else_is(town: Kawabe, outcome: Outcome) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute(OUTCOME, dispatch, "email", outcome)
    assert (await missed(town.pool, dispatch)).people == 0


async def test_whoever_was_in_doubt_before_the_refusal_is_left_alone(town: Kawabe) -> None:
    """The first mail may have gone; only its repeat was refused."""
    town.email.will_answer(Answer(Verdict.AMBIGUOUS), UNAUTHORIZED)
    dispatch = await town.send(order())
    assert (await sent(town, dispatch)).channels["email"] == {"rejected": 1}
    assert (await missed(town.pool, dispatch)).people == 0


async def test_whoever_a_dead_worker_may_have_called_is_left_alone(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute(
        "update attempt set attempt = 2 where dispatch = $1 and batch = $2", dispatch, await mail(town)
    )
    assert (await missed(town.pool, dispatch)).people == 0


async def mail(town: Kawabe) -> int:
    number: int = await town.pool.fetchval("select number from batch where channel = 'email'")
    return number


async def test_a_refusal_after_a_full_provider_is_certain(town: Kawabe) -> None:
    town.email.will_answer(Answer(Verdict.RETRY, code="429"), UNAUTHORIZED)
    dispatch = await town.send(order())
    await sent(town, dispatch)
    assert await missed(town.pool, dispatch) == Missed(1, {"email": {"401": 1}})


async def test_whoever_has_a_receipt_is_left_alone(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute("update batch set proofs = '\\x1e' where dispatch = $1 and channel = 'email'", dispatch)
    assert (await missed(town.pool, dispatch)).people == 0


async def test_of_a_call_to_many_each_knows_what_the_call_was_told(town: Kawabe) -> None:
    async def refuse(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        return UNAUTHORIZED

    town.line.script = refuse
    dispatch = await town.send(order())
    assert (await sent(town, dispatch)).channels["line"] == {"rejected": 2}
    assert await missed(town.pool, dispatch) == Missed(2, {"line": {"401": 2}})
    town.line.script = None
    await replay(town.pool, dispatch, BY, people=2)
    assert (await sent(town, dispatch)).channels["line"] == {"accepted": 2}
    assert len(people(town.line)) == 2


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (Choice(), {"email": {"401": 1}, "sms": {"21610": 2}}),
        (Choice(channels=frozenset({"sms"})), {"sms": {"21610": 2}}),
        (Choice(reasons=frozenset({"401"})), {"email": {"401": 1}}),
        (Choice(frozenset({"sms"}), frozenset({"401"})), {}),
    ],
)
async def test_the_channel_and_the_reason_may_be_chosen(
    town: Kawabe, choice: Choice, found: dict[str, dict[str, int]]
) -> None:
    town.sms.will_answer(*[Answer(Verdict.REJECTED, code="21610")] * 2)
    dispatch = await refused_by_mail(town)
    assert (await missed(town.pool, dispatch, choice)).messages == found


async def test_an_address_that_was_mended_meanwhile_is_used(town: Kawabe, tmp_path: Path) -> None:
    dispatch = await refused_by_mail(town)
    await town.settle(tmp_path, [CAST["mei"].replace("mei@gmail.com", "mei@example.jp")])
    await replay(town.pool, dispatch, BY, people=1)
    await sent(town, dispatch)
    assert people(town.email) == ["mei@example.jp"]


async def test_whoever_left_meanwhile_gets_nothing(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute("update contact set left_at = now() where kind = 'email'")
    await replay(town.pool, dispatch, BY, people=1)
    assert (await sent(town, dispatch)).channels["email"] == {"suppressed": 1}
    assert people(town.email) == []


async def test_a_live_one_takes_two_persons_and_the_number_they_were_shown(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    assert await problem(town, dispatch, Signatures("佐藤", "佐藤")) == "send.four_eyes"
    assert await problem(town, dispatch, Signatures("", "")) == "send.unsigned"
    assert await problem(town, dispatch, people=2) == "again.count_changed"
    assert await replays(town.pool, dispatch) == []
    assert (await sent(town, dispatch)).channels["email"] == {"rejected": 1}


async def test_what_is_over_is_not_sent_again(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute(GONE, dispatch)
    assert await problem(town, dispatch) == "again.expired"


async def test_what_was_stopped_is_not_sent_again(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute("update dispatch set state = 'sending' where id = $1", dispatch)
    await stop(town.pool, dispatch, by="森")
    assert await problem(town, dispatch) == "again.state"


async def test_a_channel_that_was_stopped_is_left_alone(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute("update dispatch set state = 'sending' where id = $1", dispatch)
    await stop_channel(town.pool, dispatch, "email", by="森")
    assert await problem(town, dispatch) == "again.nobody"


async def test_after_its_lift_it_is_not_sent_again(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.send(order(id="lift", reference={"lifts": dispatch}, area=None))
    assert await problem(town, dispatch) == "again.followed"


async def test_an_event_that_was_sent_anew_is_not_sent_again_by_its_older_dispatch(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.send(order(id="flood"), again=True)
    assert await problem(town, dispatch) == "again.followed"


async def test_content_that_is_not_what_was_approved_is_not_sent_again(town: Kawabe) -> None:
    dispatch = await refused_by_mail(town)
    await town.pool.execute("update event set document = jsonb_set(document, '{issuer}', '\"誰か\"')")
    assert await problem(town, dispatch) == "release.altered"


async def test_a_dispatch_that_is_none_is_said_so(town: Kawabe) -> None:
    assert await problem(town, "261123-nobody") == "dispatch.unknown"


async def test_a_refusal_that_was_not_the_last_word_is_none(town: Kawabe) -> None:
    """What was recorded last of them was no refusal, whatever their outcome says."""
    dispatch = await refused_by_mail(town)
    await town.pool.execute(
        "update attempt set outcomes = set_byte(outcomes, 0, $3) where dispatch = $1 and batch = $2",
        dispatch,
        await mail(town),
        Outcome.RETRY,
    )
    assert (await missed(town.pool, dispatch)).people == 0


async def test_each_part_that_is_sent_again_has_a_key_of_its_own(town: Kawabe) -> None:
    """One key for two calls, and LINE would take the second for the first."""
    dispatch = await town.send(order())
    await sent(town, dispatch)
    await town.pool.execute("update batch set outcomes = set_byte(outcomes, 0, 14) where dispatch = $1", dispatch)
    found = await missed(town.pool, dispatch)
    await replay(town.pool, dispatch, BY, people=found.people)
    keys = [row["key"] for row in await town.pool.fetch("select key from batch where dispatch = $1", dispatch)]
    assert len(found.messages) > 1
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("position", [0, 1])
async def test_who_is_sent_to_again_gets_their_own_message(town: Kawabe, position: int) -> None:
    """Hana and Tome stand in one batch of SMS; Tome reads easy Japanese."""
    dispatch = await town.send(order())
    await sent(town, dispatch)
    before = {call.recipients[0].address: call.message for call in town.sms.taken}
    await town.pool.execute(
        "update batch set outcomes = set_byte(outcomes, $2, 14) where dispatch = $1 and channel = 'sms'",
        dispatch,
        position,
    )
    await replay(town.pool, dispatch, BY, people=1)
    await sent(town, dispatch)
    again = town.sms.taken[-1]
    assert (len({message.language for message in before.values()}), len(town.sms.taken)) == (2, 3)
    assert again.message == before[again.recipients[0].address]
