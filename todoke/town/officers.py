"""Kawabe's two officers, for whoever tries the console: Sato writes, Mori approves, and both look after accounts.

They come in by the door that everybody comes in by. Their passwords and secrets are kept beside the town's files, in clear,
because nobody else is to be warned of anything by them: the town does not exist.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from secrets import token_urlsafe

import pyotp
from asyncpg import Pool

from console.accounts import Role, totp
from console.accounts.elevation import grant, propose_roles
from console.accounts.enrolling import Enroller
from console.accounts.passwords import Passwords
from console.accounts.staff import add_administrator
from subscribers.vault import Vault
from words.sql import sql

_ANYBODY = sql("todoke", "any_officer")
_AGO = 2.0 * totp.SECONDS
"""The code somebody enrolled with cannot be used again: it is one of a minute ago."""


@dataclass(frozen=True, slots=True)
class Login:
    """`secret` is what an authenticator holds, in base32."""

    login: str
    name: str
    password: str = field(repr=False)
    secret: str = field(repr=False)

    def code(self, now: float) -> str:
        """Right at `now`, in Unix seconds."""
        return pyotp.TOTP(self.secret).at(int(now))


PEOPLE = (
    ("sato", "佐藤", (Role.AUTHOR, Role.AUDITOR)),
    ("mori", "森", (Role.AUTHOR, Role.APPROVER)),
)


async def hire(pool: Pool, vault: Vault, directory: Path, *, town: str) -> Sequence[Login]:
    """The officers' logins, made the first time; none where the town has officers that nobody here knows."""
    file = directory / "officers.json"
    if await pool.fetchval(_ANYBODY):
        return [Login(**each) for each in json.loads(file.read_bytes())] if file.exists() else ()
    passwords = Passwords()
    try:
        return await _hire(pool, vault, passwords, file, town)
    finally:
        passwords.close()


async def _hire(pool: Pool, vault: Vault, passwords: Passwords, file: Path, town: str) -> Sequence[Login]:
    now = time.time() - _AGO
    enroller = Enroller(pool, vault, passwords, lambda: now, town=town)
    numbers, logins = [], []
    for login, name, _roles in PEOPLE:
        invited = await add_administrator(pool, login=login, name=name)
        sealed = enroller.sealed_secret(invited.officer)
        made = Login(login, name, f"kawabe-{token_urlsafe(9)}", enroller.secret(invited.officer, sealed))
        await enroller.enrol(
            invited.code, password=made.password, again=made.password, sealed=sealed, proof=made.code(now)
        )
        numbers.append(invited.officer)
        logins.append(made)
    for number, other, (_login, _name, roles) in zip(numbers, reversed(numbers), PEOPLE, strict=True):
        await grant(pool, await propose_roles(pool, number, roles, by=number), by=other)
    _keep(file, logins)
    return logins


def _keep(file: Path, logins: Sequence[Login]) -> None:
    """Readable by nobody else."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump([asdict(each) for each in logins], out, ensure_ascii=False, indent=1)
