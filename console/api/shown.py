"""Orders and dispatches as programs read them. Times are ISO 8601, durations seconds, counts messages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from console.orders.model import Author, Order
from console.people.counts import Counts
from console.shelters.board import Row as ShelterRow
from console.watch.listing import Row
from console.watch.look import ChannelLook, Head, Look
from words.problem import Problem

Shown = dict[str, Any]


def order_json(order: Order) -> Shown:
    return {
        "id": order.id,
        "state": order.state.value,
        "mode": order.mode.value,
        "version": order.version.number,
        "document": dict(order.version.document),
        "written_by": _author(order.version.author),
        "written_at": order.version.at.isoformat(),
        "start_at": _time(order.start_at),
        "hash": order.hash,
        "people": order.submission.people if order.submission else None,
        "approved_by": _author(order.approval.author) if order.approval else None,
        "release_at": _time(order.release_at),
        "dispatch": order.dispatch,
        "void_why": order.void_why,
        "changed_at": order.changed_at.isoformat(),
    }


def row_json(row: Row) -> Shown:
    """A dispatch in the list."""
    return {
        "dispatch": row.dispatch,
        "class": row.event_class,
        "mode": row.mode,
        "state": row.state.value,
        "relation": row.relation,
        "hazard": row.hazard,
        "level": row.level,
        "area_name": dict(row.area_name),
        "approved_at": row.approved_at.isoformat(),
        "people": row.audience,
        "stopped_by": row.stopped_by,
    }


def dispatch_json(head: Head, look: Look) -> Shown:
    return {
        "dispatch": head.dispatch,
        "order": head.order,
        "class": head.event_class,
        "mode": head.mode,
        "state": look.status.state.value,
        "relation": head.relation,
        "parent": head.parent,
        "followers": list(head.followers),
        "hazard": head.hazard,
        "level": head.level,
        "area_name": dict(head.area_name),
        "approved_at": head.approved_at.isoformat(),
        "valid_until": head.valid_until.isoformat(),
        "stopped_by": head.stopped_by,
        "people": look.status.audience,
        "seconds": look.seconds,
        "promised_seconds": look.promised_seconds,
        "over": look.status.over,
        "channels": [_channel(each) for each in look.channels],
    }


def shelter_json(row: ShelterRow) -> Shown:
    """`capacity` in people; `by` is who said its status last in the console."""
    return {
        "id": row.id,
        "name": row.name,
        "address": row.address,
        "hazards": list(row.hazards),
        "stay": row.stay,
        "capacity": row.capacity,
        "status": row.status.value,
        "status_at": _time(row.at),
        "status_by": row.by,
    }


def counts_json(counts: Counts) -> Shown:
    """People, as of `at`."""
    return {
        "at": counts.at.isoformat(),
        "subscribed": counts.here,
        "left": counts.gone,
        "unreachable": counts.unreachable,
        "contacts": dict(counts.kinds),
        "languages": dict(counts.languages),
        "topics": dict(counts.topics),
    }


def problem_json(problem: Problem) -> Shown:
    return {"code": problem.code, "pointer": problem.where, "ja": problem.ja, "en": problem.en}


def _channel(channel: ChannelLook) -> Shown:
    return {
        "channel": channel.channel,
        "messages": channel.people,
        "unsent": channel.unsent,
        "under_way": channel.under_way,
        "taken": channel.taken,
        "delivered": channel.delivered,
        "unknown": channel.unknown,
        "missed": channel.missed,
        "outcomes": {name: count for name, count in channel.counts.items() if count},
        "promised_seconds": channel.promised,
    }


def _author(author: Author) -> Shown:
    return {"officer": author.officer, "key": author.key}


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
