"""Break-glass: a live level 5 released by one officer, everybody else alarmed, and looked at by another afterwards."""

from __future__ import annotations

import unicodedata
from datetime import datetime

from console import audit
from console.accounts import Role, still
from console.orders import problems
from console.orders.approving import check_fresh, let_go
from console.orders.book import ON_DUTY, locked, read
from console.orders.desk import Desk
from console.orders.lookout import alone
from console.orders.model import Author, Kind, Order
from console.orders.submitting import looked_at, put_before_others
from dispatcher.alarms import raise_at_once
from dispatcher.events import Event
from dispatcher.model import Mode
from words.languages import JAPANESE
from words.phrases import AREA
from words.problem import Refused
from words.sql import sql

_ADD_APPROVAL = sql("console.orders", "add_approval")

LEVEL = 5


async def release_alone(
    desk: Desk,
    order: int,
    officer: int,
    *,
    hash: str,  # noqa: A002
    area_name: str,
    factor_at: datetime | None,
    typed: int | None = None,
) -> Order:
    """Submit and approve the draft that was looked at under `hash`. It can be taken back like any other.

    Raises Refused: not live or not level 5, another name of the area, no fresh factor, not on duty, or whatever keeps
    an order from being submitted.
    """
    now, shown = await looked_at(desk, order, hash, typed)
    _check_level(shown.event)
    _check_name(shown.event, area_name)
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *ON_DUTY)
        check_fresh(desk, await locked(connection, order), factor_at)
        await put_before_others(connection, now, shown, Author(officer))
        await let_go(
            desk,
            connection,
            await read(connection, order),
            Kind.ALONE,
            Author(officer),
            factor_at=factor_at,
            counted=shown.people if shown.event.area is not None else None,
            due_seconds=desk.rules.afterwards_seconds,
        )
        await raise_at_once(connection, alone(order))
        return await read(connection, order)


async def look_at(
    desk: Desk,
    order: int,
    officer: int,
    *,
    hash: str,  # noqa: A002
    factor_at: datetime | None,
    agreed: bool,
    note: str = "",
) -> Order:
    """Another approver's word afterwards, whether they agree or not; the clock and the alarm end.

    Raises Refused: not an approver, the same officer, no fresh factor, other content, or nothing to look at.
    """
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer, Role.APPROVER)
        now = await locked(connection, order)
        if now.approval is None or now.seconds_to_look is None:
            raise Refused(problems.nothing_to_look_at())
        if now.hash != hash:
            raise Refused(problems.content_changed())
        if now.approval.author.officer == officer:
            raise Refused(problems.four_eyes())
        check_fresh(desk, now, factor_at)
        said = note.strip()[:1000]
        row = (order, hash, Kind.AFTER, officer, None, factor_at, None, None, agreed, said)
        await connection.execute(_ADD_APPROVAL, *row)
        await audit.record(
            connection,
            actor=officer,
            action="order.looked_at",
            subject=f"order:{order}",
            details={"hash": hash, "agreed": agreed, "note": said},
        )
        return await read(connection, order)


def _check_level(event: Event) -> None:
    if event.mode is not Mode.LIVE or event.level != LEVEL:
        raise Refused(problems.not_level_five())


def _check_name(event: Event, typed: str) -> None:
    name = event.area_name[JAPANESE]
    if name == AREA[JAPANESE]:
        raise Refused(problems.area_unnamed())
    if _folded(typed) != _folded(name):
        raise Refused(problems.typed_area(name))


def _folded(name: str) -> str:
    """Full width or half, spaced or not: it is the same name, and the night is short."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
