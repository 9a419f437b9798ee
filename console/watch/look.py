"""One look at a dispatch: how far each channel is, what was promised, and why somebody was not reached."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from console.watch.reasons import Reason
from dispatcher.dispatches import Status, status, unknown_dispatch
from words.problem import Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_HEAD = sql("console.watch", "head")
_PROMISED = sql("console.watch", "promised")
_CLOCK = sql("console.watch", "clock")

_UNSENT = ("pending", "retry")
_UNDER_WAY = ("in_flight", "ambiguous")
_TAKEN = ("accepted", "delivered")
_MISSED = ("rejected", "undelivered", "suppressed", "expired", "cancelled", "quarantined")


@dataclass(frozen=True, slots=True)
class Head:
    """What a dispatch is, and what it is called. `order`: the draft it came from, None from the command line."""

    dispatch: str
    event_class: str
    mode: str
    state: str
    relation: str | None
    parent: str | None
    followers: tuple[str, ...]
    approved_at: datetime
    valid_until: datetime
    stopped_by: str | None
    aged_at: datetime | None
    area_name: Mapping[str, str]
    hazard: str | None
    level: int | None
    order: int | None
    late_entry_goes_on: bool
    """Sent, and whoever comes into its area still gets it."""


@dataclass(frozen=True, slots=True)
class ChannelLook:
    """A channel's recipients by outcome. Seconds count from the approval: `promised` and `ended` until the last was handed
    over; `left` from now on, as fast as it goes. None where nobody knows.
    """

    channel: str
    counts: Mapping[str, int]
    promised: float | None = None
    ended: float | None = None
    left: float | None = None

    @property
    def people(self) -> int:
        return sum(self.counts.values()) - self.counts.get("moved", 0)

    @property
    def unsent(self) -> int:
        return self._sum(_UNSENT)

    @property
    def under_way(self) -> int:
        """Being called, or called without an answer so far."""
        return self._sum(_UNDER_WAY)

    @property
    def taken(self) -> int:
        """Taken by the provider, and not known to have been lost since."""
        return self._sum(_TAKEN)

    @property
    def delivered(self) -> int:
        return self._sum(("delivered",))

    @property
    def unknown(self) -> int:
        return self._sum(("unknown",))

    @property
    def missed(self) -> int:
        return self._sum(_MISSED)

    @property
    def cancelled(self) -> int:
        return self._sum(("cancelled",))

    @property
    def over(self) -> bool:
        return not self.unsent and not self.under_way

    @property
    def handed_over(self) -> int:
        return self.people - self.unsent - self.under_way

    def _sum(self, names: Sequence[str]) -> int:
        return sum(self.counts.get(name, 0) for name in names)


@dataclass(frozen=True, slots=True)
class Look:
    """A dispatch at the moment `at`, by the database's clock. `number` counts the looks of one reader."""

    status: Status
    at: datetime
    channels: tuple[ChannelLook, ...]
    promised_people: int | None
    promised_seconds: float | None
    reasons: tuple[Reason, ...] = ()
    number: int = 0

    @property
    def seconds(self) -> float:
        """Since the approval; of one that has ended, until then."""
        ended = self.status.seconds.get("drained")
        return ended if ended is not None else (self.at - self.status.approved_at).total_seconds()

    @property
    def people(self) -> int:
        return sum(each.people for each in self.channels)

    @property
    def unsent(self) -> int:
        return sum(each.unsent for each in self.channels)

    @property
    def under_way(self) -> int:
        return sum(each.under_way for each in self.channels)

    @property
    def taken(self) -> int:
        return sum(each.taken for each in self.channels)

    @property
    def delivered(self) -> int:
        return sum(each.delivered for each in self.channels)

    @property
    def missed(self) -> int:
        return sum(each.missed for each in self.channels)

    @property
    def handed_over(self) -> int:
        return sum(each.handed_over for each in self.channels)

    @property
    def left(self) -> float | None:
        """Seconds until the last one, as fast as it goes; None while nobody can say."""
        lasting = [each.left for each in self.channels if not each.over]
        known = [seconds for seconds in lasting if seconds is not None]
        return max(known) if known and len(known) == len(lasting) else None


async def head(pool: Pool, dispatch: str) -> Head:
    """Raises Refused when there is no such dispatch."""
    row = await pool.fetchrow(_HEAD, dispatch)
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    return _head(row)


def _head(row: Record) -> Head:
    same = (
        "mode",
        "state",
        "relation",
        "parent",
        "approved_at",
        "valid_until",
        "stopped_by",
        "aged_at",
        "hazard",
        "level",
        "late_entry_goes_on",
    )
    return Head(
        dispatch=row["id"],
        event_class=row["class"],
        area_name=json.loads(row["area_name"]) if row["area_name"] else {},
        order=row["order_id"],
        followers=tuple(row["followers"]),
        **{name: row[name] for name in same},
    )


async def look(pool: Pool, dispatch: str) -> Look:
    """Raises Refused when there is no such dispatch."""
    at: datetime = await pool.fetchval(_CLOCK)
    now = await status(pool, dispatch)
    promised = json.loads(await pool.fetchval(_PROMISED, dispatch) or "{}")
    by_channel = promised.get("channels", {})
    names = [*now.wanted, *(name for name in now.channels if name not in now.wanted)]
    return Look(
        status=now,
        at=at,
        channels=tuple(
            ChannelLook(name, now.channels.get(name, {}), by_channel.get(name, {}).get("seconds")) for name in names
        ),
        promised_people=promised.get("people"),
        promised_seconds=promised.get("seconds"),
    )


def ended_at(now: Look, last_calls: Mapping[str, datetime]) -> Look:
    """The same with the moment at which each channel that is over was through."""
    approved = now.status.approved_at
    return replace(
        now,
        channels=tuple(
            replace(each, ended=(last_calls[each.channel] - approved).total_seconds())
            if each.over and each.channel in last_calls
            else each
            for each in now.channels
        ),
    )
