"""The stand-in: while the event loop stands still, a thread beats in its place, and tells whoever looks.

A loop that somebody's code holds for half a minute has not died, and what it holds must not be given away as if it had.
But one that never comes back must be: so the thread stands in for as long as a worker may be silent and still call
(`Session`), and not a second longer. It only keeps others from taking the work. Whether this worker may call is
answered by the loop's own last beat, which is too old after such a time; and when the whole process is frozen, the
thread is as well.

Otherwise the thread sleeps; it has no connection, and no process waits for it to end.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Self

import asyncpg
import structlog

from dispatcher import metrics
from dispatcher.trouble import Trouble, as_json
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

LAG_SECONDS = 2.0
"""A loop that does not come round for so long stands still."""
_LOOK_SECONDS = 0.5
_BEAT_SECONDS = 2.0
_DATABASE_SECONDS = 2.0
_BEAT = sql("dispatcher", "session_stand_in")
_NO_DATABASE = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)

log = structlog.get_logger(__name__)
_DSNS: dict[int, str] = {}
"""By the identity of a pool: it has no room for anything of ours."""


@contextmanager
def reached_by(pool: Pool, dsn: str) -> Iterator[None]:
    """Know where a pool's database is: its connections are of no use to another thread."""
    _DSNS[id(pool)] = dsn
    try:
        yield
    finally:
        del _DSNS[id(pool)]


def address_of(pool: Pool) -> str:
    """The DSN of a pool that is `reached_by` one, for whoever needs connections of their own. Raises KeyError."""
    return _DSNS[id(pool)]


class StandIn:
    """Watches the loop it is entered in. `number` gives the session to beat for; `patience` in seconds."""

    def __init__(self, pool: Pool, number: Callable[[], int], *, patience: float) -> None:
        self._dsn = _DSNS.get(id(pool))
        self._number = number
        self._patience = patience
        self._seen = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="stand-in", daemon=True)
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        self._come_round()
        self._thread.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.to_thread(self._thread.join, 2 * _DATABASE_SECONDS)

    def _come_round(self) -> None:
        self._seen = time.monotonic()
        self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._come_round)

    def _watch(self) -> None:
        """In the thread."""
        beaten_at = 0.0
        while not self._over.wait(_LOOK_SECONDS):
            lag = time.monotonic() - self._seen
            metrics.LOOP_LAG.set(lag if lag > LAG_SECONDS else 0)
            if lag <= LAG_SECONDS:
                beaten_at = 0.0
            elif lag < self._patience and time.monotonic() - beaten_at >= _BEAT_SECONDS:
                if not beaten_at:
                    metrics.LOOP_STALLS.inc()
                    log.error("loop_stands_still", session=self._number(), seconds=round(lag, 1))
                beaten_at = time.monotonic()
                self._beat(lag)

    def _beat(self, lag: float) -> None:
        if self._dsn is None:
            return
        try:
            asyncio.run(_stand_in(self._dsn, self._number(), lag))
        except _NO_DATABASE as error:
            log.warning("stand_in_not_heard", session=self._number(), error=type(error).__name__)


async def _stand_in(dsn: str, session: int, lag: float) -> None:
    async with asyncio.timeout(_DATABASE_SECONDS):
        connection = await asyncpg.connect(dsn)
        try:
            told = json.dumps(as_json([_trouble(lag)]), ensure_ascii=False)
            await connection.execute(_BEAT, session, told)
        finally:
            connection.terminate()


def _trouble(lag: float) -> Trouble:
    return Trouble(
        "loop.stands_still",
        "",
        f"このプロセスは{lag:.0f}秒前から処理が止まっています。続くときは再起動してください。仕事はほかのプロセスが引き継ぎます。",
        f"This process has done nothing for {lag:.0f} seconds. If it goes on, restart it; the other processes take over.",
    )
