"""One reader for whoever watches; figures without the database are old, and say so; who is slow misses some."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from console.watch import hub as hubs
from console.watch.hub import Hub, Watcher
from console.watch.look import look
from dispatcher.model import DispatchState
from tests.dispatcher.engine_room import CAST, Kawabe, kawabe, order


@pytest.fixture
async def town(pool: asyncpg.Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kawabe:
    monkeypatch.setattr(hubs, "EVERY_SECONDS", 0.02)
    monkeypatch.setattr(hubs, "SLOWEST_SECONDS", 0.05)
    monkeypatch.setattr(hubs, "CHECK_SECONDS", 600.0)
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def until(watcher: Watcher, what: str) -> None:
    """Until that is true of the watcher."""
    async with asyncio.timeout(20):
        while await watcher.changed():
            if getattr(watcher, what):
                return


async def test_many_watch_through_one_reader(town: Kawabe) -> None:
    hub, dispatch = Hub(town.pool), await town.send(order())
    async with hub.watching(dispatch, 1) as first, hub.watching(dispatch, 2) as second:
        await until(first, "look")
        await until(second, "look")
        assert (hub.readers, hub.watchers) == (1, 2)
        assert first.look is second.look
    assert (hub.readers, hub.watchers) == (0, 0)
    hub.close()


async def test_what_is_made_of_a_look_is_made_once(town: Kawabe) -> None:
    hub, dispatch, made = Hub(town.pool), await town.send(order()), list[str]()

    def make() -> bytes:
        made.append("once")
        return b"figures"

    async with hub.watching(dispatch, 1) as first, hub.watching(dispatch, 2) as second:
        await until(first, "look")
        assert first.once("ja", make) == second.once("ja", make) == b"figures"
    assert made == ["once"]
    hub.close()


async def test_who_comes_late_finds_the_latest_and_nothing_is_kept(town: Kawabe) -> None:
    hub, dispatch = Hub(town.pool), await town.send(order())
    async with hub.watching(dispatch, 1) as quick, hub.watching(dispatch, 2) as slow:
        for _ in range(20):
            await until(quick, "look")
        await until(slow, "look")
        assert slow.look is not None
        assert slow.look.number >= 20
    hub.close()


async def test_without_the_database_the_figures_are_old_and_come_back(
    town: Kawabe, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, dispatch = Hub(town.pool), await town.send(order())
    away = asyncio.Event()

    async def seen(pool: asyncpg.Pool, name: str) -> object:
        if away.is_set():
            raise asyncpg.PostgresConnectionError("gone")
        return await look(pool, name)

    monkeypatch.setattr(hubs, "look", seen)
    async with hub.watching(dispatch, 1) as watcher:
        await until(watcher, "look")
        last = watcher.look
        away.set()
        await until(watcher, "without_database")
        assert last is not None
        assert watcher.old_since is not None
        assert watcher.look is not None
        assert watcher.look.status.state is DispatchState.APPROVED
        assert watcher.old_since == watcher.look.at
        away.clear()
        async with asyncio.timeout(20):
            while watcher.without_database:
                await watcher.changed()
        assert watcher.old_since is None
    hub.close()


async def test_everybody_is_sent_home_at_the_end(town: Kawabe) -> None:
    hub, dispatch = Hub(town.pool), await town.send(order())
    async with hub.watching(dispatch, 1) as watcher:
        await until(watcher, "look")
        hub.close()
        assert not await watcher.changed()
        assert (watcher.over, watcher.signed_out) == (True, False)
