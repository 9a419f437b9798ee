"""Watching a dispatch until it is over, at work oneself when nobody else is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from dispatcher.bell import anybody_at_work
from dispatcher.dispatches import Status, status
from dispatcher.holding import held_problem
from todoke.working import configured_channels, working
from words.problem import Refused

if TYPE_CHECKING:
    from asyncpg import Pool

    from config import Settings

_LOOK_SECONDS = 0.2
_HELP_AFTER_LOOKS = 25


async def watch(settings: Settings, pool: Pool, dispatch: str, show: Callable[[Status], None]) -> Status:
    """Look at the dispatch until it is over; `show` is called with every look. Returns the last one.

    Raises Refused when it is held: then an officer has to decide.

    Two engines would share the providers' limits between them, so this process sends only while no
    other does, and steps in when the other one is gone.
    """
    async with AsyncExitStack() as stack:
        looks, helping = 0, False
        while True:
            now = await status(pool, dispatch)
            show(now)
            if now.over:
                return now
            if now.held is not None:
                raise Refused(held_problem(now.held))
            if not helping and looks % _HELP_AFTER_LOOKS == 0 and not await anybody_at_work(pool):
                channels = await stack.enter_async_context(configured_channels(settings))
                await stack.enter_async_context(working(settings, pool, channels))
                helping = True
            looks += 1
            await asyncio.sleep(_LOOK_SECONDS)
