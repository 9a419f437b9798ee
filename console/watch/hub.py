"""The hub: one reader a dispatch, however many watch it.

A reader holds one look, the latest; whoever is slow finds that when they come again, and misses those between. Nothing
is kept for anybody, and nothing here waits for anybody.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from console.accounts.sign_in import still_in
from console.watch.look import ChannelLook, Look, ended_at, look
from console.watch.reasons import Reason, last_calls, reasons
from dispatcher.background import DATABASE_TROUBLE
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool

EVERY_SECONDS = 1.0
SHARE = 1 / 25
"""Of the time that looking may take; a look that takes longer comes less often."""
SLOWEST_SECONDS = 3.0
"""But never less often than this: while everything is sent at full speed a look mostly waits for its turn."""
QUIET_SECONDS = 5.0
"""Between looks at what is over; receipts still come in."""
REASONS_SECONDS = 10.0
CHECK_SECONDS = 2.0
"""How often it is asked whether those who watch are still signed in."""
PATIENCE_SECONDS = 5.0
"""A question to the database that takes longer counts as not answered."""
MOST_WATCHERS = 200
MOST_OF_ONE = 6
"""Streams of one sign-in: browsers open no more to one host."""
_STEADY_LOOKS = 15

log = structlog.get_logger(__name__)


class Watcher:
    """One who watches. `over`: there is nothing more to wait for, because the sign-in ended or the program ends."""

    def __init__(self, reader: _Reader, sign_in: int) -> None:
        self.sign_in = sign_in
        self.over = False
        self.signed_out = False
        self._reader = reader
        self._seen = 0

    @property
    def look(self) -> Look | None:
        """The latest; None before the first."""
        return self._reader.look

    @property
    def old_since(self) -> datetime | None:
        """When the figures are from, if nothing newer can be had just now."""
        return self._reader.old_since

    @property
    def without_database(self) -> bool:
        return self._reader.without_database

    async def changed(self) -> bool:
        """Wait for something that this watcher has not seen; whether there will be more after it."""
        while not self.over and self._seen == self._reader.version:
            await self._reader.turn.wait()
        self._seen = self._reader.version
        return not self.over

    def once(self, what: str, make: Callable[[], bytes]) -> bytes:
        """`what` made of this look, for all who want it."""
        return self._reader.once(what, make)


class Hub:
    """Readers of whatever is watched, and who watches. Entered before the first watcher comes."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._readers: dict[str, _Reader] = {}
        self._watchers: set[Watcher] = set()
        self._checking: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def watching(self, dispatch: str, sign_in: int) -> AsyncIterator[Watcher]:
        """Raises Refused for one watcher too many."""
        self._check_room(sign_in)
        reader = self._readers.get(dispatch)
        if reader is None:
            reader = self._readers[dispatch] = _Reader(self._pool, dispatch)
        if self._checking is None:
            self._checking = asyncio.create_task(self._check_sign_ins(), name="who watches")
        watcher = Watcher(reader, sign_in)
        self._watchers.add(watcher)
        reader.watchers += 1
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
            reader.watchers -= 1
            if not reader.watchers:
                del self._readers[dispatch]
                reader.close()

    @property
    def watchers(self) -> int:
        return len(self._watchers)

    @property
    def readers(self) -> int:
        return len(self._readers)

    def nudge(self, dispatch: str | None = None) -> None:
        """Something has just happened to it, or to all: look now."""
        for name, reader in self._readers.items():
            if dispatch in {None, name}:
                reader.nudge.set()

    def close(self) -> None:
        """Everybody goes home."""
        if self._checking is not None:
            self._checking.cancel()
        for watcher in self._watchers:
            watcher.over = True
        self._ring()

    def _check_room(self, sign_in: int) -> None:
        own = Counter(each.sign_in for each in self._watchers)
        if len(self._watchers) >= MOST_WATCHERS or own[sign_in] >= MOST_OF_ONE:
            raise Refused(_too_many())

    async def _check_sign_ins(self) -> None:
        """Without the database nobody can be asked about; nor is there anything new to be seen then."""
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            watchers = set(self._watchers)
            if not watchers:
                continue
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    held = await still_in(self._pool, {each.sign_in for each in watchers})
            except (TimeoutError, *DATABASE_TROUBLE) as trouble:
                log.warning("watchers_not_checked", error=type(trouble).__name__)
                continue
            for each in watchers:
                if each.sign_in not in held:
                    each.over = each.signed_out = True
            self._ring()

    def _ring(self) -> None:
        for reader in self._readers.values():
            reader.ring()


class _Reader:
    """Looks at one dispatch again and again, until nobody watches."""

    def __init__(self, pool: Pool, dispatch: str) -> None:
        self.watchers = 0
        self.version = 0
        self.look: Look | None = None
        self.old_since: datetime | None = None
        self.without_database = False
        self.turn = asyncio.Event()
        self.nudge = asyncio.Event()
        self._pool = pool
        self._dispatch = dispatch
        self._made: dict[str, bytes] = {}
        self._pace = _Pace()
        self._reasons: tuple[Reason, ...] = ()
        self._ends: dict[str, datetime] = {}
        self._reasons_at = 0.0
        self._reasons_took = 0.0
        self._task = asyncio.create_task(self._read(), name=f"reader of {dispatch}")

    def close(self) -> None:
        self._task.cancel()

    def ring(self) -> None:
        """Wake whoever waits."""
        before, self.turn = self.turn, asyncio.Event()
        before.set()

    def once(self, what: str, make: Callable[[], bytes]) -> bytes:
        if what not in self._made:
            self._made[what] = make()
        return self._made[what]

    async def _read(self) -> None:
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(PATIENCE_SECONDS * 4):
                    self._see(await self._next())
            except (TimeoutError, *DATABASE_TROUBLE) as trouble:
                self._miss(trouble)
            except Exception as trouble:
                log.exception("watching_failed", dispatch=self._dispatch)
                self._miss(trouble)
            took = time.monotonic() - began
            over = self.look is not None and self.look.status.over
            await self._rest(QUIET_SECONDS if over else min(max(EVERY_SECONDS, took / SHARE), SLOWEST_SECONDS))

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.nudge.wait()
        except TimeoutError:
            pass
        self.nudge.clear()

    async def _next(self) -> Look:
        now = await look(self._pool, self._dispatch)
        began = time.monotonic()
        ended = self.look is not None and now.status.over and not self.look.status.over
        if ended or began - self._reasons_at >= max(REASONS_SECONDS, self._reasons_took / SHARE):
            self._reasons = await reasons(self._pool, self._dispatch)
            self._ends = dict(await last_calls(self._pool, self._dispatch))
            self._reasons_at, self._reasons_took = began, time.monotonic() - began
        return replace(ended_at(self._pace.reckon(now), self._ends), reasons=self._reasons, number=self.version + 1)

    def _see(self, now: Look) -> None:
        self.look, self.old_since, self.without_database = now, None, False
        self._tell()

    def _miss(self, trouble: BaseException) -> None:
        if not self.without_database:
            log.warning("watching_without_database", dispatch=self._dispatch, error=type(trouble).__name__)
        self.without_database = True
        self.old_since = self.look.at if self.look is not None else None
        self._tell()

    def _tell(self) -> None:
        self.version += 1
        self._made.clear()
        self.ring()


class _Pace:
    """How fast each channel goes, over the last looks."""

    def __init__(self) -> None:
        self._before: deque[Look] = deque(maxlen=_STEADY_LOOKS)

    def reckon(self, now: Look) -> Look:
        self._before.append(now)
        then = self._before[0]
        seconds = (now.at - then.at).total_seconds()
        before = {each.channel: each for each in then.channels}
        return replace(
            now, channels=tuple(_with_left(each, before.get(each.channel, each), seconds) for each in now.channels)
        )


def _with_left(now: ChannelLook, then: ChannelLook, seconds: float) -> ChannelLook:
    done = now.handed_over - then.handed_over
    waiting = now.unsent + now.under_way
    return replace(now, left=waiting * seconds / done) if waiting and done > 0 and seconds > 0 else now


def _too_many() -> Problem:
    return Problem(
        "watch.too_many",
        "",
        "同時に見ている画面が多すぎます。使っていない画面を閉じて、読み込み直してください。",
        "Too many pages are watching at once. Close those you do not need, and load this one again.",
    )
