"""A worker's session and planner, without its sender: batches are written, and nobody is called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dispatcher.batches import BatchStore, Claimed, LaneKey
from dispatcher.drafting import Drafter
from dispatcher.model import LAST_PRIORITY
from dispatcher.planner import Planner
from dispatcher.session import Session
from dispatcher.writing import Writer
from subscribers.columns import open_audience
from tests.dispatcher.engine_room import KAWABE, Kawabe


@asynccontextmanager
async def session(town: Kawabe) -> AsyncIterator[Session]:
    async with Session(
        town.pool, beat_seconds=0.2, expire_seconds=60, trouble=list, shared_among=lambda _number: None
    ) as alive:
        yield alive


async def drafter(town: Kawabe) -> Drafter:
    columns = await open_audience(town.pool)
    return Drafter(town.pool, columns, {name: each.contact for name, each in town.channels.items()})


async def plan(town: Kawabe, alive: Session) -> None:
    """Everything that is approved."""
    writer = Writer(town.channels, batch_size=500, town=KAWABE)
    planner = Planner(
        town.pool, await drafter(town), town.channels, alive, writer=writer, town=KAWABE, priorities=(0, LAST_PRIORITY)
    )
    await planner.tick()


async def claim(store: BatchStore, channel: str, alive: Session, lane: str = "") -> Claimed:
    """The one batch of a channel."""
    [batch] = await store.claim(LaneKey(0, channel, lane), alive.number, 8)
    return batch
