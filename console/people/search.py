"""One person, found by their exact address or asked about by their id. Who asks says why, and that is put on record first.

There is no search by a part of an address and no list of people: what is stored of an address is a keyed hash, and
whoever looks for one person finds one person.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from console import audit
from console.accounts import Role, still
from console.accounts.tries import MINUTES, Limit, take
from console.report.person import Answer, explain
from subscribers.addresses import normal_address
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asyncpg import Pool

    from subscribers.vault import Vault

_FIND_HOLDERS = sql("console.people", "find_holders")

MAY_SEARCH = (Role.AUTHOR, Role.APPROVER, Role.ADMINISTRATOR, Role.AUDITOR)
MOST_SEARCHES = 30
"""By one officer in a quarter of an hour: enough for a telephone that does not stop, too few to go through a list."""
MOST_HOLDERS = 20
"""Of one address: a family shares one, a company's switchboard more."""
REASON_CHARACTERS = (5, 200)
_LINE_ID = re.compile(r"U[0-9A-Fa-f]{30,}")


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who has the address, or had: `closed_at` is when they closed it, `left_at` when they left for good."""

    id: str
    language: str
    left_at: datetime | None
    closed_at: datetime | None
    topics: Sequence[str]
    kinds: Sequence[str]
    places: int


async def search(pool: Pool, vault: Vault, officer: int, address: str, reason: str) -> list[Holder]:
    """Whoever has exactly this address, those who have it open first. The record holds the reason and the ids that were
    found, never the address. Raises Refused for no reason, no address, and for more searches than people make.
    """
    kind, normal = _address(address, reason)
    await _take(pool, vault, officer)
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *MAY_SEARCH)
        rows = await connection.fetch(_FIND_HOLDERS, vault.lookup(kind, normal), kind, MOST_HOLDERS)
        found = [Holder(**dict(row)) for row in rows]
        told = {"kind": kind, "reason": reason.strip(), "found": [each.id for each in found]}
        await audit.record(connection, actor=officer, action="subscriber.searched", subject="subscribers", details=told)
    return found


async def why(
    pool: Pool,
    vault: Vault,
    officer: int,
    dispatch: str,
    subscriber: str,
    reason: str,
    *,
    contacts: Mapping[str, str],
    zone: tzinfo,
) -> Answer:
    """Why they got it or not. It is on record before it is shown; what is refused shows nothing and records nothing."""
    _check_reason(reason)
    await _take(pool, vault, officer)
    answer = await explain(pool, dispatch, subscriber, contacts, zone)
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *MAY_SEARCH)
        told = {"dispatch": dispatch, "reason": reason.strip()}
        subject = f"subscriber:{subscriber}"
        await audit.record(connection, actor=officer, action="subscriber.explained", subject=subject, details=told)
    return answer


def kind_of(address: str) -> str:
    """Which kind of contact somebody means by what they typed."""
    plain = address.strip()
    if "@" in plain or "＠" in plain:
        return "email"
    return "line" if _LINE_ID.fullmatch(plain) else "phone"


def _address(address: str, reason: str) -> tuple[str, str]:
    """Every problem at once."""
    kind, normal = kind_of(address), ""
    found: list[Problem] = []
    try:
        normal = normal_address(kind, address, where="/address")
    except Refused as refused:
        found += refused.problems
    try:
        _check_reason(reason)
    except Refused as refused:
        found += refused.problems
    if found:
        raise Refused(found)
    return kind, normal


def _check_reason(reason: str) -> None:
    least, most = REASON_CHARACTERS
    if not least <= len(reason.strip()) <= most:
        raise Refused(
            Problem(
                "subscriber.reason",
                "/reason",
                f"調べる理由を {least}～{most} 字で書いてください（例：本人から電話で問い合わせ）。記録に残ります。",
                f"Say in {least} to {most} characters why you look this up, such as “they called and asked”. It is put on record.",
            )
        )


async def _take(pool: Pool, vault: Vault, officer: int) -> None:
    limit = Limit(vault.lookup("console try", f"search\0{officer}"), MOST_SEARCHES)
    try:
        await take(pool, [limit])
    except Refused:
        raise Refused(_too_many()) from None


def _too_many() -> Problem:
    return Problem(
        "subscriber.too_many",
        "/address",
        f"{MINUTES} 分間に調べられるのは {MOST_SEARCHES} 回までです。しばらく待つか、ほかの職員に頼んでください。",
        f"One officer may look up {MOST_SEARCHES} in {MINUTES} minutes. Wait a while, or ask a colleague.",
    )
