"""Holding: a dispatch of which nothing leaves until an officer has looked at it, and released or stopped it.

Nothing of it is planned, claimed or brought in late; calls under way end and are recorded. It expires like any other.

- `drift`: just before the first batch it concerns others than the approved number, by more than a fiftieth and by more
  than 20. A release sends it as it is then.
- `restored`: the database was restored from a backup (dispatcher/epoch.py). A release sends to whom it may not have
  reached, within the promise of its class.
- `altered`: what is stored is not what was approved; its area was lost, say. It can only be stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import structlog

from dispatcher import metrics
from dispatcher.model import DispatchState
from dispatcher.trouble import Trouble
from words.problem import Problem, Tongue
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_PLANNED = sql("dispatcher", "hold_planned")
_LIST = sql("dispatcher", "hold_list")
_HISTORY = sql("dispatcher", "hold_history")

_DRIFT_SHARE, _DRIFT_PEOPLE = 50, 20

log = structlog.get_logger(__name__)


class Reason(StrEnum):
    RESTORED = "restored"
    DRIFT = "drift"
    ALTERED = "altered"


_ALTERED = (
    "保存されている内容や区域が、承認されたものと一致しません。このままでは送れません。",
    "What is stored, or its area, is not what was approved. It cannot be sent like this.",
)


@dataclass(frozen=True, slots=True)
class Hold:
    """One time a dispatch was held. `counted` people at the approval, `found` just before sending: of a drift only."""

    dispatch: str
    reason: Reason
    was: DispatchState
    counted: int | None
    found: int | None
    at: datetime
    released_by: str | None = None
    released_at: datetime | None = None

    @classmethod
    def of(cls, row: Record) -> Hold:
        kept = {key: row[key] for key in ("dispatch", "counted", "found", "at")}
        released = {key: row[key] for key in ("released_by", "released_at") if key in row}
        return cls(reason=Reason(row["reason"]), was=DispatchState(row["was"]), **kept, **released)

    def say(self, tongue: Tongue) -> str:
        """Why, in one or two sentences."""
        ja, en = self._words()
        return ja if tongue == "ja" else en

    def _words(self) -> tuple[str, str]:
        if self.reason is Reason.DRIFT:
            return (
                f"承認の時の対象は {self.counted:,} 人でしたが、送る直前に数えると {self.found:,} 人でした。",
                f"It was approved for {self.counted:,} people, but just before sending there were {self.found:,}.",
            )
        if self.reason is Reason.ALTERED:
            return _ALTERED
        return (
            "データベースがバックアップから戻されました。バックアップの後に、すでに届いている人がいるかもしれません。",
            "The database was restored from a backup. Since that was taken, it may already have reached people.",
        )

    def as_json(self) -> dict[str, Any]:
        return {"reason": self.reason, "counted": self.counted, "found": self.found, "at": self.at.isoformat()}


def drifted(counted: int, found: int) -> bool:
    """Whether so many people are found in place of those counted that nobody can have meant it."""
    return abs(found - counted) > max(counted / _DRIFT_SHARE, _DRIFT_PEOPLE)


class ToBeHeld(Exception):
    """What is being planned must not be sent."""

    def __init__(self, reason: Reason, *, counted: int | None = None, found: int | None = None) -> None:
        super().__init__(reason)
        self.reason, self.counted, self.found = reason, counted, found


def check_drift(counted: int | None, found: int) -> None:
    """Raises ToBeHeld when the approval was for others than these. None: nobody counted then."""
    if counted is not None and drifted(counted, found):
        raise ToBeHeld(Reason.DRIFT, counted=counted, found=found)


async def hold_planned(pool: Pool, dispatch: str, session: int, because: ToBeHeld) -> None:
    """Hold what `session` is planning, unless it was stopped or is planned by another by now."""
    held = await pool.fetchval(_PLANNED, dispatch, session, because.reason, because.counted, because.found)
    if held is not None:
        log.error(
            "dispatch_held",
            dispatch=dispatch,
            reason=because.reason.value,
            counted=because.counted,
            found=because.found,
        )


class Holds:
    """Watches what is held, for people to see. `changed` is called when it is others than a moment ago."""

    def __init__(self, pool: Pool, changed: Callable[[], None]) -> None:
        self._pool = pool
        self._changed = changed
        self._held: Sequence[Hold] = ()

    async def tick(self) -> None:
        held = [Hold.of(row) for row in await self._pool.fetch(_LIST)]
        if held == self._held:
            return
        self._held = held
        reasons = Counter(hold.reason for hold in held)
        for reason in Reason:
            metrics.HELD.labels(reason.value).set(reasons[reason])
        self._changed()

    def trouble(self) -> list[Trouble]:
        """One for each, what is most urgent first."""
        return [_trouble(hold) for hold in self._held]


def _trouble(hold: Hold) -> Trouble:
    then_ja, then_en = remedy(hold)
    return Trouble(
        f"dispatch.held.{hold.reason}",
        hold.dispatch,
        f"保留しています。{hold.say('ja')}{then_ja}",
        f"It is held. {hold.say('en')} {then_en}",
    )


def remedy(hold: Hold) -> tuple[str, str]:
    """What an officer can do, in Japanese and English."""
    if hold.reason is Reason.ALTERED:
        return _stop_it(hold.dispatch)
    stop = f"todoke stop {hold.dispatch}"
    release = f"todoke release {hold.dispatch}"
    return f"送るなら `{release}`、やめるなら `{stop}`。", f"`{release}` sends it, `{stop}` ends it."


def _stop_it(dispatch: str) -> tuple[str, str]:
    stop = f"todoke stop {dispatch}"
    return f"`{stop}` で中止し、作り直して発信してください。", f"Stop it with `{stop}` and send it anew."


def altered(dispatch: str) -> Problem:
    """For whoever would have it sent."""
    (ja, en), (then_ja, then_en) = _ALTERED, _stop_it(dispatch)
    return Problem("release.altered", "", ja + then_ja, f"{en} {then_en}")


def held_problem(hold: Hold) -> Problem:
    """For whoever waits for it."""
    ja, en = remedy(hold)
    return Problem(
        "dispatch.held",
        "",
        f"配信「{hold.dispatch}」を保留しています。{hold.say('ja')}{ja}",
        f"Dispatch '{hold.dispatch}' is held. {hold.say('en')} {en}",
    )


async def holds_of(database: Pool | Connection, dispatch: str) -> list[Hold]:
    """Each time it was held, in that order."""
    return [Hold.of(row) for row in await database.fetch(_HISTORY, dispatch)]


async def held_now(pool: Pool) -> dict[str, Hold]:
    """What is held, by dispatch; the most urgent first."""
    return {row["dispatch"]: Hold.of(row) for row in await pool.fetch(_LIST)}
