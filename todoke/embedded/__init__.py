"""PostgreSQL 18 of our own, in the data directory, for whoever has configured no other.

Everybody who uses the server holds a shared lock on one file, which the kernel lets go however a
process ends. A watchdog waits until it can hold that lock alone, and then stops the server: it ends
with its last user, and whoever comes at that moment waits and starts it anew.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

import structlog

from todoke.embedded.account import account_for
from todoke.embedded.cluster import prepare_cluster
from todoke.embedded.locks import UsersLock, claim, exclusive, held
from todoke.embedded.place import Place
from todoke.embedded.seclusion import seclusion_for
from todoke.embedded.server import Server
from todoke.embedded.software import software
from words.problem import Refused

__all__ = ["embedded_postgres", "using_embedded_postgres"]

GLANCE_SECONDS = 1.0
"""Between two looks at whether the server still lives."""
log = structlog.get_logger()


@contextmanager
def using_embedded_postgres(data: Path) -> Iterator[str]:
    """The DSN of the data directory's own server, started if need be; it runs until its last user is gone.

    Raises Refused when the server cannot run here, with what to do about it.
    """
    users = _join(data)
    try:
        yield users.dsn
    finally:
        users.close()


@asynccontextmanager
async def embedded_postgres(data: Path) -> AsyncIterator[str]:
    """`using_embedded_postgres` without holding up the event loop. A server that dies meanwhile is started again."""
    user = await asyncio.to_thread(_join, data)
    leaving = asyncio.Event()
    keeper = asyncio.create_task(_keep(user, leaving))
    try:
        yield user.dsn
    finally:
        leaving.set()
        await keeper
        user.close()


async def _keep(user: _User, leaving: asyncio.Event) -> None:
    """Until we leave. Never cut short: a server started by a thread nobody waits for would be nobody's."""
    while not leaving.is_set():
        try:
            if user.forsaken:
                log.warning("database_died", place=str(user.place.root))
                await asyncio.to_thread(user.revive)
        except Refused as refused:
            log.error("database_not_restarted", reasons=refused.say("en"))  # noqa: TRY400 a sentence, no trace
        with suppress(TimeoutError):
            await asyncio.wait_for(leaving.wait(), GLANCE_SECONDS)


class _User:
    """One user of the server, until closed."""

    def __init__(self, lock: UsersLock, place: Place, dsn: str) -> None:
        self.dsn = dsn
        self.place = place
        self._lock = lock

    @property
    def forsaken(self) -> bool:
        """Whether the server is gone, though we use it, and nobody is starting it: whoever is must not find its lock taken."""
        starting = claim(self.place.starting)
        if starting is None:
            return False
        try:
            return not held(self.place.server)
        finally:
            os.close(starting)

    def revive(self) -> None:
        """Start it again, unless somebody else just did. Raises Refused."""
        with exclusive(self.place.starting):
            _running(self.place)

    def close(self) -> None:
        self._lock.release()


def _join(data: Path) -> _User:
    account = account_for(data)
    place = Place.under(data, account)
    lock = UsersLock(place.users)
    try:
        with exclusive(place.starting):
            return _User(lock, place, _running(place))
    except BaseException:
        lock.release()
        raise


def _running(place: Place) -> str:
    server = Server(place, seclusion_for(place, software()))
    server.watch()
    if not server.alive():
        prepare_cluster(place, server.seclusion)
        server.start()
    return server.dsn
