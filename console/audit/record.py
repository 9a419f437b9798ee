"""Adding to the record, in the transaction of what is recorded: neither is ever there without the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from console.audit.chain import canonical, link
from words.sql import sql

Connection = asyncpg.Connection | PoolConnectionProxy
_HOLD_HEAD = sql("console.audit", "hold_head")
_APPEND = sql("console.audit", "append")


async def record(
    connection: Connection, *, actor: int | None, action: str, subject: str, details: Mapping[str, Any]
) -> int:
    """Add a row, and give its number. `connection` has a transaction open (else ValueError): call this last in it, for
    until its end everybody else who records has to wait.

    `actor` is the officer, None for the program or the command line; `action` a word like `order.approved`, `subject`
    what it was done to, like `order:12`. Never an address of a subscriber in `details`.
    """
    if not connection.is_in_transaction():
        raise ValueError("what is recorded and its record are one transaction")
    head = await connection.fetchrow(_HOLD_HEAD)
    if head is None:
        raise LookupError("the record has lost its head")
    seq, written = head["seq"] + 1, canonical(details)
    made = link(head["hash"], seq, head["at"], actor, action, subject, written)
    await connection.execute(_APPEND, seq, head["at"], actor, action, subject, written, made)
    return int(seq)
