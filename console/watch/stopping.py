"""Stopping and releasing by officers: the same as `todoke stop` and `todoke release`, with its record in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from console import audit
from console.accounts import Officer, Role, problems, still
from console.orders.approving import take_back
from console.orders.desk import Desk
from console.orders.model import Connection
from console.watch.listing import Filter, listed
from console.watch.look import Look, head, look
from dispatcher.channel_stops import stop_channel_here
from dispatcher.dispatches import status, stop_all_here, stop_here
from dispatcher.holding import Hold, drifted
from dispatcher.model import DispatchState, EventClass
from dispatcher.releasing import releasable, release_here, stored_event
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_COUNTING = sql("console.watch", "counting")
ON_DUTY = (Role.AUTHOR, Role.APPROVER)
"""Whoever may write an order or approve it may stop any. The bureau stops its own."""
_UNSENT = ("pending", "retry")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Stopped:
    """`state`: what the dispatch is now. `unsent`: how many messages had not left when it was asked for."""

    state: DispatchState
    unsent: int


def may_stop(officer: Officer, event_class: str) -> bool:
    return bool(officer.roles & set(_who(event_class)))


def _who(event_class: str) -> tuple[Role, ...]:
    return (*ON_DUTY, Role.TOURISM) if event_class == EventClass.TOURISM else ON_DUTY


async def unsent_of(pool: Pool, dispatch: str, channel: str | None = None) -> int:
    """Messages of it that have not left, by all its channels or one. Raises Refused when there is no such dispatch."""
    now = await status(pool, dispatch)
    wanted = [counts for name, counts in now.channels.items() if channel in {None, name}]
    return sum(counts.get(name, 0) for counts in wanted for name in _UNSENT)


async def going_on(pool: Pool) -> list[Look]:
    """Every dispatch of which something may still leave, the newest first."""
    rows = (await listed(pool, Filter(state="open"))).rows
    return [await look(pool, row.dispatch) for row in rows]


async def stop_one(pool: Pool, officer: Officer, dispatch: str) -> Stopped:
    """Nothing of it leaves two seconds later. Raises Refused: not allowed to, or no such dispatch."""
    return await _stop(pool, _ByOfficer(officer.name, officer.id), dispatch, None)


async def stop_channel(pool: Pool, officer: Officer, dispatch: str, channel: str) -> Stopped:
    """Of one channel nothing leaves two seconds later; the others go on. Raises Refused, also for no such channel."""
    return await _stop(pool, _ByOfficer(officer.name, officer.id), dispatch, channel)


@dataclass(frozen=True, slots=True)
class ByKey:
    """An API key with a role, as its caller has made sure."""

    name: str
    role: Role


async def stop_by_key(pool: Pool, key: ByKey, dispatch: str, channel: str | None) -> Stopped:
    """The same by a program: all of it, or one channel. Raises Refused."""
    return await _stop(pool, key, dispatch, channel)


@dataclass(frozen=True, slots=True)
class _ByOfficer:
    name: str
    id: int


async def _stop(pool: Pool, by: _ByOfficer | ByKey, dispatch: str, channel: str | None) -> Stopped:
    known = await head(pool, dispatch)
    unsent = await unsent_of(pool, dispatch, channel)
    async with pool.acquire() as connection, connection.transaction():
        await _allowed(connection, by, known.event_class)
        state = await _stop_here(connection, dispatch, channel, by.name)
        told = {"channel": channel} if channel is not None else {"state": state.value}
        key = {"key": by.name} if isinstance(by, ByKey) else {}
        await audit.record(
            connection,
            actor=by.id if isinstance(by, _ByOfficer) else None,
            action="dispatch.stopped" if channel is None else "channel.stopped",
            subject=f"dispatch:{dispatch}",
            details={**told, "unsent": unsent, **key},
        )
    event = "dispatch_stopped" if channel is None else "channel_stopped"
    log.warning(event, dispatch=dispatch, channel=channel, by=by.id if isinstance(by, _ByOfficer) else by.name)
    return Stopped(state, unsent)


async def _allowed(connection: Connection, by: _ByOfficer | ByKey, event_class: str) -> None:
    if isinstance(by, _ByOfficer):
        await still(connection, by.id, *_who(event_class))
    elif by.role not in _who(event_class):
        raise Refused(problems.role(_who(event_class)))


async def _stop_here(connection: Connection, dispatch: str, channel: str | None, by: str) -> DispatchState:
    if channel is None:
        return await stop_here(connection, dispatch, by=by)
    return await stop_channel_here(connection, dispatch, channel, by=by)


async def stop_everything(desk: Desk, officer: Officer) -> list[str]:
    """Every dispatch that is not through, all late entry, and every order that counts its last seconds.

    Returns the names of the dispatches. Raises Refused for who may not.
    """
    taken_back = await _take_back_all(desk, officer)
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer.id, *ON_DUTY)
        stopped = await stop_all_here(connection, by=officer.name)
        for dispatch in stopped:
            await audit.record(
                connection,
                actor=officer.id,
                action="dispatch.stopped",
                subject=f"dispatch:{dispatch}",
                details={"state": DispatchState.CANCELLED.value, "everything": True},
            )
        details = {"dispatches": stopped, "orders": taken_back}
        await audit.record(
            connection, actor=officer.id, action="everything.stopped", subject="dispatches", details=details
        )
    log.warning("everything_stopped", dispatches=stopped, orders=taken_back, officer=officer.id)
    return stopped


async def _take_back_all(desk: Desk, officer: Officer) -> list[int]:
    """One that leaves at this very moment is a dispatch then, and stopped as such."""
    if not officer.roles & set(ON_DUTY):
        raise Refused(problems.role(ON_DUTY))
    taken = []
    for row in await desk.pool.fetch(_COUNTING):
        try:
            await take_back(desk, row["id"], officer.id)
        except Refused as refused:
            log.info("order_not_taken_back", order=row["id"], why=refused.problems[0].code)
        else:
            taken.append(int(row["id"]))
    return taken


@dataclass(frozen=True, slots=True)
class ToRelease:
    """What an officer is shown before they release it. `people`: in its area now; None where nobody is matched any more."""

    hold: Hold
    people: int | None


async def to_release(desk: Desk, dispatch: str) -> ToRelease:
    """Raises Refused: no such dispatch, one that is not held, or one that may not be sent."""
    hold = await releasable(desk.pool, dispatch)
    if hold.was is not DispatchState.APPROVED:
        return ToRelease(hold, None)
    return ToRelease(hold, await desk.drafter.count(await stored_event(desk.pool, dispatch)))


async def release_one(desk: Desk, officer: Officer, dispatch: str, *, people: int | None) -> None:
    """Let it go on for the `people` that were shown. Raises Refused as `to_release` does, for who may not, or where there
    are quite others by now.
    """
    now = (await to_release(desk, dispatch)).people
    if now is not None and (people is None or drifted(people, now)):
        raise Refused(_others_now(now))
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer.id, Role.APPROVER)
        hold = await release_here(connection, dispatch, by=officer.name, counted=now)
        await audit.record(
            connection,
            actor=officer.id,
            action="dispatch.released",
            subject=f"dispatch:{dispatch}",
            details={"reason": hold.reason.value, "counted": now},
        )


def _others_now(people: int) -> Problem:
    return Problem(
        "release.count_changed",
        "/people",
        f"表示した時から人数が変わり、いまは {people:,} 人です。人数を確かめて、もう一度操作してください。何も送っていません。",
        f"There are others now than when you looked: {people:,}. Look at the number and do it again. Nothing was sent.",
    )
