"""Dispatches as people handle them: request and approve one, stop it, ask how it stands."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dispatcher import outcomes as states
from dispatcher.closer import close_late_entries
from dispatcher.event_fields import WARNINGS
from dispatcher.event_texts import missing_texts
from dispatcher.events import Event
from dispatcher.holding import Hold
from dispatcher.model import DispatchState, Outcome, Relation, Standing, priority
from dispatcher.signing import Signatures, check_signatures
from words.problem import Problem, Refused
from words.sql import sql

__all__ = ["Signatures", "Status", "aged_dispatch", "approve", "check_reference", "check_sendable", "create", "recent", "status", "stop",
           "stop_all", "stop_all_here", "stop_here", "unknown_dispatch", "workers"]  # fmt: skip

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_PARENT = sql("dispatcher", "dispatch_parent")
_FAMILY = sql("dispatcher", "dispatch_family")
_REQUESTED = sql("dispatcher", "dispatch_requested")
_SENT_BEFORE = sql("dispatcher", "dispatch_sent_before")
_EVENT_INSERT = sql("dispatcher", "event_insert")
_INSERT = sql("dispatcher", "dispatch_insert")
_STOP = sql("dispatcher", "dispatch_stop")
_STOP_ALL = sql("dispatcher", "dispatch_stop_all")
_READ = sql("dispatcher", "dispatch_read")
_LIST = sql("dispatcher", "dispatch_list")
_OUTCOMES = sql("dispatcher", "dispatch_outcomes")
_SUMMARY = sql("dispatcher", "summary_read")
_WORKERS = sql("dispatcher", "session_workers")
_EMERGENCIES = sql("dispatcher", "emergency_orders")
_RING = sql("dispatcher", "ring")

_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without 0, 1, i, l and o: a dispatch's name is read out over the telephone."""


async def create(pool: Pool, event: Event, signatures: Signatures, *, again: bool = False) -> str:
    """Approve a dispatch of `event`; returns its name. One transaction: event, dispatch and the bell.

    Of several who do so at once one succeeds; to the others the event was sent before, and the one that only repeats
    its own request is given the same dispatch. Raises Refused: a live one signed by one person, content other than
    was approved, a reference that does not stand, or an event of this id and mode sent before (unless `again`).
    """
    async with pool.acquire() as connection, connection.transaction():
        return await approve(connection, event, signatures, again=again)


async def approve(connection: Connection, event: Event, signatures: Signatures, *, again: bool = False) -> str:
    """The same in the caller's transaction, for whoever has more to write in it. Raises Refused likewise."""
    check_signatures(event, signatures)
    # Not one lock for both: an event may have the name of another's request.
    await connection.execute("select pg_advisory_xact_lock(hashtext($1))", event.id)
    before = await _requested(connection, event, signatures.request)
    if before is not None:
        return before
    await check_sendable(connection, event, again=again)
    number = await _insert_event(connection, event)
    dispatch = await _insert(connection, event, number, signatures)
    await close_late_entries(connection)
    await connection.execute(_RING, "plan")
    return dispatch


async def check_sendable(database: Pool | Connection, event: Event, *, again: bool = False) -> None:
    """Raises Refused for a reference that does not stand, or an event of this id and mode sent before (unless `again`)."""
    await check_reference(database, event)
    if not again:
        _check_not_sent(await database.fetchval(_SENT_BEFORE, event.id, event.mode))


async def check_reference(database: Pool | Connection, event: Event) -> None:
    """Raises Refused when the event refers to a dispatch that is none, to one it cannot refer to, or changes the area of
    a warning without a word for those still inside and those no longer.
    """
    if event.parent is not None:
        _check_parent(event, await database.fetchrow(_PARENT, event.parent))
    if event.relation is Relation.UPDATES and event.event_class in WARNINGS and not event.standings:
        _check_same_area(event, await database.fetch(_FAMILY, event.parent, None))


async def _requested(connection: Connection, event: Event, request: str | None) -> str | None:
    """The dispatch that this very request has led to already. Raises Refused when that is of something else."""
    if request is None:
        return None
    await connection.execute("select pg_advisory_xact_lock(hashtext('request'), hashtext($1))", request.strip())
    row = await connection.fetchrow(_REQUESTED, request.strip())
    if row is None:
        return None
    if (row["digest"], row["mode"]) != (event.digest, event.mode):
        raise Refused(_request_reused(row["id"]))
    dispatch: str = row["id"]
    return dispatch


def _request_reused(dispatch: str) -> Problem:
    return Problem(
        "send.request_reused",
        "request",
        f"この依頼番号は、内容の異なる配信 {dispatch} ですでに使われています。新しい番号を付けてください。何も送っていません。",
        f"This request already led to dispatch {dispatch}, of other content. Give it a name of its own. Nothing was sent.",
    )


def _check_same_area(event: Event, family: list[Record]) -> None:
    """All of the family, because the update before may have changed the area that this one changes back."""
    own = event.area.wkb if event.area is not None else None
    orders = [row for row in family if row["relation"] in {None, Relation.UPDATES}]
    if any(row["area"] != own for row in orders):
        raise Refused([missing_texts(Standing.STILL), missing_texts(Standing.RELEASED)])


def _check_parent(event: Event, parent: Record | None) -> None:
    where = f"/reference/{event.relation}"
    if parent is None:
        raise Refused(
            Problem(
                "reference.unknown",
                where,
                f"参照する配信「{event.parent}」がありません。todoke status で名前を確かめてください。",
                f"There is no dispatch '{event.parent}' to refer to. See the names with todoke status.",
            )
        )
    if parent["aged_at"] is not None:
        raise Refused(
            Problem(
                "reference.aged",
                where,
                f"参照する配信「{event.parent}」は保存期間が過ぎ、だれに届いたかの記録がありません。"
                "reference を外し、area を書いて発信してください。",
                f"Whom dispatch '{event.parent}' reached is no longer on record: it has been kept long enough. "
                "Leave the reference out and give an area.",
            )
        )
    if parent["held"]:
        raise Refused(_held_parent(event, where))
    if parent["mode"] != event.mode:
        raise Refused(
            Problem(
                "reference.mode",
                where,
                "訓練の配信と本番の配信は互いに参照できません。同じ区分（drill / live）の配信を指定してください。",
                "A drill cannot refer to a live dispatch, nor a live one to a drill. Name one of the same mode.",
            )
        )
    if event.relation is Relation.LIFTS and parent["relation"] == Relation.LIFTS:
        raise Refused(
            Problem(
                "reference.lifted",
                where,
                "解除の配信を解除することはできません。もとの発令の名前を指定してください。",
                "A lift cannot be lifted. Name the order itself.",
            )
        )
    _check_in_force(event, parent)


def _held_parent(event: Event, where: str) -> Problem:
    return Problem(
        "reference.held",
        where,
        f"参照する配信「{event.parent}」は保留中で、だれに送るかがまだ決まっていません。todoke release で送るか、"
        "todoke stop で中止し、reference を外して発信してください。",
        f"Dispatch '{event.parent}' is held, and whom it reaches is not settled. Release it with todoke release; or "
        "stop it with todoke stop, leave the reference out and give an area.",
    )


def _check_in_force(event: Event, parent: Record) -> None:
    if event.relation is Relation.UPDATES and parent["relation"] == Relation.LIFTS:
        raise Refused(
            Problem(
                "reference.lifted",
                "/reference/updates",
                "解除の配信は更新できません。もう一度発令するときは reference を外すか、もとの発令の名前を指定してください。",
                "A lift cannot be updated. To give the order again, leave the reference out or name the order itself.",
            )
        )


def _check_not_sent(before: str | None) -> None:
    if before is None:
        return
    raise Refused(
        Problem(
            "send.repeated",
            "id",
            f"この id の発信はすでに {before} として配信しました。更新・訂正・解除なら id を変えて reference に {before} を書き、"
            "同じものをもう一度送るなら --again を付けてください。",
            f"The event with this id was already sent as {before}. To update, correct or lift it, take another id and "
            f"refer to {before}; to send the same once more, add --again.",
        )
    )


async def _insert_event(connection: Connection, event: Event) -> int:
    area = event.area.wkb if event.area is not None else None
    number: int = await connection.fetchval(
        _EVENT_INSERT, event.id, json.dumps(event.document, ensure_ascii=False), area, event.digest
    )
    return number


async def _insert(connection: Connection, event: Event, number: int, signatures: Signatures) -> str:
    today: datetime = await connection.fetchval("select now()")
    dispatch = new_name(today)
    await connection.execute(
        _INSERT,
        dispatch,
        number,
        event.event_class,
        event.mode,
        priority(event.event_class, event.mode),
        event.parent,
        event.relation,
        signatures.requested_by.strip(),
        signatures.approved_by.strip(),
        event.digest,
        event.valid_until,
        event.late_entry,
        signatures.counted,
        signatures.request.strip() if signatures.request is not None else None,
    )
    return dispatch


def new_name(day: datetime) -> str:
    """A dispatch's name, which begins with its day: everything of it stands in that year's tables."""
    return f"{day:%y%m%d}-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))


async def stop(pool: Pool, dispatch: str, *, by: str) -> DispatchState:
    """Stop a dispatch: nothing leaves two seconds later. Returns the state it then has.

    Raises Refused when there is no such dispatch; one that has already ended stays as it ended, but whoever comes
    into the area of an order that was sent out does not get it any more.
    """
    async with pool.acquire() as connection, connection.transaction():
        return await stop_here(connection, dispatch, by=by)


async def stop_here(connection: Connection, dispatch: str, *, by: str) -> DispatchState:
    """The same in the caller's transaction."""
    state = await connection.fetchval(_STOP, dispatch, by)
    if state is None:
        raise Refused(unknown_dispatch(dispatch))
    await connection.execute(_RING, "stop")
    return DispatchState(state)


async def stop_all(pool: Pool, *, by: str) -> list[str]:
    """Stop every dispatch that is not through, and all late entry; returns the names of the former."""
    async with pool.acquire() as connection, connection.transaction():
        return await stop_all_here(connection, by=by)


async def stop_all_here(connection: Connection, *, by: str) -> list[str]:
    """The same in the caller's transaction."""
    stopped = [row["id"] for row in await connection.fetch(_STOP_ALL, by)]
    await connection.execute(_RING, "stop")
    return stopped


def unknown_dispatch(dispatch: str) -> Problem:
    return Problem(
        "dispatch.unknown",
        "",
        f"「{dispatch}」という配信はありません。todoke status で名前を確かめてください。",
        f"There is no dispatch '{dispatch}'. See the names with todoke status.",
    )


def aged_dispatch(dispatch: str, aged_at: datetime) -> Problem:
    return Problem(
        "dispatch.aged",
        "",
        f"配信「{dispatch}」の明細は、保存期間が過ぎたため {aged_at:%Y-%m-%d} に削除されました。"
        f"人数は todoke status {dispatch} で分かります。",
        f"The details of dispatch '{dispatch}' were dropped on {aged_at:%Y-%m-%d}: they had been kept long enough. "
        f"todoke status {dispatch} still tells how many were reached.",
    )


_TOLD = [outcome.name.lower() for outcome in Outcome if outcome is not Outcome.MOVED]


@dataclass(frozen=True, slots=True)
class Emergency:
    """An order to send without the database (dispatcher/emergency), by the clock of the server that carried it out."""

    host: str
    ordered_by: str
    ordered_at: datetime
    stopped_by: str | None
    stopped_at: datetime | None
    merged_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "ordered_by": self.ordered_by,
            "ordered_at": self.ordered_at.isoformat(),
            "stopped_by": self.stopped_by,
        }


@dataclass(frozen=True, slots=True)
class Status:
    """How a dispatch stands. `channels` counts recipients by channel and outcome; `seconds` count from approval."""

    dispatch: str
    event: str
    event_class: str
    mode: str
    state: DispatchState
    requested_by: str
    approved_by: str
    approved_at: datetime
    valid_until: datetime
    audience: int | None
    late_entries: int
    """How many of the audience came into the area later."""
    stopped_by: str | None
    wanted: tuple[str, ...]
    """The channels of the event, also those that reach nobody."""
    unfinished: int
    channels: dict[str, dict[str, int]]
    seconds: dict[str, float]
    counted: int | None
    """People in the area, as the officer who approved or released it was told."""
    held: Hold | None
    """Why nothing of it leaves now."""
    emergencies: tuple[Emergency, ...] = ()
    """Orders to send it without the database, that were merged since."""

    @property
    def over(self) -> bool:
        """Whether nothing more will be sent, and everything under way is recorded."""
        return not self.state.open and self.unfinished == 0

    def as_json(self) -> dict[str, Any]:
        return {
            "dispatch": self.dispatch,
            "event": self.event,
            "class": self.event_class,
            "mode": self.mode,
            "state": self.state,
            "requested_by": self.requested_by,
            "approved_by": self.approved_by,
            "approved_at": self.approved_at.isoformat(),
            "valid_until": self.valid_until.isoformat(),
            "audience": self.audience,
            "late_entries": self.late_entries,
            "channels": {
                channel: {name: self.channels.get(channel, {}).get(name, 0) for name in _TOLD}
                for channel in self.wanted
            },
            "seconds": self.seconds,
            "counted": self.counted,
            "held": self.held.as_json() if self.held is not None else None,
            "emergencies": [each.as_json() for each in self.emergencies],
        }


async def status(pool: Pool, dispatch: str) -> Status:
    """Raises Refused when there is no such dispatch."""
    row = await pool.fetchrow(_READ, dispatch)
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    tally = _Tally()
    for batch in await pool.fetch(_OUTCOMES, dispatch):
        tally.add(batch)
    if row["aged_at"] is not None:
        tally.summaries = await pool.fetch(_SUMMARY, dispatch)
    emergencies = tuple(Emergency(**each) for each in await pool.fetch(_EMERGENCIES, dispatch))
    return replace(_status(row, tally), emergencies=emergencies)


async def recent(pool: Pool, most: int = 20) -> list[Status]:
    """The latest dispatches, newest first."""
    return [await status(pool, row["id"]) for row in await pool.fetch(_LIST, most)]


async def workers(pool: Pool) -> list[Mapping[str, Any]]:
    """Processes at work now: number, host, pid, since when, and their trouble."""
    return [dict(row) | {"trouble": json.loads(row["trouble"])} for row in await pool.fetch(_WORKERS)]


@dataclass(slots=True)
class _Tally:
    """Outcome bytes gathered per channel; or, of a dispatch whose batches are gone, what was counted then."""

    runs: dict[str, list[bytes]] = field(default_factory=dict)
    summaries: list[Record] = field(default_factory=list)
    unfinished: int = 0

    def add(self, batch: Record) -> None:
        known = states.refined(batch["outcomes"], batch["proofs"])
        if batch["state"] == "claimed":
            known = _in_flight(known, batch["started"])
        self.unfinished += batch["state"] != "done"
        self.runs.setdefault(batch["channel"], []).append(known)

    def channels(self) -> dict[str, dict[str, int]]:
        found = {
            channel: {outcome.name.lower(): number for outcome, number in states.counts(runs).items()}
            for channel, runs in sorted(self.runs.items())
        }
        for row in self.summaries:
            found.setdefault(row["channel"], {})[Outcome(row["outcome"]).name.lower()] = row["recipients"]
        return found


def _in_flight(outcomes: bytes, started: int) -> bytes:
    under_way = [i for i, byte in enumerate(outcomes[:started]) if byte < Outcome.SUPPRESSED]
    return states.marked(outcomes, under_way, Outcome.IN_FLIGHT)


def _status(row: Record, tally: _Tally) -> Status:
    moments = {"match": "matched_at", "planned": "planned_at", "first_send": "first_send_at", "drained": "ended_at"}
    return Status(
        dispatch=row["id"],
        event=row["event_id"],
        event_class=row["class"],
        mode=row["mode"],
        state=DispatchState(row["state"]),
        requested_by=row["requested_by"],
        approved_by=row["approved_by"],
        approved_at=row["approved_at"],
        valid_until=row["valid_until"],
        audience=row["audience"],
        late_entries=row["late_entries"],
        stopped_by=row["stopped_by"],
        wanted=tuple(json.loads(row["channels"])),
        unfinished=tally.unfinished,
        channels=tally.channels(),
        seconds={
            name: round((row[column] - row["approved_at"]).total_seconds(), 3)
            for name, column in moments.items()
            if row[column] is not None
        },
        counted=row["counted"],
        held=Hold.of(row) if row["state"] == DispatchState.HELD else None,
    )
