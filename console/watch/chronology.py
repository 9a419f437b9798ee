"""Who did what when: an order from its first version to the last correction, from the record and the dispatch's own rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from console.report import labels
from console.report.labels import Label
from dispatcher.channel_stops import channel_stops
from dispatcher.dispatches import unknown_dispatch
from dispatcher.holding import Hold, holds_of
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_AUDIT = sql("console.watch", "audit_of")
_MOMENTS = sql("console.watch", "moments")
_RUNS = sql("console.watch", "runs")
_FOLLOWERS = sql("console.watch", "followers")
_EMERGENCIES = sql("dispatcher", "emergency_orders")

_ACTIONS = {
    "order.drafted": Label("下書きを作成", "Draft written"),
    "order.revised": Label("下書きを変更", "Draft changed"),
    "order.submitted": Label("承認を依頼", "Submitted for approval"),
    "order.approved": Label("承認", "Approved"),
    "order.begun": Label("訓練の時刻になり、秒読みを開始", "Its time came: the countdown began"),
    "order.discarded": Label("下書きを破棄", "Draft given up"),
    "order.looked_at": Label("緊急発信の事後承認", "Looked at after it was released alone"),
    "order.taken_back": Label("送信前に取り消し", "Taken back before it left"),
    "order.released": Label("送信を開始", "Left"),
    "order.void": Label("無効", "Void"),
    "dispatch.stopped": Label("停止", "Stopped"),
    "dispatch.released": Label("保留を解除", "Released from its hold"),
    "channel.stopped": Label("経路を停止", "A channel stopped"),
    "report.read": Label("報告書を表示", "Report read"),
    "dispatch.exported": Label("結果を書き出し", "Outcomes exported"),
}
_TOLD = ("people", "unsent", "channel", "version", "counted", "agreed", "kind", "rows")
"""Details that are shown; the record holds all of them."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`who` is an officer's name as it was used, empty for the program. `note`: figures, as the record has them."""

    at: datetime
    who: str
    what: Label
    note: str = ""


async def chronology(pool: Pool, dispatch: str) -> list[Entry]:
    """In the order it happened. Raises Refused when there is no such dispatch."""
    row = await pool.fetchrow(_MOMENTS, dispatch)
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    recorded = await pool.fetch(_AUDIT, dispatch)
    actions = {each["action"] for each in recorded}
    found = [_recorded(each) for each in recorded]
    found += _moments(row, recorded=actions)
    found += [_run(each, last=last) for each in await pool.fetch(_RUNS, dispatch) for last in (False, True)]
    found += [entry for hold in await holds_of(pool, dispatch) for entry in _held(hold, recorded=actions)]
    found += [_emergency(each) for each in await pool.fetch(_EMERGENCIES, dispatch)]
    found += [_follower(each) for each in await pool.fetch(_FOLLOWERS, dispatch)]
    if "channel.stopped" not in actions:
        found += [
            Entry(each.at, each.stopped_by, _channel("を停止", "stopped", each.channel))
            for each in await channel_stops(pool, dispatch)
        ]
    return sorted(found, key=lambda entry: entry.at)


def _recorded(row: Record) -> Entry:
    details: Mapping[str, Any] = json.loads(row["details"])
    note = ", ".join(f"{name}={details[name]}" for name in _TOLD if details.get(name) is not None)
    return Entry(row["at"], row["actor"] or "", _ACTIONS.get(row["action"], Label(row["action"], row["action"])), note)


def _moments(row: Record, *, recorded: set[str]) -> Iterator[Entry]:
    """What the record of officers does not say already."""
    people = f"{row['audience']:,}" if row["audience"] is not None else "?"
    if "order.released" not in recorded:
        label = Label(f"{row['requested_by']} の依頼を承認", f"Approved, as {row['requested_by']} asked for it")
        yield Entry(row["approved_at"], row["approved_by"], label)
    known = {
        "matched_at": Label(f"対象者を確定（{people} 人）", f"Audience known ({people} people)"),
        "first_send_at": Label("最初の送信", "First message sent"),
        "planned_at": Label("送信の準備が完了", "Last message prepared"),
    }
    for column, label in known.items():
        if row[column] is not None:
            yield Entry(row[column], "", label)
    if row["ended_at"] is not None:
        state = labels.state(row["state"])
        by = row["stopped_by"] or "" if "dispatch.stopped" not in recorded else ""
        yield Entry(row["ended_at"], by, Label(f"終了（{state.ja}）", f"Ended ({state.en})"))


def _run(row: Record, *, last: bool) -> Entry:
    at, ja, en = (
        (row["ended"], "の最後の結果", "last outcome") if last else (row["began"], "の送信を開始", "first outcome")
    )
    note = f"batches={row['batches']}, attempts={row['attempts']}" if last else ""
    return Entry(at, "", _channel(ja, en, row["channel"]), note)


def _channel(ja: str, en: str, name: str) -> Label:
    words = labels.channel(name)
    return Label(f"{words.ja} {ja}", f"{words.en}: {en}")


def _held(hold: Hold, *, recorded: set[str]) -> Iterator[Entry]:
    yield Entry(hold.at, "", Label("保留", "Held"), hold.reason.value)
    if hold.released_at is not None and "dispatch.released" not in recorded:
        yield Entry(hold.released_at, hold.released_by or "", Label("保留を解除", "Released from its hold"))


def _emergency(row: Record) -> Entry:
    label = Label("データベースなしの緊急送信", "Sent without the database")
    return Entry(row["ordered_at"], row["ordered_by"], label, row["host"])


def _follower(row: Record) -> Entry:
    relation = labels.RELATIONS[row["relation"]]
    label = Label(f"{relation.ja}を送信（{row['id']}）", f"{row['id']} {relation.en} it")
    return Entry(row["approved_at"], row["approved_by"], label, row["requested_by"])
