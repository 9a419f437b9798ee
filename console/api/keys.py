"""API keys: 256 random bits that a program shows with each request, of which the database has only a hash."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Pool

from console import audit
from console.accounts import Role
from console.accounts import problems as accounts
from console.api import problems
from console.orders.model import Connection
from words.problem import Refused
from words.sql import sql

ROLES = (Role.VIEWER, Role.AUTHOR, Role.TOURISM)
"""A key approves nothing, and administers nothing: people do."""
CALLS_A_MINUTE = 120
_PREFIX = "todoke_"
"""So that whoever finds one, in a log or a repository, knows what it is."""
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_ADD_KEY = sql("console.api", "add_key")
_LIST_KEYS = sql("console.api", "list_keys")
_REVOKE_KEY = sql("console.api", "revoke_key")
_FIND_KEY = sql("console.api", "find_key")
_HOLD_KEY = sql("console.api", "hold_key")
_TAKE_CALL = sql("console.api", "take_call")


@dataclass(frozen=True, slots=True)
class Key:
    """Whoever asks. `role` is one of ROLES; `sends_drills`: without anybody's approval."""

    id: int
    name: str
    role: Role
    sends_drills: bool

    def check(self, *roles: Role) -> None:
        """Raises Refused unless its role is one of them."""
        if self.role not in roles:
            raise Refused(accounts.role(roles))


@dataclass(frozen=True, slots=True)
class Listed:
    name: str
    role: Role
    sends_drills: bool
    created_at: datetime
    revoked_at: datetime | None


async def create(pool: Pool, name: str, role: Role, *, sends_drills: bool = False) -> str:
    """The key itself, which nobody can see a second time. Raises Refused for a name that is none or was given before."""
    if not _NAME.fullmatch(name):
        raise Refused(problems.bad_name())
    if role not in ROLES or (sends_drills and role is Role.VIEWER):
        raise Refused(problems.bad_role())
    key = _PREFIX + secrets.token_urlsafe(32)
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(_ADD_KEY, name, _hash(key), role, sends_drills) is None:
            raise Refused(problems.name_taken())
        details = {"role": role, "sends_drills": sends_drills}
        await audit.record(connection, actor=None, action="key.created", subject=f"key:{name}", details=details)
    return key


async def revoke(pool: Pool, name: str) -> None:
    """From now on it opens nothing. Raises Refused when there is no such key, or it was revoked before."""
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(_REVOKE_KEY, name) is None:
            raise Refused(problems.no_key())
        await audit.record(connection, actor=None, action="key.revoked", subject=f"key:{name}", details={})


async def listed(pool: Pool) -> Sequence[Listed]:
    """Also those that were revoked, by name."""
    rows = await pool.fetch(_LIST_KEYS)
    return [
        Listed(row["name"], Role(row["role"]), row["sends_drills"], row["created_at"], row["revoked_at"])
        for row in rows
    ]


async def find(pool: Pool, shown: str) -> Key:
    """Whose key it is. Raises Refused when it is nobody's, or was revoked."""
    row = await pool.fetchrow(_FIND_KEY, _hash(shown))
    if row is None:
        raise Refused(problems.key_needed())
    return Key(row["id"], row["name"], Role(row["role"]), row["sends_drills"])


async def hold(connection: Connection, key: Key) -> None:
    """That it is not revoked before this transaction ends. Raises Refused."""
    if await connection.fetchrow(_HOLD_KEY, key.id) is None:
        raise Refused(problems.key_needed())


async def take_call(pool: Pool, key: Key) -> int | None:
    """Count a request; the seconds to wait when there were too many this minute, else None."""
    row = await pool.fetchrow(_TAKE_CALL, key.id, CALLS_A_MINUTE)
    if row is None or row["calls"] <= CALLS_A_MINUTE:
        return None
    return max(1, int(row["seconds"]))


def _hash(key: str) -> bytes:
    """Of 256 random bits: nothing slower than SHA-256 is needed to keep them secret."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
