"""Stopping one channel of a dispatch, while its others go on: what is due for it is neither claimed nor called any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatcher.model import DispatchState
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_STOP = sql("dispatcher", "channel_stop")
_LIST = sql("dispatcher", "channel_stops")
_RING = sql("dispatcher", "ring")


@dataclass(frozen=True, slots=True)
class ChannelStop:
    """A channel of a dispatch that somebody stopped."""

    channel: str
    stopped_by: str
    at: datetime


async def stop_channel(pool: Pool, dispatch: str, channel: str, *, by: str) -> DispatchState:
    """Stop one channel of a dispatch, the others go on; as `stop` does it. Raises Refused, also where it has no such channel."""
    async with pool.acquire() as connection, connection.transaction():
        return await stop_channel_here(connection, dispatch, channel, by=by)


async def stop_channel_here(connection: Connection, dispatch: str, channel: str, *, by: str) -> DispatchState:
    """The same in the caller's transaction."""
    state = await connection.fetchval(_STOP, dispatch, channel, by)
    if state is None:
        raise Refused(_no_such_channel(dispatch, channel))
    await connection.execute(_RING, "stop")
    return DispatchState(state)


async def channel_stops(pool: Pool, dispatch: str) -> tuple[ChannelStop, ...]:
    """In the order they were stopped."""
    return tuple(ChannelStop(**row) for row in await pool.fetch(_LIST, dispatch))


def _no_such_channel(dispatch: str, channel: str) -> Problem:
    return Problem(
        "stop.channel",
        "/what",
        f"配信「{dispatch}」がないか、この配信は経路「{channel}」を使っていません。todoke status で確かめてください。",
        f"There is no dispatch '{dispatch}', or it does not use the channel '{channel}'. See todoke status.",
    )
