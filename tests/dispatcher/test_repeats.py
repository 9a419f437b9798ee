"""A call nobody answered for is repeated once at most, and the schema knows no way to write down more."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from asyncpg import CheckViolationError, Pool

from channels.contract import Answer, Verdict
from dispatcher import outcomes as states
from dispatcher.batches import BatchStore, Claimed, LaneKey, Log
from dispatcher.dispatches import status
from dispatcher.model import Outcome
from dispatcher.rescuer import Rescuer
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order

SOON = states.Next(due_in=0, repeat_in=0, ambiguous=True)


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    """An SMS to Tome for which nobody answered."""
    town = await kawabe(pool)
    await town.settle(tmp_path, [CAST["tome"]])
    town.sms.will_answer(Answer(Verdict.AMBIGUOUS))
    dispatch = await town.send(order(channels=["sms"]))
    async with town.at_work(), asyncio.timeout(30):
        while not (await status(pool, dispatch)).channels.get("sms", {}).get("ambiguous"):
            await asyncio.sleep(0.02)
    await pool.execute("update batch set due_at = now(), repeat_at = now()")
    return town


async def claimed(town: Kawabe) -> Claimed:
    (batch,) = await BatchStore(town.pool).claim(LaneKey(0, "sms", ""), 1, 8)
    return batch


async def test_the_repeat_nobody_answered_for_cannot_be_written_down_as_to_be_repeated(town: Kawabe) -> None:
    store, batch = BatchStore(town.pool), await claimed(town)
    batch.call_again([0], before=1)
    assert await store.begin(batch, 1)
    assert not await store.finish(batch, Log(), SOON)
    batch.outcomes = bytes([Outcome.UNKNOWN])
    assert await store.finish(batch, Log(), None)


async def test_a_repeat_cannot_begin_without_being_marked(town: Kawabe) -> None:
    batch = await claimed(town)
    assert not await BatchStore(town.pool).begin(batch, 1)


async def test_who_is_passed_over_keeps_the_repeat(town: Kawabe) -> None:
    """For want of budget, say. A worker that dies meanwhile takes it from nobody either."""
    store, batch = BatchStore(town.pool), await claimed(town)
    batch.call_again([], before=1)
    assert await store.begin(batch, 1)
    assert await store.progress(batch, 1, Log())
    await town.pool.execute("update worker_session set expired = true")
    await Rescuer(town.pool, town.channels, expire_seconds=60).tick()
    await town.pool.execute("update batch set due_at = now(), repeat_at = now()")
    again = await claimed(town)
    again.call_again([0], before=1)
    assert await store.begin(again, 1)


async def test_a_repeat_that_certainly_did_not_go_may_be_made_again(town: Kawabe) -> None:
    store, batch = BatchStore(town.pool), await claimed(town)
    batch.call_again([0], before=1)
    assert await store.begin(batch, 1)
    batch.not_called([0])
    assert await store.finish(batch, Log(), SOON)
    again = await claimed(town)
    again.call_again([0], before=1)
    assert await store.begin(again, 1)


@pytest.mark.parametrize(
    "forbidden",
    [
        "update batch set repeated = '\\x01'",
        "update batch set state = 'claimed', session = 1, claimed_at = now(), started = 1",
        "update batch set state = 'claimed', session = 1, claimed_at = now(), repeated = '\\x01'",
        "update batch set repeated = '\\x0000'",
    ],
    ids=["marked, and doubtful still", "called, and not marked", "marked, and not begun", "marks of others"],
)
async def test_what_would_lead_to_a_second_repeat_is_no_state_of_a_batch(town: Kawabe, forbidden: str) -> None:
    with pytest.raises(CheckViolationError, match="batch_repeat"):
        await town.pool.execute(forbidden)


async def test_what_the_schema_forbids_of_one_batch_keeps_no_other_from_its_call(town: Kawabe) -> None:
    await town.pool.execute("update batch set due_at = now() + interval '1 hour'")
    fresh = await town.sent(order(channels=["sms"], id="another"))
    await town.pool.execute("update batch set due_at = now()")
    await town.pool.execute("update batch set state = 'due', outcomes = '\\x00' where dispatch = $1", fresh.dispatch)
    await town.pool.execute("update dispatch set state = 'sending'")
    store = BatchStore(town.pool)
    batches = await store.claim(LaneKey(0, "sms", ""), 1, 8)
    began = await asyncio.gather(*(store.begin(batch, 1) for batch in batches))
    assert {batch.dispatch: begun for batch, begun in zip(batches, began, strict=True)}[fresh.dispatch]
    assert began.count(False) == 1


async def test_a_worker_that_was_given_up_before_it_called_anybody_leaves_no_attempt(town: Kawabe) -> None:
    store, batch = BatchStore(town.pool), await claimed(town)
    told = "select count(*) from attempt where dispatch = $1 and attempt = $2"
    assert await store.merge_late(batch, bytes(1), Log())
    assert await town.pool.fetchval(told, batch.dispatch, batch.attempt) == 0
    log = Log()
    log.one_call([0], Outcome.ACCEPTED, Answer(Verdict.ACCEPTED, code="201"), 0.1)
    assert await store.merge_late(batch, bytes([Outcome.ACCEPTED]), log)
    assert await town.pool.fetchval(told, batch.dispatch, batch.attempt) == 1
