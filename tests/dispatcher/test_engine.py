"""The engine end to end: who is written to, once, and what the town can say afterwards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Pause, Recipient, Verdict
from dispatcher import planner
from dispatcher.audience import Living, Portions
from dispatcher.batches import BatchStore, Member
from dispatcher.dispatches import Signatures, create, status, stop, stop_all
from dispatcher.model import DispatchState, Outcome
from geo.area import Area
from subscribers import columns
from subscribers.columns import open_audience
from subscribers.store import leave
from tests.dispatcher.engine_room import CAST, Kawabe, channel, crowd, invitation, kawabe, order, people
from words.problem import Refused

HANA_LINE, LINH_LINE = f"U{'a' * 32}", f"U{'b' * 32}"


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


@pytest.fixture
async def empty_town(pool: Pool) -> Kawabe:
    return await kawabe(pool)


async def test_an_order_reaches_everybody_by_the_river_by_every_channel_and_nobody_on_the_hill(town: Kawabe) -> None:
    end = await town.sent(order())
    assert sorted(people(town.line)) == [HANA_LINE, LINH_LINE]
    assert sorted(people(town.sms)) == ["+818011110002", "+819011110001"]
    assert people(town.email) == ["mei@gmail.com"]
    assert end.channels == {"line": {"accepted": 2}, "sms": {"accepted": 2}, "email": {"accepted": 1}}
    assert (end.state, end.audience) == (DispatchState.DRAINED, 4)


async def test_first_reachable_writes_to_each_person_once(town: Kawabe) -> None:
    await town.sent(order(delivery="first_reachable"))
    assert len(people(town.line) + people(town.sms) + people(town.email)) == 4


async def test_a_drill_reaches_only_the_drill_list_and_says_so(town: Kawabe) -> None:
    await town.sent(order(mode="drill"))
    assert people(town.line) == [LINH_LINE]
    assert people(town.sms) + people(town.email) == []
    assert "訓練" in town.line.taken[0].message.body


async def test_an_invitation_reaches_only_who_asked_for_its_topic(town: Kawabe, tmp_path: Path) -> None:
    await town.settle(tmp_path, ["aya,ja,festival,,090-1111-0009,,自宅,34.6,133.7"])
    await town.sent(invitation())
    assert people(town.sms) == ["+819011110009"]
    assert people(town.line) == []


async def test_nobody_in_the_area_ends_at_once_with_nobody_written_to(empty_town: Kawabe) -> None:
    end = await empty_town.sent(order())
    assert (end.state, end.audience, end.channels) == (DispatchState.DRAINED, 0, {})


async def test_whoever_signs_up_before_the_approval_is_reached_by_an_engine_long_at_work(
    town: Kawabe, tmp_path: Path
) -> None:
    async with town.at_work():
        await town.settle(tmp_path, ["aya,ja,,,090-1111-0009,,自宅,34.6,133.7"])
        await town.over(await town.send(order()))
    assert "+819011110009" in people(town.sms)


async def test_whoever_leaves_between_planning_and_sending_is_not_written_to(
    empty_town: Kawabe, tmp_path: Path
) -> None:
    await empty_town.settle(tmp_path, crowd(3))

    async def leave_meanwhile(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer:
        empty_town.line.script = None
        await leave(empty_town.pool, "n00001")
        return Answer(Verdict.RETRY)

    empty_town.line.script = leave_meanwhile
    end = await empty_town.sent(order(channels=["line"]))
    assert sorted(people(empty_town.line)) == [f"U{0:032x}", f"U{2:032x}"]
    assert end.channels == {"line": {"accepted": 2, "suppressed": 1}}


async def test_a_live_order_needs_a_second_officer(town: Kawabe) -> None:
    with pytest.raises(Refused, match="two different people"):
        await create(town.pool, order(), Signatures("佐藤", "佐藤"))
    assert await town.pool.fetchval("select count(*) from event") == 0


@pytest.mark.parametrize(("one", "other"), [("佐藤", "佐　藤"), ("サトウ", "ｻﾄｳ"), ("Sato", "ＳＡＴＯ")])
async def test_an_officer_who_writes_the_name_differently_is_no_second_one(town: Kawabe, one: str, other: str) -> None:
    with pytest.raises(Refused, match="two different people"):
        await create(town.pool, order(), Signatures(one, other))


@pytest.mark.parametrize("name", ["森\n鈴木", "森" * 101])
async def test_a_name_that_is_none_is_refused(town: Kawabe, name: str) -> None:
    with pytest.raises(Refused, match="approved_by: A name has up to 100 characters, without line breaks"):
        await create(town.pool, order(), Signatures("佐藤", name))


async def test_a_live_order_nobody_signed_is_refused(town: Kawabe) -> None:
    with pytest.raises(Refused, match="--requested-by and --approved-by"):
        await create(town.pool, order(), Signatures("", "森"))


async def test_the_same_event_is_not_sent_twice_by_a_second_press(town: Kawabe) -> None:
    event = order(id="flood-1")
    first = await town.send(event)
    with pytest.raises(Refused, match=f"already sent as {first}"):
        await town.send(event)
    assert await town.send(event, again=True) != first


async def test_a_drill_does_not_stand_in_the_way_of_the_order_it_rehearsed(town: Kawabe) -> None:
    await town.sent(order(id="flood-1", mode="drill"))
    end = await town.sent(order(id="flood-1"))
    assert (end.mode, end.audience) == ("live", 4)


async def test_two_presses_at_the_same_moment_make_one_dispatch(town: Kawabe) -> None:
    event = order(id="flood-1")
    presses = await asyncio.gather(*(town.send(event) for _ in range(8)), return_exceptions=True)
    assert sum(isinstance(press, str) for press in presses) == 1


async def test_a_reference_to_no_dispatch_is_refused(town: Kawabe) -> None:
    with pytest.raises(Refused, match="no dispatch '1123-nobody'"):
        await town.send(order(reference={"lifts": "1123-nobody"}, area=None))


async def test_a_drill_cannot_lift_a_live_order(town: Kawabe) -> None:
    dispatch = await town.send(order())
    with pytest.raises(Refused, match="A drill cannot refer to a live dispatch"):
        await town.send(order(mode="drill", reference={"lifts": dispatch}, area=None))


async def test_a_lift_goes_to_whom_the_order_may_have_reached_and_to_nobody_else(town: Kawabe, tmp_path: Path) -> None:
    first = await town.sent(order(channels=["line"]))
    await town.settle(tmp_path, [f"aya,ja,,U{'c' * 32},,,自宅,34.6,133.7"])
    town.line.taken.clear()
    texts = {"ja": {"subject": "解除", "body": "{level_name}を解除しました。"}}
    await town.sent(order(reference={"lifts": first.dispatch}, area=None, texts=texts))
    assert sorted(people(town.line)) == [HANA_LINE, LINH_LINE]
    assert people(town.sms) == []


async def test_a_call_told_to_slow_down_is_repeated_until_it_goes(town: Kawabe) -> None:
    slow = Answer(Verdict.RETRY, code="429", pause=Pause("channel", 0.05, "rate"))
    town.line.will_answer(slow, slow)
    end = await town.sent(order(channels=["line"]))
    assert sorted(people(town.line)) == [HANA_LINE, LINH_LINE]
    assert end.channels == {"line": {"accepted": 2}}


async def test_a_line_call_without_an_answer_is_repeated_with_the_same_key_and_members(
    empty_town: Kawabe, tmp_path: Path
) -> None:
    await empty_town.settle(tmp_path, crowd(3))
    calls: list[tuple[UUID, list[str]]] = []

    async def lose_the_first(_message: Message, recipients: Sequence[Recipient], key: UUID) -> Answer | None:
        calls.append((key, [recipient.address for recipient in recipients]))
        return Answer(Verdict.AMBIGUOUS) if len(calls) == 1 else None

    empty_town.line.script = lose_the_first
    await empty_town.sent(order(channels=["line"]))
    assert len(calls) == 2
    assert calls[0] == calls[1]


async def test_a_person_who_leaves_after_an_unanswered_line_call_stands_in_its_exact_repeat(
    empty_town: Kawabe, tmp_path: Path
) -> None:
    await empty_town.settle(tmp_path, crowd(3))

    async def leave_meanwhile(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer:
        empty_town.line.script = None
        await leave(empty_town.pool, "n00001")
        return Answer(Verdict.AMBIGUOUS)

    empty_town.line.script = leave_meanwhile
    await empty_town.sent(order(channels=["line"]))
    assert len(people(empty_town.line)) == 3


async def test_a_tourism_sms_without_an_answer_stays_unknown(town: Kawabe, tmp_path: Path) -> None:
    await town.settle(tmp_path, ["aya,ja,festival,,090-1111-0009,,自宅,34.6,133.7"])
    town.sms.will_answer(Answer(Verdict.AMBIGUOUS))
    end = await town.sent(invitation())
    assert end.channels == {"sms": {"unknown": 1}}
    assert people(town.sms) == []


async def test_one_invalid_line_id_is_rejected_alone(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(500))
    bad, calls = f"U{137:032x}", 0

    async def refuse_calls_with_the_bad_one(
        _message: Message, recipients: Sequence[Recipient], _key: UUID
    ) -> Answer | None:
        nonlocal calls
        calls += 1
        if bad not in {recipient.address for recipient in recipients}:
            return None
        return Answer(Verdict.SPLIT if len(recipients) > 1 else Verdict.REJECTED, code="400")

    empty_town.line.script = refuse_calls_with_the_bad_one
    end = await empty_town.sent(order(channels=["line"]))
    assert end.channels == {"line": {"accepted": 499, "rejected": 1}}
    assert len(set(people(empty_town.line))) == len(people(empty_town.line)) == 499
    assert calls <= 1 + 18


async def test_a_rejected_recipient_does_not_stop_the_others(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(20, line=False, phone=True))
    empty_town.sms.will_answer(*[Answer(Verdict.REJECTED, code="21211")] * 3)
    end = await empty_town.sent(order(channels=["sms"]))
    assert end.channels == {"sms": {"accepted": 17, "rejected": 3}}


async def test_a_stopped_dispatch_begins_nothing_more_and_accounts_for_everybody(
    empty_town: Kawabe, tmp_path: Path
) -> None:
    await empty_town.settle(tmp_path, crowd(200, line=False, phone=True))
    dispatch = await empty_town.send(order(channels=["sms"]))

    calls = 0

    async def stop_at_the_fiftieth(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        nonlocal calls
        calls += 1
        if calls == 50:
            await stop(empty_town.pool, dispatch, by="森")
        await asyncio.sleep(0.02)
        return None

    empty_town.sms.script = stop_at_the_fiftieth
    async with empty_town.at_work():
        end = await empty_town.over(dispatch)
    assert end.state is DispatchState.CANCELLED
    assert sum(end.channels["sms"].values()) == 200
    assert end.channels["sms"]["accepted"] == empty_town.sms.people < 150
    assert end.channels["sms"]["cancelled"] > 0


async def test_stop_all_stops_what_is_not_planned_yet(town: Kawabe) -> None:
    dispatch = await town.send(order())
    assert await stop_all(town.pool, by="森") == [dispatch]
    async with town.at_work():
        end = await town.over(dispatch)
    assert people(town.line) + people(town.sms) + people(town.email) == []
    assert end.state is DispatchState.CANCELLED


async def test_stopping_what_is_through_changes_nothing(town: Kawabe) -> None:
    end = await town.sent(order())
    assert await stop(town.pool, end.dispatch, by="森") is DispatchState.DRAINED


async def test_stopping_a_dispatch_that_does_not_exist_is_refused(town: Kawabe) -> None:
    with pytest.raises(Refused, match="There is no dispatch '1123-nobody'"):
        await stop(town.pool, "1123-nobody", by="森")


async def test_what_was_not_sent_when_its_time_is_over_expires(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]))
    await town.pool.execute("update dispatch set valid_until = now() + interval '1 second' where id = $1", dispatch)

    async def never(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer:
        return Answer(Verdict.RETRY)

    town.line.script = never
    async with town.at_work():
        end = await town.over(dispatch)
    assert (end.state, end.channels) == (DispatchState.EXPIRED, {"line": {"expired": 2}})


async def test_two_workers_share_the_work_and_write_to_nobody_twice(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(300, phone=True))
    dispatch = await empty_town.send(order(channels=["line", "sms"]))
    async with empty_town.at_work(batch_size=10), empty_town.at_work(batch_size=10):
        await empty_town.over(dispatch)
    for way_out in (empty_town.line, empty_town.sms):
        assert len(people(way_out)) == len(set(people(way_out))) == 300


async def test_planning_interrupted_anywhere_plans_everybody_once(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(120, phone=True))
    dispatch = await empty_town.send(order(channels=["line", "sms"]))
    async with empty_town.at_work(batch_size=5):
        while not await empty_town.pool.fetchval("select count(*) from batch"):
            await asyncio.sleep(0)
    await empty_town.pool.execute("update dispatch set state = 'planning', planner = null where id = $1", dispatch)
    async with empty_town.at_work(batch_size=5):
        end = await empty_town.over(dispatch)
    assert end.channels == {"line": {"accepted": 120}, "sms": {"accepted": 120}}
    assert len(set(people(empty_town.sms))) == len(people(empty_town.sms)) == 120


async def test_an_audience_planned_in_portions_is_written_to_once_and_counted_whole(
    empty_town: Kawabe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "SMALL_AUDIENCE", 10)
    monkeypatch.setattr(columns, "FIRST_PORTION", 5)
    await empty_town.settle(tmp_path, crowd(60, phone=True))
    end = await empty_town.sent(order(channels=["line", "sms"]))
    assert len(empty_town.line.taken) == 3
    assert end.audience == len(set(people(empty_town.line))) == len(people(empty_town.line)) == 60
    assert len(set(people(empty_town.sms))) == len(people(empty_town.sms)) == 60


@pytest.mark.parametrize(("believed", "after"), [(0, 4), (20_000, 20_000)])
async def test_the_optimizer_is_told_of_batches_only_while_it_believes_there_are_few(
    town: Kawabe, monkeypatch: pytest.MonkeyPatch, believed: int, after: int
) -> None:
    """With many old batches in the table it took seconds, and an order's planning waited for it."""
    monkeypatch.setattr(planner, "_ANALYZED_EVERY", 1)
    believe = "update pg_class set reltuples = $1 where oid in (select relid from pg_partition_tree('batch'))"
    await town.pool.execute(believe, believed)
    await town.send(order())
    async with town.at_work():
        while await town.pool.fetchval("select count(*) from dispatch where state = 'drained'") == 0:
            await asyncio.sleep(0.01)
    known = "select reltuples::int from pg_class where oid = (select tableoid from batch limit 1)"
    assert await town.pool.fetchval(known) == after


async def test_an_evacuation_overtakes_a_campaign_that_is_being_sent(empty_town: Kawabe, tmp_path: Path) -> None:
    rows = [row.replace(",ja,,", ",ja,festival,") for row in crowd(100, line=False, phone=True)]
    await empty_town.settle(tmp_path, rows)

    overtaken = asyncio.Event()

    async def hold_up_the_campaign(message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        if not message.body.startswith("今夜"):
            overtaken.set()
        elif empty_town.sms.people >= 10:
            await overtaken.wait()
        return None

    empty_town.sms.script = hold_up_the_campaign
    campaign = await empty_town.send(invitation(channels=["sms"]))
    async with empty_town.at_work():
        while empty_town.sms.people < 10:
            await asyncio.sleep(0.01)
        await empty_town.over(await empty_town.send(order(channels=["sms"])))
        end = await empty_town.over(campaign)
    bodies = [call.message.body[:2] for call in empty_town.sms.taken]
    assert bodies[: bodies.index("川沿") + 100].count("今夜") < 30
    assert end.channels == {"sms": {"accepted": 100}}


async def test_every_call_has_its_intent_committed_before_it_begins(town: Kawabe) -> None:
    started: list[int] = []

    async def look(_message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        dispatch, batch, *position = recipients[0].token.split(".")
        row = await town.pool.fetchrow(
            "select started, state from batch where dispatch = $1 and number = $2", dispatch, int(batch)
        )
        assert row is not None
        started.append(row["started"] - int(position[0] if position else 0) if row["state"] == "claimed" else 0)
        return None

    for way_out in town.channels.values():
        way_out.script = look
    await town.sent(order())
    assert len(started) >= 4
    assert min(started) >= 1


async def test_the_first_call_does_not_wait_until_it_is_noted(town: Kawabe, monkeypatch: pytest.MonkeyPatch) -> None:
    called, note = asyncio.Event(), BatchStore.first_send

    async def call(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> None:
        called.set()

    async def wait_for_the_call(store: BatchStore, dispatch: str) -> None:
        await called.wait()
        await note(store, dispatch)

    town.line.script = call
    monkeypatch.setattr(BatchStore, "first_send", wait_for_the_call)
    end = await town.sent(order(channels=["line"]))
    assert end.channels == {"line": {"accepted": 2}}


async def test_a_preempted_campaign_gives_all_its_batches_back_and_goes_on_afterwards(
    empty_town: Kawabe, tmp_path: Path
) -> None:
    await empty_town.settle(tmp_path, [row.replace(",ja,,", ",ja,festival,") for row in crowd(60)])
    empty_town.line = channel("line", "line", 500, repeatable=True, rate=100)
    begun = asyncio.Event()

    async def note(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> None:
        begun.set()

    empty_town.line.script = note
    campaign = await empty_town.send(invitation(channels=["line"]))
    async with empty_town.at_work(batch_size=1):
        await begun.wait()
        await empty_town.over(await empty_town.send(order(channels=["line"])))
        end = await empty_town.over(campaign)
    assert end.channels == {"line": {"accepted": 60}}
    assert len(people(empty_town.line)) == 120


class SlowBureau:
    """An audience that finds the people of a campaign only once it is `released`."""

    def __init__(self, audience: Living) -> None:
        self._audience = audience
        self.catch_up, self.match, self.among = audience.catch_up, audience.match, audience.among
        self.changes, self.whereabouts = audience.changes, audience.whereabouts
        self.released = threading.Event()

    def portions(self, area: Area, *, topics: Sequence[str] = ()) -> Portions:
        if topics:
            self.released.wait(45)
        return self._audience.portions(area, topics=topics)


async def test_an_order_does_not_wait_for_a_campaign_that_is_being_planned(town: Kawabe) -> None:
    audience = SlowBureau(await open_audience(town.pool))
    campaign = await town.send(invitation())
    async with town.at_work(audience=audience):
        while await town.pool.fetchval("select state from dispatch where id = $1", campaign) == "approved":
            await asyncio.sleep(0.01)
        await town.over(await town.send(order()))
        assert sorted(people(town.line)) == [HANA_LINE, LINH_LINE]
        audience.released.set()
        await town.over(campaign)


async def test_a_receipt_says_delivered_and_a_late_accepted_does_not_take_it_back(town: Kawabe) -> None:
    end = await town.sent(order(channels=["sms"]))
    store = BatchStore(town.pool)
    member = Member.from_token(town.sms.taken[0].recipients[0].token)
    assert member is not None
    for outcome in (Outcome.DELIVERED, Outcome.ACCEPTED, Outcome.DELIVERED):
        assert await store.receipt(member, outcome, code="", ref="SM1")
    assert (await status(town.pool, end.dispatch)).channels == {"sms": {"accepted": 1, "delivered": 1}}


async def test_receipts_of_one_batch_that_come_together_all_count(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(40, line=False, phone=True))
    end = await empty_town.sent(order(channels=["sms"]))
    store = BatchStore(empty_town.pool)
    members = [Member.from_token(call.recipients[0].token) for call in empty_town.sms.taken]
    await asyncio.gather(*(store.receipt(member, Outcome.DELIVERED, code="", ref="SM") for member in members if member))
    assert (await status(empty_town.pool, end.dispatch)).channels == {"sms": {"delivered": 40}}


async def test_a_receipt_for_a_recipient_who_never_was_is_not_taken(town: Kawabe) -> None:
    store = BatchStore(town.pool)
    assert not await store.receipt(Member("1123-nobody", 0, 0), Outcome.DELIVERED, code="", ref="")


async def test_a_receipt_spares_an_unanswered_evacuation_sms_its_repeat(town: Kawabe) -> None:
    async def lost(_message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer:
        member = Member.from_token(recipients[0].token)
        assert member is not None
        await BatchStore(town.pool).receipt(member, Outcome.DELIVERED, code="", ref="SM1")
        return Answer(Verdict.AMBIGUOUS)

    town.sms.script = lost
    end = await town.sent(order(channels=["sms"]))
    assert end.channels == {"sms": {"delivered": 2}}


async def test_a_channel_that_breaks_its_contract_loses_no_outcome(town: Kawabe) -> None:
    async def broken(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer:
        town.line.script = None
        raise ZeroDivisionError

    town.line.script = broken
    end = await town.sent(order(channels=["line"]))
    assert end.channels == {"line": {"accepted": 2}}


async def test_a_worker_that_is_told_to_stop_records_what_is_under_way(empty_town: Kawabe, tmp_path: Path) -> None:
    await empty_town.settle(tmp_path, crowd(50, line=False, phone=True))
    dispatch = await empty_town.send(order(channels=["sms"]))
    begun = asyncio.Event()

    async def slowly(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        begun.set()
        await asyncio.sleep(0.2)
        return None

    empty_town.sms.script = slowly
    async with empty_town.at_work():
        await begun.wait()
    now = await status(empty_town.pool, dispatch)
    assert now.channels == {"sms": {"pending": 50 - empty_town.sms.people, "accepted": empty_town.sms.people}}
    assert empty_town.sms.people > 0
