"""A worker's lease: one row a process, beaten every few seconds on a connection of its own.

A worker that could not beat for half the time after which others give it up starts nothing more
(`alive`). While its event loop stands still a thread beats for it, for as long (dispatcher/stand_in.py). One
that was given up, because it was frozen for too long, takes a new session; what it still had under way is merged as
late proof.
"""

from __future__ import annotations

import json
import os
import socket
import time
from typing import TYPE_CHECKING

import structlog
from asyncpg import InterfaceError, InternalClientError, OperatorInterventionError, PostgresConnectionError

from dispatcher.background import Agent
from dispatcher.bell import PEERS
from dispatcher.stand_in import StandIn
from dispatcher.trouble import Trouble, as_json
from words.sql import sql

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from asyncpg import Pool

_OPEN = sql("dispatcher", "session_open")
_BEAT = sql("dispatcher", "session_beat")
_END = sql("dispatcher", "session_end")
_RING = sql("dispatcher", "ring")

_NO_DATABASE = (
    OSError,
    TimeoutError,
    PostgresConnectionError,
    InterfaceError,
    InternalClientError,
    OperatorInterventionError,
)
"""Then the others find out by the silence."""

log = structlog.get_logger(__name__)


class Session:
    """`number` names this process in every claim; 0 before it is opened."""

    def __init__(
        self,
        pool: Pool,
        *,
        beat_seconds: float,
        expire_seconds: float,
        trouble: Callable[[], list[Trouble]],
        shared_among: Callable[[int], None],
        held_back: Callable[[], bool] = lambda: False,
    ) -> None:
        """`held_back`: somebody sends, or has sent, without the database (dispatcher/emergency)."""
        self.number = 0
        self._pool = pool
        self._patience = expire_seconds / 2
        self._trouble = trouble
        self._shared_among = shared_among
        self._held_back = held_back
        self._beaten_at = 0.0
        self._stand_in = StandIn(pool, lambda: self.number, patience=self._patience)
        self._agent = Agent("heartbeat", self._beat, every=beat_seconds)

    @property
    def alive(self) -> bool:
        """Whether this worker may start a call. Checked again immediately before each one."""
        return time.monotonic() - self._beaten_at < self._patience and not self._held_back()

    async def __aenter__(self) -> Self:
        await self._open()
        await self._agent.__aenter__()
        await self._stand_in.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stand_in.__aexit__(kind, error, trace)
        await self._agent.__aexit__(kind, error, trace)
        try:
            await self._pool.execute(_END, self.number)
            await self._pool.execute(_RING, PEERS)
        except _NO_DATABASE as trouble:
            log.warning("session_not_ended", session=self.number, error=type(trouble).__name__)

    def peers_changed(self) -> None:
        """Another session opened or ended: beat now, and learn how many there are."""
        self._agent.wake()

    def tell(self) -> None:
        """Trouble began or ended: beat now, so that `todoke status` says it at once."""
        self._agent.wake()

    async def _open(self) -> None:
        asked_at = time.monotonic()
        self.number = await self._pool.fetchval(_OPEN, socket.gethostname(), os.getpid())
        self._beaten_at = asked_at
        await self._pool.execute(_RING, PEERS)

    async def _beat(self) -> None:
        asked_at = time.monotonic()
        peers = await self._pool.fetchval(_BEAT, self.number, json.dumps(as_json(self._trouble()), ensure_ascii=False))
        if peers is None:
            log.warning("session_lost", session=self.number)
            await self._open()
            return
        self._beaten_at = asked_at
        self._shared_among(peers)
