"""One look at everything that sends: alarms, workers, what waits, canaries, limits and quotas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from dispatcher import canary
from dispatcher.alarms import Standing, standing
from dispatcher.dispatches import workers
from dispatcher.load import Load, load_of, open_work, seconds_needed
from dispatcher.trouble import Trouble
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Record

    from console.orders.desk import Desk

_HEAD = sql("console.audit", "head")

BAD_CANARIES = frozenset({"missed", "late"})


class Grade(StrEnum):
    """How the whole stands: nothing is wrong; something is to be looked at; somebody has to act now."""

    FINE = "fine"
    WATCH = "watch"
    ACT = "act"


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits on one channel: people, the oldest of it in seconds since its approval, and what the limits need for all."""

    channel: str
    rate: float
    people: int
    oldest: float | None
    needed: float
    troubles: Sequence[Trouble]


@dataclass(frozen=True, slots=True)
class Look:
    """Everything at one moment of the database's clock."""

    at: datetime
    grade: Grade
    alarms: Sequence[Standing]
    troubles: Sequence[Trouble]
    workers: Sequence[Mapping[str, Any]]
    channels: Sequence[Waiting]
    canaries: Sequence[Mapping[str, Any]]
    record: int


async def look(desk: Desk) -> Look:
    """Read anew: nothing of it is remembered."""
    pool = desk.pool
    alarms, working, birds = await standing(pool), await workers(pool), await canary.latest(pool)
    told = dict.fromkeys(Trouble.from_json(each) for worker in working for each in worker["trouble"])
    alarming = {(alarm.trouble.code, alarm.trouble.where) for alarm in alarms}
    troubles = [each for each in told if (each.code, each.where) not in alarming]
    head = await pool.fetchrow(_HEAD)
    return Look(
        at=await pool.fetchval("select now()"),
        grade=_grade(alarms, troubles, working, birds),
        alarms=alarms,
        troubles=troubles,
        workers=working,
        channels=await _channels(desk, [*told, *(alarm.trouble for alarm in alarms)]),
        canaries=birds,
        record=head["seq"] if head is not None else 0,
    )


def _grade(
    alarms: Sequence[Standing],
    troubles: Sequence[Trouble],
    working: Sequence[Mapping[str, Any]],
    birds: Sequence[Mapping[str, Any]],
) -> Grade:
    """Without anybody at work nothing would leave, alarm or not."""
    if alarms or not working:
        return Grade.ACT
    if troubles or any(bird["result"] in BAD_CANARIES for bird in birds):
        return Grade.WATCH
    return Grade.FINE


async def _channels(desk: Desk, troubles: Sequence[Trouble]) -> Sequence[Waiting]:
    rows = await open_work(desk.pool)
    load = load_of(rows, desk.channels, column="waiting")
    return [
        _waiting(desk, name, [row for row in rows if row["channel"] == name], load, troubles) for name in desk.channels
    ]


def _waiting(desk: Desk, name: str, rows: Sequence[Record], load: Load, troubles: Sequence[Trouble]) -> Waiting:
    channel, last = desk.channels[name], max((row["priority"] for row in rows), default=0)
    lanes = {row["lane"] for row in rows}
    moments = [row["seconds"] for row in rows if row["waiting"] and row["seconds"] is not None]
    return Waiting(
        channel=name,
        rate=min((limit.rate for limit in channel.lane("").limits), default=0.0),
        people=sum(row["waiting"] for row in rows),
        oldest=max(moments, default=None),
        needed=max((seconds_needed(channel.lane(lane).limits, load, last) for lane in lanes), default=0.0),
        troubles=list(dict.fromkeys(each for each in troubles if each.where.split("/")[0] == name)),
    )
