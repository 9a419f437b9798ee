"""What lets somebody do more than before: one administrator proposes it, another agrees within seven days.

More roles are that, and so is a new password and factor for somebody: with them one could become that person.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asyncpg import Pool, Record

from console import audit
from console.accounts import problems
from console.accounts.enrolling import invite
from console.accounts.officer import Role, still
from console.accounts.sign_in import end_all
from console.accounts.staff import found
from words.problem import Refused
from words.sql import sql

Kind = Literal["roles", "reset"]
_PROPOSE = sql("console.accounts", "propose")
_FIND = sql("console.accounts", "find_elevation")
_DECIDE = sql("console.accounts", "decide")
_LIST = sql("console.accounts", "list_elevations")
_SET_ROLES = sql("console.accounts", "set_roles")
_RESET = sql("console.accounts", "reset_account")


@dataclass(frozen=True, slots=True)
class Elevation:
    """What somebody proposed, and nobody has decided yet."""

    id: int
    officer: int
    officer_name: str
    kind: Kind
    roles: tuple[Role, ...]
    proposed_by: int
    proposer_name: str
    proposed_at: datetime


async def propose_roles(pool: Pool, officer: int, roles: Sequence[Role], *, by: int) -> int:
    """Propose that the officer may do more. Raises Refused."""
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        row = await _active(connection, officer)
        if not roles or set(roles) & set(row["roles"]):
            raise Refused(problems.nothing_to_gain())
        return await _propose(connection, officer, "roles", sorted(set(roles)), by)


async def propose_reset(pool: Pool, officer: int, *, by: int) -> int:
    """Propose that the officer enrols anew: a lost telephone, a forgotten password. Raises Refused."""
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        await _active(connection, officer)
        return await _propose(connection, officer, "reset", [], by)


async def grant(pool: Pool, elevation: int, *, by: int) -> str | None:
    """Agree to it; for a reset gives the code to enrol with, to be handed to the person. Raises Refused."""
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        row = await _open(connection, elevation)
        if row["proposed_by"] == by:
            raise Refused(problems.second_administrator())
        await still(connection, row["proposed_by"], Role.ADMINISTRATOR)
        await connection.execute(_DECIDE, elevation, by, True)
        code = await _carry_out(connection, row)
        await _record(connection, by, "elevation.granted", elevation, row)
    return code


async def refuse(pool: Pool, elevation: int, *, by: int) -> None:
    """Turn it down, or take one's own proposal back. Raises Refused."""
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        row = await _open(connection, elevation)
        await connection.execute(_DECIDE, elevation, by, False)
        await _record(connection, by, "elevation.refused", elevation, row)


async def elevations(pool: Pool) -> Sequence[Elevation]:
    """What waits for a second administrator, the oldest first."""
    rows = await pool.fetch(_LIST)
    return [Elevation(**{**row, "roles": tuple(map(Role, row["roles"]))}) for row in rows]


async def _propose(connection: audit.Connection, officer: int, kind: Kind, roles: Sequence[Role], by: int) -> int:
    elevation: int = await connection.fetchval(_PROPOSE, officer, kind, roles, by)
    details = {"officer": officer, "kind": kind, "roles": list(roles)}
    await audit.record(
        connection, actor=by, action="elevation.proposed", subject=f"elevation:{elevation}", details=details
    )
    return elevation


async def _carry_out(connection: audit.Connection, row: Record) -> str | None:
    officer = await _active(connection, row["officer"])
    if row["kind"] == "roles":
        await connection.execute(_SET_ROLES, row["officer"], sorted({*officer["roles"], *row["roles"]}))
        return None
    await connection.execute(_RESET, row["officer"])
    await end_all(connection, row["officer"], "reset")
    return await invite(connection, row["officer"])


async def _active(connection: audit.Connection, officer: int) -> Record:
    row = await found(connection, officer)
    if row["disabled_at"] is not None:
        raise Refused(problems.disabled())
    if not row["enrolled"]:
        raise Refused(problems.not_enrolled())
    return row


async def _open(connection: audit.Connection, elevation: int) -> Record:
    row = await connection.fetchrow(_FIND, elevation)
    if row is None:
        raise Refused(problems.not_open())
    return row


async def _record(connection: audit.Connection, by: int, action: str, elevation: int, row: Record) -> None:
    details = {"officer": row["officer"], "kind": row["kind"], "roles": list(row["roles"])}
    await audit.record(connection, actor=by, action=action, subject=f"elevation:{elevation}", details=details)
