"""How often somebody may be wrong. A try is counted before it is looked at, so that many at once are no way around.

Nobody is locked out for good: tries are forgotten after a quarter of an hour. Ten a quarter of an hour for an account
from one machine (OWASP ASVS 5.0, 6.1.1); a hundred from one machine for all accounts, as a town hall may stand behind
one address; ten wrong codes for one account from anywhere, as whoever gets there knows the password.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from asyncpg import Pool

from console.accounts import problems
from console.accounts.officer import Connection
from subscribers.vault import Vault
from words.problem import Refused
from words.sql import sql

MINUTES = 15
_PER_ACCOUNT_AND_MACHINE, _PER_MACHINE, _CODES_PER_ACCOUNT = 10, 100, 10
_LOCK_TRIES = sql("console.accounts", "lock_tries")
_TAKE_TRIES = sql("console.accounts", "take_tries")
_FORGET_TRIES = sql("console.accounts", "forget_tries")
_FORGET_OLD_TRIES = sql("console.accounts", "forget_old_tries")


@dataclass(frozen=True, slots=True)
class Limit:
    whom: bytes
    """A keyed hash: the table says neither names nor addresses, nor a password typed into the wrong field."""
    most: int


def password_limits(vault: Vault, login: str, machine: str) -> Sequence[Limit]:
    """For a password: the account from this machine, then the machine."""
    network = _network(machine)
    return (
        Limit(vault.lookup("console try", f"pair\0{login}\0{network}"), _PER_ACCOUNT_AND_MACHINE),
        Limit(vault.lookup("console try", f"machine\0{network}"), _PER_MACHINE),
    )


def code_limits(vault: Vault, officer: int) -> Sequence[Limit]:
    """For a code: the account, from wherever."""
    return (Limit(vault.lookup("console try", f"code\0{officer}"), _CODES_PER_ACCOUNT),)


async def take(pool: Pool, limits: Sequence[Limit]) -> None:
    """Count a try for each. Raises Refused, and counts none, when there were too many for one of them."""
    whom, most = [limit.whom for limit in limits], [limit.most for limit in limits]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_LOCK_TRIES, whom)
        await connection.execute(_FORGET_OLD_TRIES, whom, MINUTES)
        if not await connection.fetchval(_TAKE_TRIES, whom, most):
            raise Refused(problems.too_many(MINUTES))


async def forgive(connection: Connection, limits: Sequence[Limit]) -> None:
    """It was right: the first of them begins anew, of the others this try alone is taken back."""
    await connection.execute(_FORGET_TRIES, limits[0].whom, [limit.whom for limit in limits[1:]])


def _network(machine: str) -> str:
    """An IPv6 machine picks any address of its /64."""
    try:
        address = ipaddress.ip_address(machine)
    except ValueError:
        return machine
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False))
