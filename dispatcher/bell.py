"""The bell: PostgreSQL's LISTEN/NOTIFY wakes agents at once. Polling is the guarantee, this only the haste."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asyncpg import InterfaceError

from dispatcher.background import Agent

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from asyncpg import Pool
    from asyncpg.pool import PoolConnectionProxy

CHANNEL = "todoke"
_AT_WORK = 7_032_001
"""The advisory lock that every engine holds, shared, on its bell's connection: PostgreSQL lets go of it when one dies."""
PLAN, DUE, STOP, PEERS = "plan", "due", "stop", "peers"


class Bell:
    """Calls `hear(payload)` for every ring, on a connection of its own that is dialled again when it breaks."""

    def __init__(self, pool: Pool, hear: Callable[[str], None], *, poll_seconds: float) -> None:
        self._pool = pool
        self._hear = hear
        self._connection: PoolConnectionProxy[Any] | None = None
        self._agent = Agent("bell", self._keep_listening, every=poll_seconds)

    async def __aenter__(self) -> Self:
        await self._agent.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._agent.__aexit__(kind, error, trace)
        if self._connection is not None:
            if _open(self._connection):
                await self._connection.remove_listener(CHANNEL, self._rang)
                await self._connection.execute("select pg_advisory_unlock_shared($1)", _AT_WORK)
            await self._pool.release(self._connection)

    async def _keep_listening(self) -> None:
        if self._connection is not None and _open(self._connection):
            return
        if self._connection is not None:
            broken, self._connection = self._connection, None
            await self._pool.release(broken)
        connection = await self._pool.acquire()
        self._connection = connection
        await connection.execute("select pg_advisory_lock_shared($1)", _AT_WORK)
        await connection.add_listener(CHANNEL, self._rang)

    def _rang(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._hear(str(payload))


def _open(connection: PoolConnectionProxy[Any]) -> bool:
    """One that was lost goes back to the pool by itself, and from then on answers every question with an error."""
    try:
        return not connection.is_closed()
    except InterfaceError:
        return False


async def anybody_at_work(pool: Pool) -> bool:
    """Whether an engine runs anywhere on this database, as PostgreSQL knows it by its connections."""
    async with pool.acquire() as connection, connection.transaction():
        alone: bool = await connection.fetchval("select pg_try_advisory_xact_lock($1)", _AT_WORK)
        return not alone
