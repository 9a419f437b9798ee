"""The emergency post beside the engine that it belongs to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient
from dispatcher.dispatches import stop
from dispatcher.emergency import station
from dispatcher.emergency.memory import Memory
from dispatcher.emergency.post import Post
from dispatcher.emergency.station import Station
from subscribers.columns import open_audience
from subscribers.offline import OfflineAddresses
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order


@pytest.fixture
async def town(pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kawabe:
    """The post reads once when it begins; then it only looks when it is called."""
    monkeypatch.setattr(station, "LOOK_SECONDS", 3600.0)
    monkeypatch.setattr(station, "REFRESH_SECONDS", 3600.0)
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


@asynccontextmanager
async def at_work(town: Kawabe, directory: Path) -> AsyncIterator[Memory]:
    """An engine with a post; gives what the post knows, once it has looked around."""
    manned: list[Station] = []

    @asynccontextmanager
    async def counter(there: Station) -> AsyncIterator[None]:
        manned.append(there)
        yield

    columns = await open_audience(town.pool)
    post = Post(directory, OfflineAddresses(columns, town.vault), 0.1, counter)
    async with town.at_work(post=post):
        [here] = manned
        assert here.memory is not None
        await here.tick()
        yield here.memory


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


async def never(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
    """The provider does not answer."""
    await asyncio.Event().wait()
    return None


async def test_what_is_approved_is_known_at_once_and_what_is_stopped_forgotten(town: Kawabe, tmp_path: Path) -> None:
    town.line.script = town.sms.script = town.email.script = never
    async with at_work(town, tmp_path / "emergency") as memory:
        dispatch = await town.send(order())
        await until(lambda: dispatch in memory.orders)
        await stop(town.pool, dispatch, by="森")
        await until(lambda: not memory.orders)
