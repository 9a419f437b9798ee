"""Releasing: an officer's word that a held dispatch goes on (dispatcher/holding.py)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from dispatcher.dispatches import unknown_dispatch
from dispatcher.events import Event
from dispatcher.holding import Hold, Reason, ToBeHeld, altered
from dispatcher.model import DispatchState, EventClass
from dispatcher.signing import check_name
from dispatcher.writing import approved_event
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_LOCK = sql("dispatcher", "hold_lock")
_APPROVED = sql("dispatcher", "dispatch_approved")
_RELEASE = sql("dispatcher", "hold_release")
_RING = sql("dispatcher", "ring")

_AT_MOST_ONCE = frozenset({EventClass.TOURISM, EventClass.CODE})

log = structlog.get_logger(__name__)


async def releasable(pool: Pool, dispatch: str) -> Hold:
    """Why it is held. Raises Refused: no such dispatch, one that is not held, or one that may not be sent."""
    return _releasable(dispatch, await pool.fetchrow(_LOCK, dispatch))


async def stored_event(pool: Pool, dispatch: str) -> Event:
    """What was approved. Raises Refused when what is stored is something else by now."""
    row = await pool.fetchrow(_APPROVED, dispatch)
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    try:
        return await approved_event(pool, row["event"], row["digest"])
    except ToBeHeld:
        raise Refused(altered(dispatch)) from None


async def release(pool: Pool, dispatch: str, *, by: str, counted: int | None) -> Hold:
    """Let a held dispatch go on, on the word of officer `by`; returns why it had been held.

    `counted` people were shown to the officer: the guard against drift then holds to that number, and to none where
    nobody counted. Raises Refused as `releasable` does, or when `by` is no name.
    """
    async with pool.acquire() as connection, connection.transaction():
        return await release_here(connection, dispatch, by=by, counted=counted)


async def release_here(connection: Connection, dispatch: str, *, by: str, counted: int | None) -> Hold:
    """The same in the caller's transaction."""
    check_name("by", by)
    hold = _releasable(dispatch, await connection.fetchrow(_LOCK, dispatch))
    await connection.execute(_RELEASE, dispatch, by.strip(), counted, hold.was)
    for bell in ("plan", "due"):
        await connection.execute(_RING, bell)
    log.warning("dispatch_released", dispatch=dispatch, reason=hold.reason.value, counted=counted)
    return hold


def _releasable(dispatch: str, row: Record | None) -> Hold:
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    if row["state"] != DispatchState.HELD:
        raise Refused(_not_held(dispatch))
    hold = Hold.of(row)
    if hold.reason is Reason.ALTERED:
        raise Refused(altered(dispatch))
    if hold.reason is Reason.RESTORED and row["class"] in _AT_MOST_ONCE:
        raise Refused(_at_most_once(dispatch))
    return hold


def _not_held(dispatch: str) -> Problem:
    return Problem(
        "release.not_held",
        "",
        f"配信「{dispatch}」は保留されていません。todoke status {dispatch} で状態を確かめてください。",
        f"Dispatch '{dispatch}' is not held. See how it stands with todoke status {dispatch}.",
    )


def _at_most_once(dispatch: str) -> Problem:
    return Problem(
        "release.at_most_once",
        "",
        "観光案内と確認コードは二度送らない決まりです。バックアップの後にだれへ届いたか分からないため、再開できません。"
        f"`todoke stop {dispatch}` で中止してください。まだ送られていないと確かなときだけ、--again を付けて発信し直せます。",
        "Tourism and codes are never sent twice, and nobody knows whom this reached since the backup was taken, so it "
        f"cannot be released. Stop it with `todoke stop {dispatch}`; if it certainly never left, send it again with --again.",
    )
