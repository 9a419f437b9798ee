"""Officers as administrators see them: made, disabled and brought back, and what they may do taken away.

What gives somebody more is not here: it takes two administrators (elevation.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from asyncpg import Pool, Record

from console import audit
from console.accounts import problems
from console.accounts.enrolling import invite
from console.accounts.officer import Role, still
from console.accounts.passwords import Passwords, check_password
from console.accounts.sign_in import end_all
from words.problem import Problem, Refused, Tongue
from words.sql import sql

_ADD = sql("console.accounts", "add_officer")
_LIST = sql("console.accounts", "list_officers")
_FIND = sql("console.accounts", "find_officer")
_LOCK_ADMINISTRATORS = sql("console.accounts", "lock_administrators")
_SET_ROLES = sql("console.accounts", "set_roles")
_DISABLE = sql("console.accounts", "disable")
_ENABLE = sql("console.accounts", "enable")
_FIND_PASSWORD = sql("console.accounts", "find_password")
_CHANGE_PASSWORD = sql("console.accounts", "change_password")
_SET_LANGUAGE = sql("console.accounts", "set_language")
_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,63}")
_NAME_LENGTH = 100
ENOUGH_ADMINISTRATORS = 2
"""From here on they make further ones themselves, and the command line makes none."""


@dataclass(frozen=True, slots=True)
class Colleague:
    """An officer in the list. `enrolled`: has chosen a password and a factor."""

    id: int
    login: str
    name: str
    roles: frozenset[Role]
    enrolled: bool
    enrolled_at: datetime | None
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Invited:
    officer: int
    code: str
    """Shown once, to be handed to the person."""


async def add_administrator(pool: Pool, *, login: str, name: str) -> Invited:
    """An administrator, made on the command line: as long as there are not two. Raises Refused."""
    _check(login, name)
    async with pool.acquire() as connection, connection.transaction():
        if len(await connection.fetch(_LOCK_ADMINISTRATORS)) >= ENOUGH_ADMINISTRATORS:
            raise Refused(problems.enough_administrators())
        return await _add(connection, login, name, (Role.VIEWER, Role.ADMINISTRATOR), by=None)


async def add_officer(pool: Pool, *, login: str, name: str, by: int) -> Invited:
    """An officer who may look, and no more yet. Raises Refused."""
    _check(login, name)
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        return await _add(connection, login, name, (Role.VIEWER,), by=by)


async def invite_again(pool: Pool, officer: int, *, by: int) -> Invited:
    """A new code for somebody who has not enrolled yet. Raises Refused."""
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        await found(connection, officer)
        code = await invite(connection, officer)
        await _record(connection, by, "officer.invited", officer)
    return Invited(officer, code)


async def disable(pool: Pool, officer: int, *, by: int) -> None:
    """From the next request on they are out. Raises Refused: oneself, or the last administrator."""
    async with pool.acquire() as connection, connection.transaction():
        left = await _administrators_but(connection, officer)
        await still(connection, by, Role.ADMINISTRATOR)
        await found(connection, officer)
        _check_others(officer, by, left)
        if await connection.fetchval(_DISABLE, officer) is not None:
            await end_all(connection, officer, "disabled")
            await _record(connection, by, "officer.disabled", officer)


async def enable(pool: Pool, officer: int, *, by: int) -> None:
    """Back, as somebody who may look. Raises Refused."""
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, by, Role.ADMINISTRATOR)
        await found(connection, officer)
        if await connection.fetchval(_ENABLE, officer) is not None:
            await _record(connection, by, "officer.enabled", officer)


async def withdraw(pool: Pool, officer: int, role: Role, *, by: int) -> None:
    """Take a role away, at once. Raises Refused: the last administrator."""
    async with pool.acquire() as connection, connection.transaction():
        left = await _administrators_but(connection, officer)
        await still(connection, by, Role.ADMINISTRATOR)
        row = await found(connection, officer)
        if role is Role.ADMINISTRATOR and not left:
            raise Refused(problems.last_administrator())
        if role in row["roles"]:
            await connection.execute(_SET_ROLES, officer, [each for each in row["roles"] if each != role])
            await _record(connection, by, "officer.role_withdrawn", officer, {"role": role})


async def change_password(
    pool: Pool, passwords: Passwords, officer: int, *, session: int, old: str, new: str, again: str, town: str
) -> None:
    """One's own; every other sign-in of the officer ends. Raises Refused."""
    row = await pool.fetchrow(_FIND_PASSWORD, officer)
    if row is None or not await passwords.fits(old, row["password"]):
        raise Refused(problems.wrong())
    if new != again:
        raise Refused(problems.different_passwords())
    check_password(new, names=(town, row["login"], row["name"]))
    hashed = await passwords.hash(new)
    async with pool.acquire() as connection, connection.transaction():
        if await connection.fetchval(_CHANGE_PASSWORD, officer, hashed, row["password"]) is None:
            raise Refused(problems.wrong())
        await end_all(connection, officer, "new password", but=session)
        await _record(connection, officer, "officer.password_changed", officer)


async def set_language(pool: Pool, officer: int, language: Tongue) -> None:
    await pool.execute(_SET_LANGUAGE, officer, language)


async def colleagues(pool: Pool) -> Sequence[Colleague]:
    """Everybody, those who are disabled last."""
    return [_read(row) for row in await pool.fetch(_LIST)]


async def found(connection: audit.Connection, officer: int) -> Record:
    """The officer's row, held to the end of the transaction. Raises Refused."""
    row = await connection.fetchrow(_FIND, officer)
    if row is None:
        raise Refused(problems.no_officer())
    return row


async def _add(
    connection: audit.Connection, login: str, name: str, roles: Sequence[Role], *, by: int | None
) -> Invited:
    officer = await connection.fetchval(_ADD, login, name.strip(), roles, by)
    if officer is None:
        raise Refused(problems.login_taken())
    code = await invite(connection, officer)
    await _record(connection, by, "officer.added", officer, {"login": login, "roles": list(roles)})
    return Invited(officer, code)


async def _administrators_but(connection: audit.Connection, officer: int) -> int:
    return sum(row["id"] != officer for row in await connection.fetch(_LOCK_ADMINISTRATORS))


def _check_others(officer: int, by: int, left: int) -> None:
    if officer == by:
        raise Refused(problems.not_yourself())
    if not left:
        raise Refused(problems.last_administrator())


def _check(login: str, name: str) -> None:
    wrong = list[Problem]()
    if not _LOGIN.fullmatch(login):
        wrong.append(problems.bad_login())
    if not name.strip().isprintable() or not 0 < len(name.strip()) <= _NAME_LENGTH:
        wrong.append(problems.bad_name())
    if wrong:
        raise Refused(wrong)


async def _record(
    connection: audit.Connection, by: int | None, action: str, officer: int, details: Mapping[str, Any] | None = None
) -> None:
    await audit.record(connection, actor=by, action=action, subject=f"officer:{officer}", details=details or {})


def _read(row: Record) -> Colleague:
    return Colleague(**{**row, "roles": frozenset(map(Role, row["roles"]))})
