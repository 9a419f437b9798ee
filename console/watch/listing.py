"""What was and is sent, the newest first."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from dispatcher.dispatches import unknown_dispatch
from dispatcher.model import DispatchState, EventClass, Mode
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_LIST = sql("console.watch", "list")
_FIND_MOMENT = sql("console.watch", "find_moment")
_LIVE_NOW = sql("console.watch", "live_now")

PAGE = 30
GROUPS: Mapping[str, Sequence[DispatchState]] = {
    "": tuple(DispatchState),
    "open": tuple(state for state in DispatchState if state.open),
    "held": (DispatchState.HELD,),
    "drained": (DispatchState.DRAINED,),
    "cancelled": (DispatchState.CANCELLED,),
    "expired": (DispatchState.EXPIRED,),
}
"""What one can filter by, and the states it stands for."""


@dataclass(frozen=True, slots=True)
class Filter:
    """Empty: all of them. `after`: only what is older than that dispatch."""

    mode: str = ""
    event_class: str = ""
    state: str = ""
    after: str = ""

    def check(self) -> None:
        """Raises Refused for what is no choice."""
        choices = (
            ("mode", self.mode, {"", *Mode}),
            ("class", self.event_class, {"", *EventClass}),
            ("state", self.state, set(GROUPS)),
        )
        found = [_no_choice(where) for where, value, allowed in choices if value not in allowed]
        if found:
            raise Refused(found)


@dataclass(frozen=True, slots=True)
class Row:
    """A dispatch in the list."""

    dispatch: str
    event_class: str
    mode: str
    state: DispatchState
    relation: str | None
    approved_at: datetime
    audience: int | None
    stopped_by: str | None
    area_name: Mapping[str, str]
    hazard: str | None
    level: int | None


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. `after`: what to ask for to see older ones; None when there are none."""

    rows: Sequence[Row]
    after: str | None


@dataclass(frozen=True, slots=True)
class LiveNow:
    """How many dispatches are under way or held, and how many orders count their last seconds."""

    live: int
    drills: int
    counting: int


async def listed(pool: Pool, chosen: Filter) -> Listed:
    """Raises Refused for a filter that is none, or an `after` that is no dispatch."""
    chosen.check()
    moment = await pool.fetchval(_FIND_MOMENT, chosen.after) if chosen.after else None
    if chosen.after and moment is None:
        raise Refused(unknown_dispatch(chosen.after))
    states = [str(state) for state in GROUPS[chosen.state]]
    wanted = (chosen.mode or None, chosen.event_class or None, states, moment, chosen.after or None, PAGE + 1)
    rows = [_row(row) for row in await pool.fetch(_LIST, *wanted)]
    return Listed(rows[:PAGE], rows[PAGE - 1].dispatch if len(rows) > PAGE else None)


async def live_now(pool: Pool) -> LiveNow:
    row = await pool.fetchrow(_LIVE_NOW)
    return LiveNow(row["live"], row["drills"], row["counting"]) if row is not None else LiveNow(0, 0, 0)


def _row(row: Record) -> Row:
    same = ("mode", "relation", "approved_at", "audience", "stopped_by", "hazard", "level")
    return Row(
        dispatch=row["id"],
        event_class=row["class"],
        state=DispatchState(row["state"]),
        area_name=json.loads(row["area_name"]) if row["area_name"] else {},
        **{name: row[name] for name in same},
    )


def _no_choice(where: str) -> Problem:
    return Problem(
        "list.filter",
        f"/{where}",
        "この絞り込みはできません。一覧の選択肢から選び直してください。",
        "One cannot filter by that. Choose from the list.",
    )
