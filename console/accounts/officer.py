"""An officer who is signed in, and what officers may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from console.accounts import problems
from words.problem import Refused
from words.sql import sql

Connection = asyncpg.Connection | PoolConnectionProxy
_FIND_ROLES = sql("console.accounts", "find_roles")


class Role(StrEnum):
    VIEWER = "viewer"
    AUTHOR = "author"
    APPROVER = "approver"
    TOURISM = "tourism"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who has given both factors. `session` is the number of the sign-in, not what the browser holds."""

    id: int
    name: str
    roles: frozenset[Role]
    session: int


async def still(connection: Connection, officer: int, *roles: Role) -> None:
    """Hold, to the end of this transaction, that the officer is not disabled and has one of `roles` (any, if none).

    For whatever changes something: what a page knew when it was shown is not what holds when it is acted upon.
    Raises Refused.
    """
    row = await connection.fetchrow(_FIND_ROLES, officer)
    if row is None or row["disabled"]:
        raise Refused(problems.disabled())
    if roles and not set(roles) & set(row["roles"]):
        raise Refused(problems.role(roles))
