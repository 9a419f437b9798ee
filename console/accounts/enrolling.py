"""How somebody becomes an officer: an administrator makes the account, the person alone chooses password and factor.

The link holds a code of 128 bits that works once, for a day; only its hash is kept.
"""

from __future__ import annotations

from dataclasses import dataclass

from asyncpg import Pool

from console import audit
from console.accounts import problems, totp
from console.accounts.passwords import Passwords, check_password
from console.accounts.sign_in import new_token, token_hash
from console.accounts.totp import Clock
from subscribers.vault import Vault, VaultError
from words.problem import Problem, Refused
from words.sql import sql

HOURS = 24
_FIND_ENROLMENT = sql("console.accounts", "find_enrolment")
_ENROL = sql("console.accounts", "enrol")
_INVITE = sql("console.accounts", "invite")


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Somebody's open invitation."""

    officer: int
    login: str
    name: str


class Enroller:
    def __init__(self, pool: Pool, vault: Vault, passwords: Passwords, now: Clock, *, town: str) -> None:
        self._now = now
        self._pool = pool
        self._vault = vault
        self._passwords = passwords
        self._town = town

    async def find(self, code: str) -> Enrolment:
        """Raises Refused for a code that does not work (any more)."""
        row = await self._pool.fetchrow(_FIND_ENROLMENT, token_hash(code))
        if row is None:
            raise Refused(problems.bad_enrolment())
        return Enrolment(**row)

    def sealed_secret(self, officer: int) -> str:
        """A new secret, sealed so that it can wait in a form until it is proven."""
        return totp.seal(self._vault, officer, totp.new_secret()).hex()

    def secret(self, officer: int, sealed: str) -> str:
        """Raises Refused for what was not sealed for this officer."""
        try:
            return totp.unseal(self._vault, officer, bytes.fromhex(sealed))
        except (ValueError, VaultError):
            raise Refused(problems.bad_enrolment()) from None

    def address(self, enrolment: Enrolment, secret: str) -> str:
        """What an authenticator scans."""
        return totp.address(secret, enrolment.login, self._town)

    async def enrol(self, code: str, *, password: str, again: str, sealed: str, proof: str) -> Enrolment:
        """Take the password and the factor, once a code of it has proven that it works. Raises Refused, with all that is wrong."""
        enrolment = await self.find(code)
        secret = self.secret(enrolment.officer, sealed)
        step = totp.step_of(secret, proof, now=self._now())
        found = self._wrong(enrolment, password, again) + ([problems.wrong_code()] if step is None else [])
        if found:
            raise Refused(found)
        hashed = await self._passwords.hash(password)
        stored = bytes.fromhex(sealed)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_ENROL, token_hash(code), hashed, stored, step) is None:
                raise Refused(problems.bad_enrolment())
            await audit.record(
                connection,
                actor=enrolment.officer,
                action="officer.enrolled",
                subject=f"officer:{enrolment.officer}",
                details={},
            )
        return enrolment

    def _wrong(self, enrolment: Enrolment, password: str, again: str) -> list[Problem]:
        found = [problems.different_passwords()] if password != again else []
        try:
            check_password(password, names=(self._town, enrolment.login, enrolment.name))
        except Refused as refused:
            found += refused.problems
        return found


async def invite(connection: audit.Connection, officer: int) -> str:
    """A new code for this officer, who has neither password nor factor (else Refused); an older one no longer works."""
    code = new_token()
    if await connection.fetchval(_INVITE, officer, token_hash(code), HOURS) is None:
        raise Refused(problems.already_enrolled())
    return code
