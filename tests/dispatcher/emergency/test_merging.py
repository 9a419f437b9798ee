"""Merging: in any order, any number of times, it comes to the same; and what may have arrived is never forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import reduce
from itertools import permutations
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from asyncpg import Pool
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Answer, Verdict
from dispatcher.batches import BatchStore, Log
from dispatcher.dispatches import status
from dispatcher.drafting import Drafter
from dispatcher.emergency.cutting import Cutter
from dispatcher.emergency.leaving import Leaving
from dispatcher.emergency.ledger import Ledger, now
from dispatcher.emergency.memory import Memory
from dispatcher.emergency.merging import Unmergeable, joined, merge
from dispatcher.emergency.records import Begun, Calls, Head, Kept, Ordered, Record, Recorded, Stopped
from dispatcher.model import Outcome
from dispatcher.writing import Writer
from subscribers.columns import open_audience
from tests.dispatcher.emergency.office import claim, plan, session
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, crowd, kawabe, order, people

OUTCOMES = st.lists(st.sampled_from(list(Outcome)), min_size=3, max_size=3).map(bytes)


@given(one=OUTCOMES, other=OUTCOMES, third=OUTCOMES)
def test_outcomes_are_joined_in_any_order_and_any_number_of_times(one: bytes, other: bytes, third: bytes) -> None:
    everything = {reduce(joined, each) for each in permutations([one, other, third, other])}
    assert len(everything) == 1


def test_a_call_that_may_have_arrived_is_not_told_as_never_made() -> None:
    for unsent in (Outcome.SUPPRESSED, Outcome.EXPIRED, Outcome.CANCELLED):
        assert joined(bytes([Outcome.AMBIGUOUS]), bytes([unsent])) == bytes([Outcome.UNKNOWN])
    assert joined(bytes([Outcome.CANCELLED]), bytes([Outcome.ACCEPTED])) == bytes([Outcome.ACCEPTED])


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def left(town: Kawabe, dispatch: str) -> list[Record]:
    """What a server remembers when the database goes, with nothing planned yet cut from memory."""
    memory = Memory(town.pool, KAWABE)
    await memory.refresh()
    remembered = memory.orders[dispatch]
    columns = await open_audience(town.pool)
    drafter = Drafter(town.pool, columns, {name: each.contact for name, each in town.channels.items()})
    leaving = Leaving(town.channels, [], 0, columns.sealed)
    cutter = Cutter(drafter, Writer(town.channels, batch_size=500, town=KAWABE))
    assert memory.shelters is not None
    words, cut = await cutter.cut(remembered, memory.shelters, leaving)
    seen = list(leaving.batches(remembered))
    valid_until = remembered.valid_until
    head = Head(dispatch, "e", ["川辺町"], "evacuation", valid_until, "佐藤", "森", "here", 0, 0, unplanned=False)
    return [head, *remembered.words.values(), *words, *seen, *cut]


def sent(batch: Kept, outcomes: bytes) -> list[Record]:
    """One attempt at a batch without the database."""
    log = Log()
    for position, outcome in enumerate(outcomes):
        log.one_call([position], Outcome(outcome), Answer(Verdict.ACCEPTED, code="201", reference=f"SM{position}"), 0.1)
    calls = Calls.of(log, now())
    began = Begun(batch.number, batch.attempt + 1, len(outcomes), batch.outcomes, None, now())
    state = "due" if Outcome.AMBIGUOUS in outcomes or Outcome.PENDING in outcomes else "done"
    done = Recorded(batch.number, batch.attempt + 1, 0, outcomes, None, 0, state, 0, None, None, calls)
    return [began, done]


def batches(records: Sequence[Record]) -> dict[str, Kept]:
    return {record.channel: record for record in records if isinstance(record, Kept)}


async def merged(pool: Pool, records: Sequence[Record]) -> None:
    await merge(pool, Ledger(records), sessions=[])


async def everything(pool: Pool) -> list[object]:
    rows = await pool.fetch("select number, state, outcomes, attempt, session, tries from batch order by number")
    tries = await pool.fetch(
        "select batch, attempt, part, outcomes, codes, refs, emergency from attempt order by 1, 2, 3"
    )
    orders = await pool.fetch("select dispatch, station, ordered_by from emergency_order")
    return [tuple(row) for row in (*rows, *tries, *orders)]


async def test_a_journal_merged_twice_changes_nothing_more(town: Kawabe) -> None:
    dispatch = await town.send(order())
    records = await left(town, dispatch)
    sms = batches(records)["sms"]
    records += [Ordered("森", now()), *sent(sms, bytes([Outcome.ACCEPTED, Outcome.AMBIGUOUS]))]
    await merged(town.pool, records)
    once = await everything(town.pool)
    await merged(town.pool, records)
    assert await everything(town.pool) == once
    assert (await status(town.pool, dispatch)).channels["sms"] == {"accepted": 1, "ambiguous": 1}


async def test_what_was_planned_without_the_database_is_finished_with_it_and_nobody_is_told_twice(
    town: Kawabe,
) -> None:
    dispatch = await town.send(order())
    records = await left(town, dispatch)
    sms = batches(records)["sms"]
    await merged(town.pool, [*records, Ordered("森", now()), *sent(sms, bytes([Outcome.ACCEPTED] * 2))])
    async with town.at_work():
        end = await town.over(dispatch)
    assert end.channels["sms"] == {"accepted": 2}
    assert people(town.sms) == []
    assert len(people(town.line)) == 2
    assert sorted(people(town.email)) == ["mei@gmail.com"]


async def test_cutting_again_gives_the_same_keys(town: Kawabe) -> None:
    dispatch = await town.send(order())
    keys: list[set[UUID]] = [{kept.key for kept in batches(await left(town, dispatch)).values()} for _ in range(2)]
    assert keys[0] == keys[1]
    assert len(keys[0]) == 3


async def test_a_stop_given_without_the_database_holds_with_it(town: Kawabe) -> None:
    dispatch = await town.send(order())
    records = await left(town, dispatch)
    await merged(town.pool, [*records, Ordered("森", now()), Stopped("佐藤", now())])
    async with town.at_work():
        end = await town.over(dispatch)
    assert (end.state, end.stopped_by) == ("cancelled", "佐藤")
    assert people(town.line) == people(town.sms) == []


async def test_the_journal_of_another_database_is_not_merged(town: Kawabe) -> None:
    await town.send(order())
    valid_until = now() + timedelta(hours=1)
    head = Head(
        "261123-elsewhere", "e", ["川辺町"], "evacuation", valid_until, "佐藤", "森", "x", 0, 0, unplanned=False
    )
    with pytest.raises(Unmergeable):
        await merged(town.pool, [head])


async def test_what_two_servers_sent_comes_to_the_same_in_either_order(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(4, line=False, phone=True))
    town.sms.will_answer(*[Answer(Verdict.RETRY, code="503")] * 4)
    dispatch = await town.send(order(channels=["sms"]))
    async with town.at_work():
        while "retry" not in (await status(pool, dispatch)).channels.get("sms", {}):
            await asyncio.sleep(0.02)
    records = await left(town, dispatch)
    batch = batches(records)["sms"]
    here = [*records, Ordered("森", now()), *sent(batch, bytes([40, 4, 0, 40]))]
    there = [
        msgspec.structs.replace(records[0], station="there"),
        *records[1:],
        Ordered("佐藤", now()),
        *sent(batch, bytes([4, 40, 4, 30])),
    ]
    for journal in (here, there, here):
        await merged(pool, journal)
    assert (await status(pool, dispatch)).channels["sms"] == {"ambiguous": 1, "accepted": 3}
    assert await pool.fetchval("select count(*) from emergency_order") == 2


async def test_whom_a_plan_nobody_had_read_holds_as_well_is_called_by_one_of_the_two(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["sms"]))
    records = await left(town, dispatch)
    async with session(town) as alive:
        await plan(town, alive)
        claimed = await claim(BatchStore(town.pool), "sms", alive)
        half = sent(batches(records)["sms"], bytes([Outcome.ACCEPTED, Outcome.PENDING]))
        await merged(town.pool, [*records, Ordered("森", now()), *half])
        assert not await BatchStore(town.pool).begin(claimed, 2)
        async with town.at_work():
            end = await town.over(dispatch)
    assert people(town.sms) == ["+818011110002"]
    assert end.channels["sms"] == {"accepted": 2}


async def test_whom_another_server_is_calling_already_the_batch_cut_here_leaves_to_it(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["sms"]))
    records = await left(town, dispatch)
    there = BatchStore(town.pool)
    async with session(town) as alive:
        await plan(town, alive)
        claimed = await claim(there, "sms", alive)
        assert await there.begin(claimed, 2)
        half = sent(batches(records)["sms"], bytes([Outcome.ACCEPTED, Outcome.PENDING]))
        await merged(town.pool, [*records, Ordered("森", now()), *half])
        claimed.outcomes = bytes([Outcome.ACCEPTED] * 2)
        assert await there.finish(claimed, Log(), None)
        async with town.at_work():
            await town.over(dispatch)
    assert people(town.sms) == []


async def test_two_servers_that_cut_the_same_people_differently_call_each_once_from_then_on(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["sms"]))
    here = await left(town, dispatch)
    batch = batches(here)["sms"]
    other = msgspec.structs.replace(batch, key=uuid4())
    there = [msgspec.structs.replace(here[0], station="there"), *here[1:-1], other]
    await merged(town.pool, [*here, Ordered("森", now()), *sent(batch, bytes([Outcome.ACCEPTED, Outcome.PENDING]))])
    await merged(town.pool, [*there, Ordered("佐藤", now()), *sent(other, bytes([Outcome.PENDING] * 2))])
    async with town.at_work():
        end = await town.over(dispatch)
    assert people(town.sms) == ["+818011110002"]
    assert end.channels["sms"] == {"accepted": 2}


async def test_what_an_officer_stopped_stays_so_though_people_stood_in_two_batches(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["sms"]))
    records = await left(town, dispatch)
    async with session(town) as alive:
        await plan(town, alive)
    half = sent(batches(records)["sms"], bytes([Outcome.ACCEPTED, Outcome.PENDING]))
    await merged(town.pool, [*records, Ordered("森", now()), *half, Stopped("佐藤", now())])
    async with town.at_work():
        end = await town.over(dispatch)
    assert people(town.sms) == []
    assert end.channels["sms"] == {"accepted": 1, "cancelled": 1}
