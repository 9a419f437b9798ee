"""PostgreSQL 18 of our own, in the data directory, for whoever has configured no other.

Everybody who uses the server holds a shared lock on one file, which the kernel lets go however a
process ends. A watchdog waits until it can hold that lock alone, and then stops the server: it ends
with its last user, and whoever comes at that moment waits and starts it anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from todoke.embedded.account import account_for
from todoke.embedded.cluster import prepare_cluster
from todoke.embedded.locks import UsersLock, exclusive
from todoke.embedded.place import Place
from todoke.embedded.seclusion import seclusion_for
from todoke.embedded.server import Server
from todoke.embedded.software import software

__all__ = ["embedded_postgres", "using_embedded_postgres"]


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
    """`using_embedded_postgres` without holding up the event loop."""
    users = await asyncio.to_thread(_join, data)
    try:
        yield users.dsn
    finally:
        users.close()


class _User:
    """One user of the server, until closed."""

    def __init__(self, lock: UsersLock, dsn: str) -> None:
        self.dsn = dsn
        self._lock = lock

    def close(self) -> None:
        self._lock.release()


def _join(data: Path) -> _User:
    account = account_for(data)
    place = Place.under(data, account)
    lock = UsersLock(place.users)
    try:
        with exclusive(place.starting):
            return _User(lock, _running(place))
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
