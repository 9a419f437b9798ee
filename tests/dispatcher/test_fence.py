"""A worker that was given up, and has a new session by now, calls nobody for the old one."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient
from dispatcher.dispatches import status
from dispatcher.model import POLICIES, ClassPolicy, EventClass
from dispatcher.rescuer import Rescuer
from tests.dispatcher.engine_room import Kawabe, channel, crowd, kawabe, order, people

PEOPLE = 20
NEVER = ClassPolicy(reconcile=3600, backoff=1, backoff_cap=1, loud=True)
"""Whoever is doubtful stays so for as long as this test takes."""


BEGUN = "select array(select s.id from unnest(b.members[:b.started]) m join subscriber s on s.number = m) from batch b"


@pytest.fixture
async def town(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kawabe:
    monkeypatch.setitem(POLICIES, EventClass.EVACUATION, NEVER)
    town = await kawabe(pool)
    town.sms = channel("sms", "phone", 1, repeatable=False, rate=40)
    await town.settle(tmp_path, crowd(PEOPLE, line=False, phone=True))
    return town


async def given_up(town: Kawabe) -> None:
    """The others took its work, and it has noticed."""
    await town.pool.execute("update worker_session set expired = true")
    await Rescuer(town.pool, town.channels, expire_seconds=60).tick()
    async with asyncio.timeout(20):
        while not await town.pool.fetchval("select exists (select from worker_session where not expired)"):
            await asyncio.sleep(0.01)


async def test_what_was_begun_for_a_session_that_is_gone_is_not_called(town: Kawabe) -> None:
    begun: set[str] = set()
    before: list[str] = []

    async def first(_message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        town.sms.script = None
        begun.update(phone(name) for name in await town.pool.fetchval(BEGUN))
        await given_up(town)
        before.extend([recipients[0].address, *people(town.sms)])
        return None

    town.sms.script = first
    dispatch = await town.send(order(channels=["sms"]))
    async with town.at_work(beat_seconds=0.05, expire_seconds=120), asyncio.timeout(30):
        while not begun or await unsent(town, dispatch):
            await asyncio.sleep(0.02)
    later = set(people(town.sms)) - set(before)
    assert len(begun) > len(begun.intersection(before))
    assert not begun & later
    assert len(begun | later) == PEOPLE


def phone(name: str) -> str:
    return f"+81902{int(name[1:]):07d}"


async def unsent(town: Kawabe, dispatch: str) -> bool:
    told = (await status(town.pool, dispatch)).channels.get("sms", {"pending": PEOPLE})
    return not told.keys().isdisjoint({"pending", "in_flight"})
