"""A thread beats while the event loop stands still, for as long as that may be nothing worse."""

from __future__ import annotations

import threading
import time

import pytest
from asyncpg import Pool, Record

from dispatcher import stand_in
from dispatcher.session import Session

ROW = "select number, beat, expired, trouble::text as trouble from worker_session"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_in, "LAG_SECONDS", 0.2)
    monkeypatch.setattr(stand_in, "_LOOK_SECONDS", 0.02)
    monkeypatch.setattr(stand_in, "_BEAT_SECONDS", 0.1)


def session(pool: Pool, *, expire_seconds: float = 120) -> Session:
    return Session(pool, beat_seconds=60, expire_seconds=expire_seconds, trouble=list, shared_among=lambda _: None)


def hold_the_loop(seconds: float) -> None:
    time.sleep(seconds)


async def row(pool: Pool) -> Record:
    found = await pool.fetchrow(ROW)
    assert found is not None
    return found


async def test_a_loop_that_stands_still_is_beaten_for_and_told_of(pool: Pool) -> None:
    async with session(pool):
        before = await row(pool)
        hold_the_loop(1.5)
        after = await row(pool)
    assert after["beat"] > before["beat"] + 1
    assert after["trouble"].count("loop.stands_still") == 1


async def test_a_loop_that_stands_still_for_too_long_is_left_to_the_others(pool: Pool) -> None:
    async with session(pool, expire_seconds=1):
        hold_the_loop(1)
        then = (await row(pool))["beat"]
        hold_the_loop(1)
        assert (await row(pool))["beat"] <= then + 4


async def test_the_worker_itself_counts_its_own_beats_only(pool: Pool) -> None:
    async with session(pool, expire_seconds=1) as worker:
        hold_the_loop(0.7)
        assert not worker.alive


async def test_a_session_that_was_given_up_is_not_beaten_back_to_life(pool: Pool) -> None:
    async with session(pool):
        await pool.execute("update worker_session set expired = true")
        before = await row(pool)
        hold_the_loop(1)
        assert await row(pool) == before


async def test_the_thread_ends_with_its_session(pool: Pool) -> None:
    async with session(pool):
        assert "stand-in" in {thread.name for thread in threading.enumerate()}
    assert "stand-in" not in {thread.name for thread in threading.enumerate()}


async def test_a_loop_that_comes_round_is_never_beaten_for(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stand_in, "LAG_SECONDS", 60)
    async with session(pool):
        before = (await row(pool))["beat"]
        hold_the_loop(0.5)
        assert (await row(pool))["beat"] <= before + 1
