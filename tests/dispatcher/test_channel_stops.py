"""One channel of a dispatch is stopped: nothing of it leaves any more, and the others arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient
from dispatcher.channel_stops import channel_stops, stop_channel
from dispatcher.dispatches import status
from dispatcher.model import DispatchState
from tests.dispatcher.engine_room import Kawabe, crowd, kawabe, order
from words.problem import Refused


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    """Two hundred neighbours with LINE and a telephone."""
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(200, phone=True))
    return town


async def test_it_stops_in_the_middle_of_a_run_and_the_others_end(town: Kawabe) -> None:
    let, called = asyncio.Semaphore(20), asyncio.Event()

    async def slowly(_message: Message, _to: Sequence[Recipient], _key: UUID) -> Answer | None:
        called.set()
        await let.acquire()
        return None

    town.sms.script = slowly
    dispatch = await town.send(order())
    async with town.at_work():
        await called.wait()
        assert await stop_channel(town.pool, dispatch, "sms", by="佐藤") in {
            DispatchState.PLANNING,
            DispatchState.SENDING,
        }
        await asyncio.sleep(0)
        for _ in range(200):
            let.release()
        end = await town.over(dispatch)
    assert end.state is DispatchState.DRAINED
    assert end.channels["line"] == {"accepted": 200}
    assert end.channels["sms"]["cancelled"] + end.channels["sms"].get("accepted", 0) == 200
    assert end.channels["sms"]["cancelled"] >= 100


async def test_what_was_stopped_before_planning_never_leaves(town: Kawabe) -> None:
    dispatch = await town.send(order())
    await stop_channel(town.pool, dispatch, "sms", by="佐藤")
    async with town.at_work():
        end = await town.over(dispatch)
    assert (town.sms.taken, end.channels["sms"]) == ([], {"cancelled": 200})


async def test_it_is_noted_once_with_who_stopped_it_first(town: Kawabe) -> None:
    dispatch = await town.send(order())
    for officer in ("佐藤", "森"):
        await stop_channel(town.pool, dispatch, "sms", by=officer)
    [stop] = await channel_stops(town.pool, dispatch)
    assert (stop.channel, stop.stopped_by) == ("sms", "佐藤")
    assert await town.pool.fetchval("select stopped_channels from dispatch where id = $1", dispatch) == ["sms"]


async def test_another_dispatch_goes_on_by_that_channel(town: Kawabe) -> None:
    first, second = await town.send(order(id="first")), await town.send(order(id="second"))
    await stop_channel(town.pool, first, "sms", by="佐藤")
    async with town.at_work():
        await town.over(first)
        end = await town.over(second)
    assert end.channels["sms"] == {"accepted": 200}


@pytest.mark.parametrize("channel", ["fax", "email"])
async def test_a_channel_it_does_not_use_is_refused(town: Kawabe, channel: str) -> None:
    dispatch = await town.send(order(channels=["line", "sms"]))
    with pytest.raises(Refused, match=f"does not use the channel '{channel}'"):
        await stop_channel(town.pool, dispatch, channel, by="佐藤")
    assert (await status(town.pool, dispatch)).state is DispatchState.APPROVED
