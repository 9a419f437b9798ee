"""What the watch looks at: what sessions say, nobody at work, lanes that stand still, work that is over its promise."""

from __future__ import annotations

import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from channels.contract import Channel, Message
from dispatcher.load import Load, load_of, open_work, seconds_needed
from dispatcher.model import EventClass, Mode
from dispatcher.trouble import Trouble
from dispatcher.watch import Looker
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record

_SESSIONS = sql("dispatcher", "watch_sessions")
_WORK = sql("dispatcher", "watch_work")
_STUCK = sql("dispatcher", "watch_stuck")
_MESSAGES = sql("dispatcher", "watch_messages")

GRACE_SECONDS: Mapping[EventClass, float] = {
    EventClass.EVACUATION: 60.0,
    EventClass.ADVISORY: 120.0,
    EventClass.CODE: 60.0,
    EventClass.TOURISM: 3600.0,
}
"""How much later than the limits allow the last message of a dispatch may leave before it is an alarm.

A worker that dies is found out in 35 s (beat 5 s, given up after 30 s); the call it had under way is repeated after the
class's wait for proof (10 s, an advisory's 60 s); that call may take 10 s: 55 and 105 s. A code is of use for ten
minutes. Tourism is tried again after up to ten minutes, six times an hour.
"""
_SAYS_SO_ITSELF = frozenset({"lane.paused", "quota.gone", "provider.refuses", "breaker.open"})
"""Troubles by which nothing moves in a lane."""
DRILL_GRACE_SECONDS = 600.0
_CLASSES_JA = {
    EventClass.EVACUATION: "避難情報",
    EventClass.ADVISORY: "お知らせ",
    EventClass.CODE: "確認番号",
    EventClass.TOURISM: "観光案内",
}


def lookers(
    pool: Pool, channels: Mapping[str, Channel], *, stuck_seconds: float, expire_seconds: float
) -> list[Looker]:
    """Everything to look at. Without channels nobody knows their limits, and so not what is late: others do."""
    sessions = Sessions(pool, expire_seconds)
    always = [Looker("sessions", sessions.look), Looker("lanes", Lanes(pool, stuck_seconds).look)]
    return [*always, Looker("promises", Promises(pool, channels).look)] if channels else always


class Sessions:
    """What each process says of itself; and whether there is any that lives, while something waits for one."""

    def __init__(self, pool: Pool, expire_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._expire_seconds = expire_seconds
        self._clock = clock
        self._beats: dict[int, tuple[int, float]] = {}

    async def look(self) -> list[Trouble]:
        living = self._living(await self._pool.fetch(_SESSIONS))
        if living:
            return [Trouble.from_json(each) for row in living for each in json.loads(row["trouble"])]
        return [_nobody()] if await self._pool.fetchval(_WORK) else []

    def _living(self, sessions: Sequence[Record]) -> list[Record]:
        """Those whose beat changed lately, by our own clock: without a worker there is no rescuer to give them up."""
        now = self._clock()
        seen = {}
        for session in sessions:
            known = self._beats.get(session["number"])
            beat = session["beat"]
            seen[session["number"]] = known if known is not None and known[0] == beat else (beat, now)
        self._beats = seen
        return [row for row in sessions if now - seen[row["number"]][1] < self._expire_seconds]


class Lanes:
    """Lanes where something waits and nothing moves; one whose provider is left in peace says so itself."""

    def __init__(self, pool: Pool, stuck_seconds: float) -> None:
        self._pool = pool
        self._stuck_seconds = stuck_seconds

    async def look(self) -> list[Trouble]:
        rows = await self._pool.fetch(_STUCK, self._stuck_seconds)
        held_up = await self._held_up() if rows else frozenset()
        found = []
        for row in rows:
            where = f"{row['channel']}/{row['lane']}" if row["lane"] else row["channel"]
            if held_up.isdisjoint({where, row["channel"]}):
                found.append(_stuck(where, row["seconds"], row["people"]))
        return found

    async def _held_up(self) -> frozenset[str]:
        sessions = await self._pool.fetch(_SESSIONS)
        troubles = (each for row in sessions for each in json.loads(row["trouble"]))
        return frozenset(each["where"] for each in troubles if each["code"] in _SAYS_SO_ITSELF)


class Promises:
    """Dispatches of which something waits for longer than the limits, and a grace by class, explain."""

    def __init__(self, pool: Pool, channels: Mapping[str, Channel]) -> None:
        self._pool = pool
        self._channels = channels

    async def look(self) -> list[Trouble]:
        rows = await open_work(self._pool)
        load = load_of(rows, self._channels)
        late: defaultdict[tuple[EventClass, str], list[Record]] = defaultdict(list)
        for row in rows:
            if row["seconds"] is not None and await self._is_late(row, load):
                late[EventClass(row["class"]), row["channel"]].append(row)
        return [_late(event_class, channel, those) for (event_class, channel), those in late.items()]

    async def _is_late(self, row: Record, load: Load) -> bool:
        if row["channel"] and row["channel"] not in self._channels:
            return False
        over: float = row["seconds"] - grace(EventClass(row["class"]), Mode(row["mode"]))
        needed = self._needed(row, load)
        if over <= needed:
            return False
        return over > needed * await self._cost(row)

    def _needed(self, row: Record, load: Load) -> float:
        """Seconds that the limits need for this and all that goes before it, if every call cost one token."""
        if not row["channel"]:
            return 0.0
        return seconds_needed(self._channels[row["channel"]].lane(row["lane"]).limits, load, row["priority"])

    async def _cost(self, row: Record) -> int:
        """Tokens of the dearest of its messages: SMS are counted by segments."""
        if not row["channel"]:
            return 1
        channel = self._channels[row["channel"]]
        texts = await self._pool.fetch(_MESSAGES, row["id"], row["channel"])
        return max(
            (channel.cost(Message(text["language"], text["subject"], text["body"])) for text in texts), default=1
        )


def grace(event_class: EventClass, mode: Mode) -> float:
    """Seconds beyond what the limits need."""
    return DRILL_GRACE_SECONDS if mode is Mode.DRILL else GRACE_SECONDS[event_class]


def _nobody() -> Trouble:
    return Trouble(
        "worker.none",
        "",
        "送るものがあるのに、動いている worker がありません。`todoke worker` か `todoke serve` を起動してください。",
        "Something waits to be sent and no worker is alive. Start `todoke worker` or `todoke serve`.",
    )


def _stuck(where: str, seconds: float, people: int) -> Trouble:
    return Trouble(
        "lane.stuck",
        where,
        f"{people} 人への送信が {seconds:.0f} 秒間進んでいません。worker のログと事業者の状況を確かめ、"
        "ほかの手段での送信を検討してください。",
        f"Messages for {people} people have not moved for {seconds:.0f} seconds. See the workers' logs and the "
        "provider, and consider another channel.",
    )


def _late(event_class: EventClass, channel: str, rows: Sequence[Record]) -> Trouble:
    names = ", ".join(sorted({row["id"] for row in rows}))
    people = sum(row["waiting"] for row in rows)
    seconds = max(row["seconds"] for row in rows)
    what_ja = f"まだ {people} 人に送れていません" if channel else "まだ準備が始まっていません"
    what_en = f"{people} people still wait" if channel else "its planning has not begun"
    return Trouble(
        f"late.{event_class}",
        channel,
        f"{_CLASSES_JA[event_class]}の配信 {names} が遅れています。承認から {seconds:.0f} 秒たちましたが、{what_ja}。"
        "`todoke status` で状況を確かめ、ほかの手段での周知を検討してください。",
        f"Dispatch {names} ({event_class}) is late: {seconds:.0f} seconds after its approval {what_en}. "
        "See `todoke status`, and consider other ways to tell people.",
    )
