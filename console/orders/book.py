"""The book of orders: drafts and their versions, which are only ever added to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from asyncpg import Pool

from console import audit
from console.accounts import Role, still
from console.orders import problems
from console.orders.desk import Desk
from console.orders.model import Author, Connection, Order, State, Version
from dispatcher.digest import canonical
from dispatcher.events import DOCUMENT_BYTES, check_keys
from dispatcher.model import EventClass, Mode
from dispatcher.strict_json import unsound
from words.problem import Problem, Refused
from words.sql import sql

_LIST = sql("console.orders", "list")
_LOCK = sql("console.orders", "lock")
_ADD = sql("console.orders", "add")
_ADD_VERSION = sql("console.orders", "add_version")
_REVISE = sql("console.orders", "revise")
_VERSIONS = sql("console.orders", "versions")
_MAKE_VOID = sql("console.orders", "make_void")
_CLOCK = sql("console.orders", "clock")

ON_DUTY = (Role.AUTHOR, Role.APPROVER)
LISTED_AT_MOST = 100


async def create(desk: Desk, author: Author, document: Mapping[str, Any], *, start_at: datetime | None = None) -> Order:
    """A draft, complete or not; a drill unless its mode says otherwise. A drill may begin by itself at `start_at`.

    Raises Refused: not an author, keys that no event has, a time that is none.
    """
    async with desk.pool.acquire() as connection, connection.transaction():
        await _allowed(connection, author, document)
        number = await add(connection, author, document, start_at=start_at, rules_ahead=desk.rules.drill_ahead_seconds)
        return await read(connection, number)


async def add(
    connection: Connection,
    author: Author,
    document: Mapping[str, Any],
    *,
    start_at: datetime | None = None,
    prepared_for: int | None = None,
    rules_ahead: float = 0.0,
) -> int:
    """The same in the caller's transaction, for whoever may write; returns its number."""
    content = _sound(document)
    mode = _mode(content)
    await _check_start(connection, mode, start_at, rules_ahead)
    number: int = await connection.fetchval(_ADD, mode, start_at, prepared_for)
    await _add_version(connection, number, 1, author, content)
    await _recorded(connection, number, author, "order.drafted", {"version": 1, "mode": mode})
    return number


async def revise(
    desk: Desk,
    order: int,
    author: Author,
    document: Mapping[str, Any],
    *,
    after: int,
    start_at: datetime | None = None,
) -> Order:
    """Write another version, `after` the one that was looked at. Whatever was submitted or approved before is void.

    Raises Refused: somebody else wrote one meanwhile, it counts down or has ended, or another mode.
    """
    content = _sound(document)
    async with desk.pool.acquire() as connection, connection.transaction():
        await _allowed(connection, author, content)
        now = await locked(connection, order)
        await _allowed(connection, author, now.version.document)
        if not now.state.editable:
            raise Refused(problems.left(now.dispatch) if now.dispatch else problems.wrong_state(now.state))
        if now.version.number != after:
            raise Refused(problems.newer_version(now.version.number))
        if _mode(content) is not now.mode:
            raise Refused(problems.mode_fixed())
        await _check_start(connection, now.mode, start_at, desk.rules.drill_ahead_seconds)
        await _add_version(connection, order, after + 1, author, content)
        await connection.execute(_REVISE, order, after + 1, start_at)
        details = {"version": after + 1, "was": now.state, "voided": now.hash}
        await _recorded(connection, order, author, "order.revised", details)
        return await read(connection, order)


async def discard(desk: Desk, order: int, author: Author) -> Order:
    """Give a draft up. Raises Refused when it counts down or has ended."""
    async with desk.pool.acquire() as connection, connection.transaction():
        now = await locked(connection, order)
        await _allowed(connection, author, now.version.document)
        if not now.state.editable:
            raise Refused(problems.wrong_state(now.state))
        await connection.execute(_MAKE_VOID, order, "discarded")
        await _recorded(connection, order, author, "order.discarded", {"was": now.state})
        return await read(connection, order)


async def read(database: Pool | Connection, order: int) -> Order:
    """Raises Refused when there is none."""
    row = await database.fetchrow(_LIST, [order], [], 1)
    if row is None:
        raise Refused(problems.unknown(order))
    return Order.of(row)


async def listed(pool: Pool, states: Sequence[State] = tuple(State), most: int = LISTED_AT_MOST) -> list[Order]:
    """The latest changed first."""
    return [Order.of(row) for row in await pool.fetch(_LIST, None, list(states), most)]


async def versions(pool: Pool, order: int) -> list[Version]:
    """All of them, the newest first. Raises Refused when there is no such order."""
    rows = await pool.fetch(_VERSIONS, order)
    if not rows:
        raise Refused(problems.unknown(order))
    return [Version.of(row) for row in rows]


async def locked(connection: Connection, order: int) -> Order:
    """As it stands, and as it stays to the end of this transaction. Raises Refused when there is none."""
    await connection.execute(_LOCK, order)
    return await read(connection, order)


async def _allowed(connection: Connection, author: Author, document: Mapping[str, Any]) -> None:
    """What a key may do is its own business, and was checked where it was shown."""
    if author.officer is not None:
        await still(connection, author.officer, *roles_for(document))


def roles_for(document: Mapping[str, Any]) -> tuple[Role, ...]:
    """Who may write it: the bureau writes its own invitations."""
    return (Role.AUTHOR, Role.TOURISM) if document.get("class") == EventClass.TOURISM else (Role.AUTHOR,)


def _sound(document: Mapping[str, Any]) -> dict[str, Any]:
    """A draft may lack anything, and hold nothing that an event does not. Raises Refused."""
    found: list[Problem] = unsound(dict(document)) or check_keys(document)
    if found:
        raise Refused(found)
    content = {key: value for key, value in document.items() if value is not None}
    if len(canonical(content)) > DOCUMENT_BYTES:
        raise Refused(problems.too_large(DOCUMENT_BYTES // 1024))
    return content


def _mode(content: Mapping[str, Any]) -> Mode:
    """Whatever else is written there is refused when it is checked."""
    return Mode.LIVE if content.get("mode") == Mode.LIVE else Mode.DRILL


async def _check_start(connection: Connection, mode: Mode, start_at: datetime | None, ahead: float) -> None:
    if start_at is None:
        return
    if mode is not Mode.DRILL:
        raise Refused(problems.only_drills())
    now: datetime = await connection.fetchval(_CLOCK)
    if not now < start_at <= now + timedelta(seconds=ahead):
        raise Refused(problems.start_past())


async def _add_version(
    connection: Connection, order: int, number: int, author: Author, content: Mapping[str, Any]
) -> None:
    text = json.dumps(content, ensure_ascii=False)
    await connection.execute(_ADD_VERSION, order, number, text, author.officer, author.key)


async def _recorded(
    connection: Connection, order: int, author: Author, action: str, details: Mapping[str, Any]
) -> None:
    told = dict(details) if author.key is None else {**details, "key": author.key}
    await audit.record(connection, actor=author.officer, action=action, subject=f"order:{order}", details=told)
