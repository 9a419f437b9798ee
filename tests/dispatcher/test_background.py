"""What runs in the background in Kawabe's worker ends when it is told to."""

from __future__ import annotations

import asyncio

from dispatcher.background import Agent


async def test_an_agent_woken_as_it_leaves_still_leaves() -> None:
    async def tick() -> None:
        ticked.set()

    ticked = asyncio.Event()
    agent = Agent("closer", tick, every=3600)
    async with asyncio.timeout(10), agent:
        await ticked.wait()
        await asyncio.sleep(0)
        agent.wake()
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_tick_that_loses_its_cancellation_holds_nobody_up() -> None:
    async def tick() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            lost.append("cancellation")

    begun, lost = asyncio.Event(), list[str]()
    async with asyncio.timeout(10), Agent("closer", tick, every=0):
        await begun.wait()
    assert lost == ["cancellation"]


async def test_an_agent_ticks_again_after_its_pause_and_when_it_is_woken() -> None:
    async def tick() -> None:
        ticks.append("tick")

    ticks: list[str] = []
    async with asyncio.timeout(10), Agent("closer", tick, every=0.001):
        while len(ticks) < 3:
            await asyncio.sleep(0)
    ticks.clear()
    async with asyncio.timeout(10), Agent("closer", tick, every=3600) as agent:
        while len(ticks) < 3:
            agent.wake()
            await asyncio.sleep(0)
