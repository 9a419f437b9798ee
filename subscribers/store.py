"""Who a subscriber is, and who has left."""

from __future__ import annotations

from asyncpg import Pool

from subscribers.vault import Vault
from subscribers.writing import Connection
from words.sql import sql

_FIND = sql("subscribers", "find")
_LEAVE = sql("subscribers", "leave")
_LEAVE_CONTACT = sql("subscribers", "leave_contact")
_SUBSCRIBER_NUMBER = sql("subscribers", "subscriber_number")


async def leave(pool: Pool | Connection, subscriber_id: str) -> bool:
    """Unsubscribe: nothing is sent on any channel from the commit on, and their position is gone. False when nobody has this id."""
    return await pool.fetchval(_LEAVE, subscriber_id) is not None


async def leave_contact(pool: Pool, subscriber: int, kind: str) -> bool:
    """Close one contact of a subscriber number: blocked, STOP, unknown mailbox. False when none was open."""
    return await pool.fetchval(_LEAVE_CONTACT, subscriber, kind) is not None


async def find(pool: Pool, vault: Vault, kind: str, address: str) -> str | None:
    """The id of whoever has this address (in its normal form) open; the longest subscribed where a family shares it."""
    found: str | None = await pool.fetchval(_FIND, vault.lookup(kind, address), kind)
    return found


async def subscriber_number(pool: Pool, subscriber_id: str) -> int | None:
    """The number under which batches name a subscriber, also of one who has left."""
    number: int | None = await pool.fetchval(_SUBSCRIBER_NUMBER, subscriber_id)
    return number
