"""Connections: those that are not urgent leave half of them free, and nobody keeps what they did not use."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from dispatcher.connections import Connections

ORDER, TOURISM = 0, 9


async def test_a_campaign_leaves_half_of_them_to_orders() -> None:
    connections = Connections(4)
    async with connections.one(TOURISM), connections.one(TOURISM):
        assert not connections.free(TOURISM)
        async with connections.one(ORDER), connections.one(ORDER):
            assert not connections.free(ORDER)
    assert connections.free(TOURISM)
    assert connections.free(ORDER)


async def test_whoever_waits_is_counted_and_whoever_gives_up_takes_nothing_along() -> None:
    connections = Connections(1)
    async with connections.one(ORDER):
        waiting = asyncio.create_task(_take(connections, TOURISM))
        await asyncio.sleep(0)
        assert connections.wanted == 1
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert connections.wanted == 0
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(connections.one(TOURISM))
        assert not connections.free(ORDER)


async def _take(connections: Connections, priority: int) -> None:
    async with connections.one(priority):
        pass
