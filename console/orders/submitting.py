"""Submitting: what a draft would send is fixed and put before another officer; or withdrawn, or sent back."""

from __future__ import annotations

import json

from console import audit
from console.accounts import Role, still
from console.orders import problems
from console.orders.book import ON_DUTY, add, locked, read, roles_for
from console.orders.desk import Desk
from console.orders.follow import correction_document
from console.orders.model import Author, Connection, Order, State
from console.orders.sheet import Sheet, sheet
from dispatcher.event_fields import WARNINGS
from dispatcher.model import Mode, Relation
from words.problem import Refused
from words.sql import sql

_ADD_SUBMISSION = sql("console.orders", "add_submission")
_SUBMIT = sql("console.orders", "submit")
_TAKE_BACK = sql("console.orders", "take_back")
_PREPARED = sql("console.orders", "prepared")

_TYPED_ABOUT = 100
"""People come and go while somebody types: a hundredth more or less is the same number."""


async def submit(desk: Desk, order: int, author: Author, *, hash: str, typed: int | None = None) -> Order:  # noqa: A002
    """Put the present version before others, as the sheet showed it under `hash`.

    Raises Refused: not an author, changed since, not fit to be sent, or the number of people not typed in.
    """
    now, shown = await looked_at(desk, order, hash, typed)
    async with desk.pool.acquire() as connection, connection.transaction():
        if author.officer is not None:
            await still(connection, author.officer, *roles_for(now.version.document))
        await put_before_others(connection, now, shown, author)
        return await read(connection, order)


async def looked_at(desk: Desk, order: int, seen: str, typed: int | None) -> tuple[Order, Sheet]:
    """The order and its sheet, if that is what was seen. Raises Refused."""
    now = await read(desk.pool, order)
    if now.state not in {State.DRAFT, State.TAKEN_BACK}:
        raise Refused(problems.left(now.dispatch) if now.dispatch else problems.wrong_state(now.state))
    shown = await sheet(desk, now)
    if shown.hash != seen:
        raise Refused(problems.content_changed())
    if shown.typed and not _typed_right(typed, shown.people):
        raise Refused([*shown.typed, problems.typed_count(shown.people)])
    return now, shown


def _typed_right(typed: int | None, people: int) -> bool:
    return typed is not None and abs(typed - people) <= people // _TYPED_ABOUT


async def put_before_others(connection: Connection, order: Order, shown: Sheet, author: Author) -> None:
    """In the caller's transaction. Raises Refused when somebody changed it meanwhile."""
    now = await locked(connection, order.id)
    if (now.state, now.version.number) != (order.state, order.version.number):
        raise Refused(problems.content_changed())
    event = shown.event
    await connection.execute(
        _ADD_SUBMISSION,
        order.id,
        order.version.number,
        shown.hash,
        json.dumps(event.document, ensure_ascii=False),
        event.area.wkb if event.area is not None else None,
        shown.people if event.relation not in {Relation.CORRECTS, Relation.LIFTS} else None,
        json.dumps(shown.as_json(), ensure_ascii=False),
        author.officer,
        author.key,
    )
    await connection.execute(_SUBMIT, order.id, shown.hash)
    await _prepare_correction(connection, order, shown, author)
    told = {"hash": shown.hash, "version": order.version.number, "people": shown.people}
    details = told if author.key is None else {**told, "key": author.key}
    await audit.record(
        connection, actor=author.officer, action="order.submitted", subject=f"order:{order.id}", details=details
    )


async def _prepare_correction(connection: Connection, order: Order, shown: Sheet, author: Author) -> None:
    """Before the first is sent: Hawaii took 38 minutes in 2018 because there was none."""
    event = shown.event
    if event.mode is not Mode.LIVE or event.event_class not in WARNINGS or event.relation is Relation.CORRECTS:
        return
    if await connection.fetchval(_PREPARED, order.id) is not None:
        return
    document = await correction_document(connection, event, f"order-{order.id}", event.valid_until)
    await add(connection, author, document, prepared_for=order.id)


async def withdraw(desk: Desk, order: int, officer: int) -> Order:
    """Take a submission back before it was approved, or a scheduled drill before it began: a draft again.

    Raises Refused: not on duty, or in another state.
    """
    return await _back_to_draft(desk, order, officer, ON_DUTY, "order.withdrawn", "")


async def send_back(desk: Desk, order: int, officer: int, *, note: str) -> Order:
    """An approver does not approve it, and says why. Raises Refused."""
    return await _back_to_draft(desk, order, officer, (Role.APPROVER,), "order.sent_back", note.strip()[:1000])


async def _back_to_draft(
    desk: Desk, order: int, officer: int, roles: tuple[Role, ...], action: str, note: str
) -> Order:
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *roles)
        now = await locked(connection, order)
        if now.state not in {State.SUBMITTED, State.APPROVED}:
            raise Refused(problems.left(now.dispatch) if now.dispatch else problems.wrong_state(now.state))
        await connection.execute(_TAKE_BACK, order, State.DRAFT)
        details = {"hash": now.hash, "note": note} if note else {"hash": now.hash}
        await audit.record(connection, actor=officer, action=action, subject=f"order:{order}", details=details)
        return await read(connection, order)
