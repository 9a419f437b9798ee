"""One timer for many calls of a task: each call has its own time, and a cancellation stays one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dispatcher.time_limit import TimeLimit

SOON = 0.02


@asynccontextmanager
async def limit(seconds: float) -> AsyncIterator[TimeLimit]:
    within = TimeLimit(seconds)
    yield within
    within.close()


async def never() -> None:
    await asyncio.Event().wait()


async def test_a_call_that_takes_too_long_is_ended() -> None:
    async with limit(SOON) as within:
        with pytest.raises(TimeoutError), within:
            await never()


async def test_a_call_after_one_that_was_ended_has_its_own_time() -> None:
    async with limit(SOON) as within:
        with pytest.raises(TimeoutError), within:
            await never()
        with within:
            await asyncio.sleep(0)
        with pytest.raises(TimeoutError), within:
            await never()


async def test_calls_in_a_row_may_take_longer_than_one_may() -> None:
    async with limit(SOON) as within:
        until = asyncio.get_running_loop().time() + 3 * SOON
        while asyncio.get_running_loop().time() < until:
            with within:
                await asyncio.sleep(SOON / 10)


async def test_between_two_calls_nobody_is_ended() -> None:
    async with limit(SOON) as within:
        with within:
            await asyncio.sleep(0)
        await asyncio.sleep(2 * SOON)


async def test_a_cancellation_from_outside_stays_one() -> None:
    async def call() -> None:
        async with limit(60) as within:
            with within:
                await never()

    task = asyncio.create_task(call())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_fails_fails_as_it_would_without() -> None:
    async with limit(60) as within:
        with pytest.raises(ConnectionError), within:
            raise ConnectionError
