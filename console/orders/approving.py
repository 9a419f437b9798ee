"""Approving: another officer's word, bound to the content by its hash; and the seconds in which it is taken back."""

from __future__ import annotations

from datetime import datetime

from console import audit
from console.accounts import Role, still
from console.orders import problems
from console.orders.book import ON_DUTY, locked, read
from console.orders.content import submitted_event
from console.orders.desk import Desk
from console.orders.model import Author, Connection, Kind, Order, State
from dispatcher.dispatches import check_sendable
from dispatcher.events import Event
from dispatcher.holding import drifted
from dispatcher.model import Mode
from words.problem import Refused
from words.sql import sql

_ADD_APPROVAL = sql("console.orders", "add_approval")
_COUNT_DOWN = sql("console.orders", "count_down")
_TAKE_BACK = sql("console.orders", "take_back")

_AGREED = frozenset({State.APPROVED, State.COUNTING, State.RELEASED})


async def approve(desk: Desk, order: int, officer: int, *, hash: str, factor_at: datetime | None) -> Order:  # noqa: A002
    """Approve what was looked at under `hash`; the second factor was given at `factor_at`. The seconds begin to run.

    Approving the same once more changes nothing. Raises Refused: changed since, by who wrote or submitted it, no
    approver (any more), no fresh factor, not to be sent (any more), or for quite others than were counted.
    """
    counted = await _counted(desk, order, hash)
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer, Role.APPROVER)
        now = await locked(connection, order)
        if now.state in _AGREED and now.hash == hash and now.approval and now.approval.author == Author(officer):
            return now
        await _check_submitted(connection, now, hash)
        if officer in _whose(now):
            raise Refused(problems.four_eyes())
        check_fresh(desk, now, factor_at)
        await let_go(desk, connection, now, Kind.SECOND, Author(officer), factor_at=factor_at, counted=counted)
        return await read(connection, order)


async def approve_drill(desk: Desk, order: int, key: str, *, hash: str) -> Order:  # noqa: A002
    """By an API key that was given the right to send drills, as the caller has made sure. Raises Refused."""
    counted = await _counted(desk, order, hash)
    async with desk.pool.acquire() as connection, connection.transaction():
        now = await locked(connection, order)
        if now.mode is not Mode.DRILL:
            raise Refused(problems.only_drills("/mode"))
        if now.state in _AGREED and now.hash == hash:
            return now
        await _check_submitted(connection, now, hash)
        await let_go(desk, connection, now, Kind.KEY, Author(key=key), counted=counted)
        return await read(connection, order)


async def take_back(desk: Desk, order: int, officer: int) -> Order:
    """Within the seconds: nothing of it leaves. Whoever is on duty may. Raises Refused once it has left."""
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *ON_DUTY)
        now = await locked(connection, order)
        if now.state is State.TAKEN_BACK:
            return now
        if now.state is not State.COUNTING:
            raise Refused(problems.left(now.dispatch) if now.dispatch else problems.wrong_state(now.state))
        await connection.execute(_TAKE_BACK, order, State.TAKEN_BACK)
        await audit.record(
            connection,
            actor=officer,
            action="order.taken_back",
            subject=f"order:{order}",
            details={"hash": now.hash, "seconds_left": now.seconds_left},
        )
        return await read(connection, order)


async def let_go(
    desk: Desk,
    connection: Connection,
    order: Order,
    kind: Kind,
    author: Author,
    *,
    factor_at: datetime | None = None,
    counted: int | None = None,
    due_seconds: float | None = None,
) -> None:
    """Record the approval of what `order` holds, and begin to count; in the caller's transaction."""
    row = (order.id, order.hash, kind, author.officer, author.key, factor_at, counted, due_seconds, None, "")
    approval = await connection.fetchval(_ADD_APPROVAL, *row)
    await connection.execute(_COUNT_DOWN, order.id, approval, desk.rules.undo_seconds)
    details = {"hash": order.hash, "approval": approval, "kind": kind, "people": counted}
    if author.key is not None:
        details["key"] = author.key
    await audit.record(
        connection, actor=author.officer, action="order.approved", subject=f"order:{order.id}", details=details
    )


def check_fresh(desk: Desk, order: Order, factor_at: datetime | None) -> None:
    """By the database's clock. Raises Refused."""
    age = (order.now - factor_at).total_seconds() if factor_at is not None else None
    if age is None or not 0 <= age <= desk.rules.factor_seconds:
        raise Refused(problems.step_up(int(desk.rules.factor_seconds // 60)))


async def _check_submitted(connection: Connection, order: Order, seen: str) -> Event:
    """What is about to be approved is what was seen, and can still be sent. Raises Refused."""
    if order.hash is not None and order.hash != seen:
        raise Refused(problems.content_changed())
    if order.state is State.DRAFT:
        raise Refused(problems.content_changed())
    if order.state is not State.SUBMITTED or order.hash is None:
        raise Refused(problems.left(order.dispatch) if order.dispatch else problems.wrong_state(order.state))
    event = await submitted_event(connection, order.id, order.hash, order.start_at)
    if event.valid_until <= order.now:
        raise Refused(problems.expired())
    await check_sendable(connection, event)
    return event


def _whose(order: Order) -> set[int | None]:
    """The officers whose content it is: who wrote the present version, and who submitted it."""
    submitted = order.submission.author.officer if order.submission is not None else None
    return {order.version.author.officer, submitted}


async def _counted(desk: Desk, order: int, seen: str) -> int | None:
    """How many people it is for now: counted before anything is locked, since that takes as long as it takes.

    Raises Refused when these are quite others than were submitted.
    """
    now = await read(desk.pool, order)
    if now.state is not State.SUBMITTED or now.hash != seen or now.submission is None:
        return None
    async with desk.pool.acquire() as connection:
        event = await submitted_event(connection, order, seen, now.start_at)
    people = await desk.drafter.count(event)
    if people is not None and now.submission.people is not None and drifted(now.submission.people, people):
        raise Refused(problems.count_changed(now.submission.people, people))
    return people
