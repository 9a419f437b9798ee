"""Dispatches as people handle them: request and approve one, stop it, ask how it stands."""

from __future__ import annotations

import json
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from dispatcher import outcomes as states
from dispatcher.closer import close_late_entries
from dispatcher.event_fields import WARNINGS
from dispatcher.event_texts import missing_texts
from dispatcher.events import Event
from dispatcher.model import DispatchState, Mode, Outcome, Relation, Standing, priority
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_PARENT = sql("dispatcher", "dispatch_parent")
_FAMILY = sql("dispatcher", "dispatch_family")
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
_NAME_LENGTH = 100
_UNWRITABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
"""Controls, line breaks, and what turns the reading direction."""


@dataclass(frozen=True, slots=True)
class Signatures:
    """Who asked for a dispatch and who approved it."""

    requested_by: str
    approved_by: str


async def create(pool: Pool, event: Event, signatures: Signatures, *, again: bool = False) -> str:
    """Approve a dispatch of `event`; returns its name. One transaction: event, dispatch and the bell.

    Raises Refused: a live one signed by one person, a reference that does not stand, or an event of
    this id and mode sent before (unless `again`).
    """
    _check_signatures(event, signatures)
    async with pool.acquire() as connection, connection.transaction():
        await check_reference(connection, event)
        await connection.execute("select pg_advisory_xact_lock(hashtext($1))", event.id)
        if not again:
            _check_not_sent(await connection.fetchval(_SENT_BEFORE, event.id, event.mode))
        number = await _insert_event(connection, event)
        dispatch = await _insert(connection, event, number, signatures)
        await close_late_entries(connection)
        await connection.execute(_RING, "plan")
    return dispatch


async def check_reference(database: Pool | Connection, event: Event) -> None:
    """Raises Refused when the event refers to a dispatch that is none, to one it cannot refer to, or changes the area of
    a warning without a word for those still inside and those no longer.
    """
    if event.parent is not None:
        _check_parent(event, await database.fetchrow(_PARENT, event.parent))
    if event.relation is Relation.UPDATES and event.event_class in WARNINGS and not event.standings:
        _check_same_area(event, await database.fetch(_FAMILY, event.parent, None))


def _check_same_area(event: Event, family: list[Record]) -> None:
    """All of the family, because the update before may have changed the area that this one changes back."""
    own = event.area.wkb if event.area is not None else None
    orders = [row for row in family if row["relation"] in {None, Relation.UPDATES}]
    if any(row["area"] != own for row in orders):
        raise Refused([missing_texts(Standing.STILL), missing_texts(Standing.RELEASED)])


def _check_signatures(event: Event, signatures: Signatures) -> None:
    names = {"requested_by": signatures.requested_by.strip(), "approved_by": signatures.approved_by.strip()}
    if not all(names.values()):
        raise Refused(
            Problem(
                "send.unsigned",
                "approved_by",
                "本番の配信には、依頼者と承認者の名前が必要です。--requested-by と --approved-by を指定してください。",
                "A live send needs the names of who asks and who approves: give --requested-by and --approved-by.",
            )
        )
    unfit = [where for where, name in names.items() if not is_name(name)]
    if unfit:
        raise Refused([_no_name(where) for where in unfit])
    if event.mode is Mode.LIVE and len({_person(name) for name in names.values()}) == 1:
        raise Refused(
            Problem(
                "send.four_eyes",
                "approved_by",
                "本番の配信には、依頼者と別の承認者が必要です。別の職員の名前を --approved-by に指定してください。",
                "A live send needs two different people. Name another officer with --approved-by.",
            )
        )


def is_name(name: str) -> bool:
    """Whether it can stand in the record as somebody's name."""
    return bool(name.strip()) and len(name) <= _NAME_LENGTH and not _UNWRITABLE.search(name)


def _person(name: str) -> str:
    """佐藤 and 佐　藤, Sato and ＳＡＴＯ are one person: four eyes are not had by writing a name differently."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _no_name(where: str) -> Problem:
    return Problem(
        "send.name",
        where,
        f"名前は、改行や制御文字のない {_NAME_LENGTH} 文字までで書いてください。",
        f"A name has up to {_NAME_LENGTH} characters, without line breaks or control characters. Write it that way.",
    )


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
    dispatch = f"{today:%y%m%d}-" + "".join(secrets.choice(_ALPHABET) for _ in range(6))
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
    )
    return dispatch


async def stop(pool: Pool, dispatch: str, *, by: str) -> DispatchState:
    """Stop a dispatch: nothing leaves two seconds later. Returns the state it then has.

    Raises Refused when there is no such dispatch; one that has already ended stays as it ended, but whoever comes
    into the area of an order that was sent out does not get it any more.
    """
    async with pool.acquire() as connection, connection.transaction():
        state = await connection.fetchval(_STOP, dispatch, by)
        await connection.execute(_RING, "stop")
    if state is None:
        raise Refused(unknown_dispatch(dispatch))
    return DispatchState(state)


async def stop_all(pool: Pool, *, by: str) -> list[str]:
    """Stop every dispatch that is not through, and all late entry; returns the names of the former."""
    async with pool.acquire() as connection, connection.transaction():
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
    )
