"""Signing in: a password, then a code. What the browser holds is 128 random bits, new with every factor given.

A sign-in lasts twelve hours, or until nobody used it for half an hour (find_sign_in.sql), and is looked at with every
request: whoever is disabled or signed out is so at once.
"""

from __future__ import annotations

import hashlib
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Pool, Record

from console import audit
from console.accounts import problems, totp
from console.accounts.officer import Officer, Role
from console.accounts.passwords import Passwords
from console.accounts.totp import Clock
from console.accounts.tries import code_limits, forgive, password_limits, take
from subscribers.vault import Vault
from words.problem import Problem, Refused, Tongue
from words.sql import sql

TOKEN_BYTES = 16
"""128 bits (OWASP ASVS 5.0, 7.2.3)."""
CODES_IN_A_ROW = 5
_FIND_ACCOUNT = sql("console.accounts", "find_account")
_BEGIN_SIGN_IN = sql("console.accounts", "begin_sign_in")
_FIND_SIGN_IN = sql("console.accounts", "find_sign_in")
_STILL_IN = sql("console.accounts", "still_in")
_SEE = sql("console.accounts", "see")
_FIND_FACTOR = sql("console.accounts", "find_factor")
_TAKE_STEP = sql("console.accounts", "take_step")
_GIVE_FACTOR = sql("console.accounts", "give_factor")
_MISS_FACTOR = sql("console.accounts", "miss_factor")
_END_SIGN_IN = sql("console.accounts", "end_sign_in")
_END_SIGN_INS = sql("console.accounts", "end_sign_ins")
_LIST_SIGN_INS = sql("console.accounts", "list_sign_ins")


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that holds. `whole`: both factors were given; `fresh`: the second within the last five minutes."""

    officer: Officer
    language: Tongue
    whole: bool
    fresh: bool
    factor_at: datetime | None


@dataclass(frozen=True, slots=True)
class Held:
    """A sign-in as its owner sees it."""

    id: int
    began_at: datetime
    seen_at: datetime


class Door:
    """Lets officers in and out, by what the database says now."""

    def __init__(self, pool: Pool, vault: Vault, passwords: Passwords, now: Clock) -> None:
        self._now = now
        self._pool = pool
        self._vault = vault
        self._passwords = passwords

    async def give_password(self, login: str, password: str, *, machine: str) -> str:
        """The token of a sign-in that still lacks its code. Raises Refused, in the same words and time for whatever is wrong."""
        login = unicodedata.normalize("NFKC", login).strip().casefold()
        limits = password_limits(self._vault, login, machine)
        await take(self._pool, limits)
        account = await self._pool.fetchrow(_FIND_ACCOUNT, login)
        stored = account["password"] if account is not None else None
        if not await self._passwords.fits(password, stored) or account is None:
            await self._refused(account["id"] if account is not None else None, machine)
            raise Refused(problems.wrong())
        token = new_token()
        async with self._pool.acquire() as connection, connection.transaction():
            found = await connection.fetchval(_BEGIN_SIGN_IN, account["id"], token_hash(token), stored)
            if found is None:
                raise Refused(problems.wrong())
            await forgive(connection, limits)
        return token

    async def _refused(self, officer: int | None, machine: str) -> None:
        """Also for nobody: it takes as long as for somebody."""
        subject = f"officer:{officer or '?'}"
        async with self._pool.acquire() as connection, connection.transaction():
            await audit.record(
                connection, actor=None, action="sign_in.refused", subject=subject, details={"from": machine}
            )

    async def give_code(self, sign_in: int, code: str, *, machine: str) -> str:
        """The new token of this sign-in, its second factor given just now. Raises Refused; after five wrong codes it has ended."""
        row = await self._pool.fetchrow(_FIND_FACTOR, sign_in)
        if row is None:
            raise Refused(problems.needed())
        limits = code_limits(self._vault, row["id"])
        await take(self._pool, limits)
        step = totp.step_of(totp.unseal(self._vault, row["id"], row["totp"]), code, now=self._now())
        token = new_token()
        async with self._pool.acquire() as connection, connection.transaction():
            if step is not None and await connection.fetchval(_TAKE_STEP, row["id"], step) is not None:
                if await connection.fetchval(_GIVE_FACTOR, sign_in, token_hash(token)) is None:
                    raise Refused(problems.needed())
                await forgive(connection, limits)
                await audit.record(
                    connection,
                    actor=row["id"],
                    action="sign_in.confirmed",
                    subject=f"sign_in:{sign_in}",
                    details={"from": machine},
                )
                return token
        raise Refused(await self._missed(sign_in, machine))

    async def _missed(self, sign_in: int, machine: str) -> Sequence[Problem]:
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(_MISS_FACTOR, sign_in, CODES_IN_A_ROW)
            if row is None:
                return [problems.needed()]
            await audit.record(
                connection,
                actor=row["officer"],
                action="factor.refused",
                subject=f"sign_in:{sign_in}",
                details={"from": machine, "ended": row["ended"]},
            )
        return [problems.too_many_codes() if row["ended"] else problems.wrong_code()]

    async def of(self, token: str, *, quiet: bool = False) -> SignIn | None:
        """The sign-in of what a browser holds, if it still holds. `quiet`: a page asked by itself, nobody is using it."""
        row = await self._pool.fetchrow(_FIND_SIGN_IN, token_hash(token))
        if row is None:
            return None
        if row["stale"] and not quiet:
            await self._pool.execute(_SEE, row["id"])
        return _read(row)

    async def sign_out(self, officer: int, sign_in: int) -> bool:
        """End one sign-in of this officer; whether there was one to end."""
        async with self._pool.acquire() as connection, connection.transaction():
            ended = await connection.fetchval(_END_SIGN_IN, sign_in, officer, "signed out") is not None
            if ended:
                await audit.record(
                    connection, actor=officer, action="sign_in.ended", subject=f"sign_in:{sign_in}", details={}
                )
        return ended

    async def held_by(self, officer: int) -> Sequence[Held]:
        """The officer's sign-ins that hold, the last used first."""
        return [Held(**row) for row in await self._pool.fetch(_LIST_SIGN_INS, officer)]


async def end_all(connection: audit.Connection, officer: int, why: str, *, but: int | None = None) -> None:
    """End every sign-in of an officer, in the transaction of what ends them."""
    await connection.execute(_END_SIGN_INS, officer, why, but)


async def still_in(pool: Pool, sign_ins: Collection[int]) -> frozenset[int]:
    """Which of them hold, with both factors given."""
    return frozenset(row["id"] for row in await pool.fetch(_STILL_IN, list(sign_ins)))


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _read(row: Record) -> SignIn:
    officer = Officer(row["officer"], row["name"], frozenset(map(Role, row["roles"])), row["id"])
    return SignIn(officer, row["language"], row["whole"], row["fresh"], row["factor_at"])
