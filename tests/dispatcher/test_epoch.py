"""Whether a database is the one it was: what is a backup sends nothing by itself, and what only moved goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient, Verdict
from channels.memory import MemoryChannel, Script
from dispatcher import epoch as epochs
from dispatcher.dispatches import status, stop
from dispatcher.epoch import MOST_UNSEEN, Epoch, Look, Server, judge
from dispatcher.holding import Reason, held_now
from dispatcher.model import DispatchState
from dispatcher.releasing import release
from dispatcher.witness import Seen, Witness
from tests.dispatcher.engine_room import Kawabe, crowd, invitation, kawabe, order, people
from todoke.context import open_pool
from words.problem import Refused

HERE = Server(system=7, timeline=1, files=datetime(2026, 11, 1, tzinfo=UTC))
THERE = replace(HERE, system=8)
STANDBY = replace(HERE, timeline=2, files=datetime(2026, 11, 2, tzinfo=UTC))
COPY = replace(HERE, files=datetime(2026, 11, 23, tzinfo=UTC))
NEIGHBOURS = 30


def seen(counter: int, number: int = 0) -> Seen:
    return Seen("kawabe", number, counter)


@pytest.mark.parametrize(
    ("stands", "counter", "witness", "sign"),
    [
        (HERE, 100, None, epochs.Verdict.SAME),
        (HERE, 100, seen(100), epochs.Verdict.SAME),
        (HERE, 100, seen(3), epochs.Verdict.SAME),
        (HERE, 100, seen(101), epochs.Verdict.BEHIND),
        (HERE, 100, seen(3, number=1), epochs.Verdict.BEHIND),
        (COPY, 100, seen(100), epochs.Verdict.COPIED),
        (COPY, 100, None, epochs.Verdict.COPIED),
        (replace(HERE, files=None), 100, seen(100), epochs.Verdict.SAME),
        (STANDBY, 100, seen(100), epochs.Verdict.MOVED),
        (STANDBY, 100, seen(100 - MOST_UNSEEN), epochs.Verdict.MOVED),
        (STANDBY, 100, seen(99 - MOST_UNSEEN), epochs.Verdict.ELSEWHERE),
        (STANDBY, 100, seen(101), epochs.Verdict.BEHIND),
        (STANDBY, 100, None, epochs.Verdict.ELSEWHERE),
        (THERE, 100, seen(100), epochs.Verdict.MOVED),
        (THERE, 100, seen(99), epochs.Verdict.ELSEWHERE),
        (THERE, 100, seen(101), epochs.Verdict.BEHIND),
        (THERE, 100, None, epochs.Verdict.ELSEWHERE),
    ],
)
def test_by_where_it_stands_and_how_far_it_came_a_database_is_known(
    stands: Server, counter: int, witness: Seen | None, sign: epochs.Verdict
) -> None:
    assert judge(Look(seen(counter), HERE, stands), witness, knows_others=False) is sign


def test_what_was_held_since_is_not_held_again_for_what_was_seen_before() -> None:
    look = Look(seen(3, number=2), HERE, HERE)
    assert judge(look, seen(100, number=1), knows_others=False) is epochs.Verdict.SAME


def test_a_database_nobody_was_at_work_on_is_new_unless_this_server_knows_others() -> None:
    look = Look(seen(0), None, HERE)
    assert judge(look, None, knows_others=False) is epochs.Verdict.MOVED
    assert judge(look, None, knows_others=True) is epochs.Verdict.UNKNOWN


def test_a_witness_keeps_the_most_that_was_seen(tmp_path: Path) -> None:
    witness = Witness(tmp_path / "epoch")
    for each in (seen(5), seen(3), seen(4)):
        witness.note(each)
    assert Witness(tmp_path / "epoch").recall("kawabe") == seen(5)
    assert witness.recall("another") is None
    assert [witness.knows_others(name) for name in ("kawabe", "another")] == [False, True]


def test_a_damaged_witness_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "kawabe.json").write_text('{"number": 1')
    assert Witness(tmp_path).recall("kawabe") is None


# -- with a database --------------------------------------------------------------------------------


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    """Thirty neighbours with LINE and a phone."""
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(NEIGHBOURS, phone=True))
    return town


async def worked_until(town: Kawabe, folder: Path, counter: int) -> None:
    """Somebody was at work, and saw the counter rise so far."""
    async with town.at_work(epoch=Epoch(folder), beat_seconds=0.1):
        while await town.pool.fetchval("select counter from epoch") < counter:
            await asyncio.sleep(0.02)


async def restored(town: Kawabe) -> None:
    """As a backup has it that was taken when the counter had not risen yet."""
    await town.pool.execute("update epoch set counter = 0")


async def refuse(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer:
    return Answer(Verdict.RETRY)


async def begun(town: Kawabe, tmp_path: Path, channel: MemoryChannel, script: Script) -> str:
    """An order on one channel whose batches were written and tried in vain when the backup was taken."""
    await worked_until(town, tmp_path / "epoch", 2)
    dispatch = await town.send(order(channels=[channel.name]))
    channel.script = script
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        while not await town.pool.fetchval("select count(*) from batch where tries > 0"):
            await asyncio.sleep(0.02)
    channel.script = None
    return dispatch


async def met(pool: Pool, epoch: Epoch) -> None:
    async with pool.acquire() as connection:
        await epoch.meet(connection)


async def test_a_restart_goes_on_where_it_was(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 2)
    dispatch = await town.send(order(channels=["line"]))
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        await town.over(dispatch)
    assert len(people(town.line)) == NEIGHBOURS


async def test_what_was_last_seen_outlives_the_process(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 3)
    (file,) = (tmp_path / "epoch").glob("*.json")
    assert json.loads(file.read_text())["counter"] == await town.pool.fetchval("select counter from epoch")


async def test_a_restored_backup_sends_nothing_by_itself(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 2)
    dispatches = [await town.send(order()), await town.send(order(id="once-more"))]
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        assert list(await held_now(town.pool)) == dispatches
        later = await town.send(order(id="after", channels=["line"]))
        await town.over(later)
    assert len(people(town.line)) == NEIGHBOURS
    assert people(town.sms) == []
    assert {hold.reason for hold in (await held_now(town.pool)).values()} == {Reason.RESTORED}


async def test_what_was_held_after_a_restore_is_not_held_again_at_the_next_start(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 2)
    dispatch = await town.send(order(channels=["line"]))
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        await release(town.pool, dispatch, by="森", counted=None)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        await town.over(dispatch)
    assert len(people(town.line)) == NEIGHBOURS


async def test_a_released_order_repeats_the_calls_of_the_backup_with_their_keys(town: Kawabe, tmp_path: Path) -> None:
    keys = set()

    async def note(_message: Message, _recipients: Sequence[Recipient], key: UUID) -> Answer:
        keys.add(key)
        return Answer(Verdict.RETRY)

    dispatch = await begun(town, tmp_path, town.line, note)
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        assert (await status(town.pool, dispatch)).channels == {"line": {"ambiguous": NEIGHBOURS}}
        await release(town.pool, dispatch, by="森", counted=None)
        end = await town.over(dispatch)
    assert end.channels == {"line": {"accepted": NEIGHBOURS}}
    assert {call.key for call in town.line.taken} == keys


async def test_a_restored_order_that_is_stopped_may_have_reached_people(town: Kawabe, tmp_path: Path) -> None:
    dispatch = await begun(town, tmp_path, town.sms, refuse)
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        await stop(town.pool, dispatch, by="森")
        end = await town.over(dispatch)
        lift = await town.send(order(id="lift", reference={"lifts": dispatch}, area=None, channels=["sms"]))
        await town.over(lift)
    assert end.channels == {"sms": {"unknown": NEIGHBOURS}}
    assert len(people(town.sms)) == NEIGHBOURS


async def test_late_entry_of_a_restored_order_waits_for_an_officer(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 2)
    dispatch = (await town.sent(order(channels=["line"]))).dispatch
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        await town.settle(tmp_path, crowd(NEIGHBOURS + 3))
        (hold,) = (await held_now(town.pool)).values()
        assert hold.was is DispatchState.DRAINED
        await release(town.pool, dispatch, by="森", counted=None)
        async with asyncio.timeout(30):
            while (await status(town.pool, dispatch)).late_entries < 3:
                await asyncio.sleep(0.02)
        await town.over(dispatch)
    assert len(people(town.line)) == NEIGHBOURS + 3
    assert await town.pool.fetchval("select min(number) from batch where entered_at is not null") >= 1_000_000


async def test_a_sent_order_whose_restored_late_entry_is_stopped_stays_sent(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 2)
    dispatch = (await town.sent(order(channels=["line"]))).dispatch
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        assert await stop(town.pool, dispatch, by="森") is DispatchState.DRAINED


async def test_tourism_is_not_released_from_a_backup(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 2)
    dispatch = await town.send(invitation(channels=["line"]))
    await restored(town)
    await met(town.pool, Epoch(tmp_path / "epoch"))
    with pytest.raises(Refused) as refused:
        await release(town.pool, dispatch, by="森", counted=None)
    assert refused.value.say("en")[0].startswith("Tourism and codes are never sent twice")


async def test_a_process_whose_database_is_replaced_under_it_begins_nothing_more(town: Kawabe, tmp_path: Path) -> None:
    stopped = asyncio.Event()
    epoch = Epoch(tmp_path / "epoch", on_replaced=stopped.set)
    async with town.at_work(epoch=epoch, beat_seconds=0.1):
        while await town.pool.fetchval("select counter from epoch") < 2:
            await asyncio.sleep(0.02)
        await restored(town)
        await asyncio.wait_for(stopped.wait(), 30)
        await town.send(order())
    assert people(town.line) == []


async def test_the_first_connection_to_a_replaced_database_finds_it_out(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    epoch = Epoch(tmp_path / "epoch")
    async with open_pool(fresh_database_url, 2, meet=epoch.meet) as pool:
        await town.send(order())
        await pool.execute("update epoch set counter = 5")
        await epoch.tick(pool)
        await restored(town)
        await pool.expire_connections()
        assert await pool.fetchval("select state from dispatch") == "held"
    assert epoch.replaced


async def test_a_copy_in_another_server_is_held_by_whoever_meets_it(
    town: Kawabe, fresh_database_url: str, tmp_path: Path
) -> None:
    await worked_until(town, tmp_path / "epoch", 1)
    dispatch = await town.send(order())
    await town.pool.execute("update epoch set system = 1")
    await met(town.pool, Epoch())
    assert list(await held_now(town.pool)) == [dispatch]


async def test_a_database_that_moved_with_nobody_at_work_goes_on(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 3)
    await town.send(order())
    await town.pool.execute("update epoch set system = 1")
    await met(town.pool, Epoch(tmp_path / "epoch"))
    assert await held_now(town.pool) == {}


async def test_several_who_meet_a_backup_at_once_hold_it_once(town: Kawabe, fresh_database_url: str) -> None:
    await town.pool.execute("update epoch set system = 1")
    dispatch = await town.send(order())
    await asyncio.gather(*(met(town.pool, Epoch()) for _ in range(8)))
    assert await town.pool.fetchval("select number from epoch") == 1
    assert await town.pool.fetchval("select count(*) from hold where dispatch = $1", dispatch) == 1


async def test_new_sessions_never_bear_the_numbers_of_those_before_the_backup(town: Kawabe, tmp_path: Path) -> None:
    await worked_until(town, tmp_path / "epoch", 1)
    await restored(town)
    async with town.at_work(epoch=Epoch(tmp_path / "epoch")):
        assert await town.pool.fetchval("select max(number) from worker_session") > 1_000_000
