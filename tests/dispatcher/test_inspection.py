"""One row that workers die of, or that raises, costs one person the message and nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient, Verdict
from dispatcher.inspection import MOST_DEATHS_CALLING, after_death, quarantined
from dispatcher.model import POLICIES, ClassPolicy, EventClass, Outcome
from dispatcher.personal_history import person_history
from dispatcher.rescuer import Rescuer
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from tests.dispatcher.engine_room import Kawabe, crowd, kawabe, order, people

PEOPLE = 30
EXPIRE = "update worker_session set expired = true where not expired and ended_at is null"


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(PEOPLE, line=True, phone=True))
    return town


@pytest.fixture
async def poison(town: Kawabe) -> int:
    number: int = await town.pool.fetchval("select number from subscriber where id = 'n00007'")
    return number


class Book:
    """Addresses, until somebody asks for the poisoned row: then the worker hangs, as good as dead, or raises."""

    def __init__(self, book: Addresses, wanted: Callable[[Sequence[int]], bool]) -> None:
        self._book = book
        self.wanted = wanted
        self.raises: Exception | None = None
        self.dying = asyncio.Event()
        self.rescued = asyncio.Event()

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:
        if self.wanted(subscribers):
            self.dying.set()
            if self.raises is not None:
                raise self.raises
            await self.rescued.wait()
        return await self._book.addresses(kind, subscribers, also_left=also_left)


def asks_for(whom: int, subscribers: Sequence[int]) -> bool:
    return whom in subscribers


async def book(town: Kawabe, wanted: Callable[[Sequence[int]], bool]) -> Book:
    return Book(Addresses(await open_audience(town.pool), town.pool, town.vault), wanted)


async def doomed(town: Kawabe, dying: asyncio.Event, rescued: asyncio.Event, **means: Any) -> None:
    """A worker that is given up at the moment it dies. Its work waits for the one after it."""
    async with town.at_work(beat_seconds=60, expire_seconds=120, **means):
        await asyncio.wait_for(dying.wait(), 20)
        await town.pool.execute(EXPIRE)
        await Rescuer(town.pool, town.channels, expire_seconds=60).tick()
        await town.pool.execute("update batch set due_at = due_at + interval '1 hour' where state = 'due'")
        rescued.set()
    await town.pool.execute("update batch set due_at = due_at - interval '1 hour' where state = 'due'")


async def one_dies(town: Kawabe, wanted: Callable[[Sequence[int]], bool]) -> None:
    deadly = await book(town, wanted)
    await doomed(town, deadly.dying, deadly.rescued, addresses=deadly)


@pytest.mark.parametrize("channel", ["line", "sms"])
async def test_the_third_worker_that_dies_of_a_row_shows_which_and_the_others_are_sent(
    town: Kawabe, poison: int, channel: str
) -> None:
    dispatch = await town.send(order(channels=[channel]))
    for _ in range(3):
        await one_dies(town, partial(asks_for, poison))
    deadly = await book(town, partial(asks_for, poison))
    async with town.at_work(addresses=deadly):
        end = await town.over(dispatch)
    assert end.channels == {channel: {"accepted": PEOPLE - 1, "quarantined": 1}}
    assert not deadly.dying.is_set()
    assert await said_of(town, dispatch, poison) == (Outcome.QUARANTINED, "worker_died")


async def said_of(town: Kawabe, dispatch: str, subscriber: int) -> tuple[Outcome, str]:
    history = await person_history(town.pool, dispatch, subscriber)
    assert history is not None
    return history.messages[0].outcome, history.messages[0].tries[-1].code


async def test_workers_that_die_by_chance_cost_nobody_a_message(town: Kawabe) -> None:
    """Killed three times while they held the batch, and looked at other people of it each time."""
    dispatch = await town.send(order(channels=["line"]))
    for whom in (3, 20, 9, 27, 14):
        await one_dies(town, partial(asks_for, whom))
    async with town.at_work():
        end = await town.over(dispatch)
    assert end.channels == {"line": {"accepted": PEOPLE}}


@pytest.mark.parametrize("channel", ["line", "sms"])
async def test_a_row_that_raises_stops_nobody_else(town: Kawabe, poison: int, channel: str) -> None:
    dispatch = await town.send(order(channels=[channel]))
    broken = await book(town, partial(asks_for, poison))
    broken.raises = ZeroDivisionError()
    async with town.at_work(addresses=broken):
        end = await town.over(dispatch)
    assert end.channels == {channel: {"accepted": PEOPLE - 1, "quarantined": 1}}
    assert await said_of(town, dispatch, poison) == (Outcome.QUARANTINED, "ZeroDivisionError")


async def test_what_raises_for_everybody_is_nobodys_own_fault(town: Kawabe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(POLICIES, EventClass.EVACUATION, ClassPolicy(0.1, 0.01, 0.02, loud=True))
    broken = await book(town, lambda _subscribers: True)
    broken.raises = ZeroDivisionError()
    async with town.at_work(addresses=broken):
        dispatch = await town.send(order(channels=["line"]))
        await broken.dying.wait()
        broken.wanted = lambda _subscribers: False
        end = await town.over(dispatch)
    assert end.channels == {"line": {"accepted": PEOPLE}}


async def test_a_call_that_workers_die_in_is_made_twice_at_most_and_leaves_only_itself_in_doubt(
    town: Kawabe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(POLICIES, EventClass.EVACUATION, ClassPolicy(0.1, 0.01, 0.02, loud=True))
    calls: list[str] = []
    dying, rescued = asyncio.Event(), asyncio.Event()

    async def deadly(_message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        calls.append(recipients[0].address)
        if recipients[0].address.endswith("0007"):
            dying.set()
            await rescued.wait()
            return Answer(Verdict.AMBIGUOUS)
        return None

    town.sms.script = deadly
    dispatch = await town.send(order(channels=["sms"]))
    for _ in range(2):
        dying.clear()
        rescued.clear()
        await doomed(town, dying, rescued)
    async with town.at_work():
        end = await town.over(dispatch)
    assert end.channels == {"sms": {"accepted": PEOPLE - 1, "unknown": 1}}
    assert sum(address.endswith("0007") for address in calls) == 2
    assert len(set(people(town.sms))) == PEOPLE - 1


def test_a_call_to_many_that_workers_die_in_is_given_up_in_the_end() -> None:
    doubtful = bytes([Outcome.AMBIGUOUS] * 3)
    deaths = 0
    while not (
        found := after_death(doubtful, deaths=deaths, suspect=None, started=3, one_call=True, counts_once=True)
    ).guilty:
        deaths = found.deaths
    assert found.deaths == MOST_DEATHS_CALLING
    assert quarantined(doubtful, found.guilty) == bytes([Outcome.UNKNOWN] * 3)


def test_whoever_may_have_got_it_is_never_said_to_have_got_nothing() -> None:
    before = bytes([Outcome.PENDING, Outcome.AMBIGUOUS, Outcome.ACCEPTED])
    assert list(quarantined(before, [0, 1, 2])) == [Outcome.QUARANTINED, Outcome.UNKNOWN, Outcome.ACCEPTED]
