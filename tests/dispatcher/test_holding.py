"""Held dispatches: nothing of them leaves until an officer has said so."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from asyncpg import Pool

from dispatcher.dispatches import recent, status, stop, workers
from dispatcher.history import dispatch_history
from dispatcher.holding import Reason, drifted
from dispatcher.model import DispatchState
from dispatcher.releasing import release
from tests.dispatcher.engine_room import Kawabe, crowd, invitation, kawabe, order, people
from words.problem import Refused

NEIGHBOURS = 60


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    """Sixty neighbours with LINE."""
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(NEIGHBOURS))
    return town


async def held(town: Kawabe, dispatch: str) -> Reason:
    """Wait until it is, and why."""
    async with asyncio.timeout(30):
        while (now := await status(town.pool, dispatch)).held is None:
            await asyncio.sleep(0.02)
    return now.held.reason


async def told(town: Kawabe) -> list[str]:
    """The codes of the trouble that workers tell, once they tell of any."""
    async with asyncio.timeout(30):
        while not (codes := [t["code"] for worker in await workers(town.pool) for t in worker["trouble"]]):
            await asyncio.sleep(0.02)
    return codes


@pytest.mark.parametrize(
    ("counted", "found", "holds"),
    [
        (60, 40, False),
        (60, 80, False),
        (60, 81, True),
        (60, 39, True),
        (0, 20, False),
        (0, 21, True),
        (10_000, 10_200, False),
        (10_000, 10_201, True),
        (10_000, 9_799, True),
        (1_000_000, 0, True),
    ],
)
def test_a_fiftieth_or_twenty_people_are_no_drift(counted: int, found: int, holds: bool) -> None:
    assert drifted(counted, found) is holds


async def test_an_order_for_quite_others_than_were_approved_is_held_before_anybody_is_written_to(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=NEIGHBOURS - 21)
    async with town.at_work():
        assert await held(town, dispatch) is Reason.DRIFT
        assert await told(town) == ["dispatch.held.drift"]
    now = await status(town.pool, dispatch)
    assert now.held is not None
    assert (now.held.counted, now.held.found, now.audience) == (39, 60, None)
    assert now.held.say("en") == "It was approved for 39 people, but just before sending there were 60."
    assert now.held.say("ja") == "承認の時の対象は 39 人でしたが、送る直前に数えると 60 人でした。"
    assert people(town.line) == []


async def test_an_order_for_about_those_who_were_approved_leaves(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=NEIGHBOURS - 20)
    async with town.at_work():
        end = await town.over(dispatch)
    assert end.channels == {"line": {"accepted": NEIGHBOURS}}


async def test_an_officer_releases_it_for_those_who_are_there_now(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=1)
    async with town.at_work():
        await held(town, dispatch)
        await release(town.pool, dispatch, by="森", counted=NEIGHBOURS)
        end = await town.over(dispatch)
    assert end.channels == {"line": {"accepted": NEIGHBOURS}}
    (hold,) = (await dispatch_history(town.pool, dispatch)).holds
    assert (hold.reason, hold.released_by) == (Reason.DRIFT, "森")


async def test_who_comes_between_the_release_and_the_sending_holds_it_again(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=1)
    async with town.at_work():
        await held(town, dispatch)
        await release(town.pool, dispatch, by="森", counted=2)
        await held(town, dispatch)
    assert [hold.counted for hold in (await dispatch_history(town.pool, dispatch)).holds] == [1, 2]
    assert people(town.line) == []


async def test_what_is_held_can_be_stopped(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=1)
    async with town.at_work():
        await held(town, dispatch)
        assert await stop(town.pool, dispatch, by="森") is DispatchState.CANCELLED
        await town.over(dispatch)
    assert people(town.line) == []


async def test_what_is_held_expires_like_any_other(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=1)
    async with town.at_work():
        await held(town, dispatch)
        await town.pool.execute("update dispatch set valid_until = now()")
        assert (await town.over(dispatch)).state is DispatchState.EXPIRED
    assert people(town.line) == []


async def test_a_campaign_is_counted_by_who_asked_for_its_topics(town: Kawabe) -> None:
    dispatch = await town.send(invitation(channels=["line"]), counted=NEIGHBOURS)
    async with town.at_work():
        assert await held(town, dispatch) is Reason.DRIFT
    (now,) = await recent(town.pool)
    assert now.held is not None
    assert now.held.found == 0


async def test_an_area_that_was_emptied_after_the_approval_reaches_nobody(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]))
    await town.pool.execute("update event set area = null")
    async with town.at_work():
        assert await held(town, dispatch) is Reason.ALTERED
        assert await told(town) == ["dispatch.held.altered"]
    assert people(town.line) == []


@pytest.mark.parametrize(
    "damage",
    [
        r"area = '\x010300000000000000'",
        r"area = 'not a shape'",
        "document = jsonb_set(document, '{texts,ja,body}', '\"川沿いは安全です。\"')",
        "document = document - 'texts'",
        "document = '[]'",
    ],
)
async def test_what_is_not_what_was_approved_reaches_nobody(town: Kawabe, damage: str) -> None:
    dispatch = await town.send(order(channels=["line"]))
    await town.pool.execute(f"update event set {damage}")  # noqa: S608 the damage is ours
    async with town.at_work():
        assert await held(town, dispatch) is Reason.ALTERED
    assert people(town.line) == []


async def test_altered_content_is_never_released(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]))
    await town.pool.execute("update event set area = null")
    async with town.at_work():
        await held(town, dispatch)
    with pytest.raises(Refused) as refused:
        await release(town.pool, dispatch, by="森", counted=None)
    (said,) = refused.value.say("en")
    assert said.startswith("What is stored, or its area, is not what was approved.")
    assert said.endswith(f"Stop it with `todoke stop {dispatch}` and send it anew.")


async def test_only_what_is_held_is_released(town: Kawabe) -> None:
    dispatch = await town.send(order())
    for name, code in [(dispatch, "release.not_held"), ("261123-nosuch", "dispatch.unknown")]:
        with pytest.raises(Refused) as refused:
            await release(town.pool, name, by="森", counted=None)
        assert [problem.code for problem in refused.value.problems] == [code]


async def test_a_held_order_cannot_be_referred_to_before_it_is_settled(town: Kawabe) -> None:
    dispatch = await town.send(order(channels=["line"]), counted=1)
    async with town.at_work():
        await held(town, dispatch)
        with pytest.raises(Refused) as refused:
            await town.send(order(reference={"lifts": dispatch}, area=None))
    assert [problem.code for problem in refused.value.problems] == ["reference.held"]
    assert "Release it with todoke release" in refused.value.say("en")[0]


async def test_what_refers_to_an_order_waits_while_that_is_held(town: Kawabe) -> None:
    parent = await town.send(order(channels=["line"]), counted=1)
    child = await town.send(order(reference={"updates": parent}, channels=["line"]))
    async with town.at_work():
        await held(town, parent)
        await release(town.pool, parent, by="森", counted=NEIGHBOURS)
        await town.over(parent)
        await town.over(child)
    assert len(people(town.line)) == 2 * NEIGHBOURS


async def test_late_entry_of_an_order_that_was_altered_brings_in_nobody_and_says_so(
    town: Kawabe, tmp_path: Path
) -> None:
    dispatch = (await town.sent(order(channels=["line"]))).dispatch
    await town.pool.execute("update event set document = jsonb_set(document, '{texts,ja,body}', '\"X\"')")
    await town.settle(tmp_path, crowd(NEIGHBOURS + 5))
    async with town.at_work():
        assert await told(town) == ["late_entry.altered"]
    assert (await status(town.pool, dispatch)).late_entries == 0
    assert len(people(town.line)) == NEIGHBOURS
