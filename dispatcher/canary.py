"""The canary: a message of the town to itself, every few minutes, through each channel to its end.

In 2022 LINE answered 200 twice and sent nothing, for 20 minutes and for an hour; in 2016–17 nobody noticed for three
months that no area mail left at all. What looks well from inside says nothing. So a canary is a real message: a
dispatch with one batch, claimed, limited, called and recorded like any other, to a recipient the settings name and no
list of residents knows.

It is a drill by its words, and of the class `code`, the one that is never sent twice. It stands behind live warnings
and before drills and campaigns: it delays no warning, and no campaign hides it. When warnings take the channel for
themselves until its deadline it was passed over, not missed.

Whether it came back is decided by its proof: that the provider accepted it; a receipt (SMS: the status callback; LINE
gives none to anybody, but counts what it has sent, and the count must have risen since before); or an answer, its link
opened by whoever received it. Missing means a certain failure or no proof by the deadline.

One process of a fleet sends each, as its duty (dispatcher/watch.py); when that one dies, the next is another's.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from zlib import crc32

import structlog

from channels.contract import Channel, Metered
from dispatcher import metrics
from dispatcher import outcomes as states
from dispatcher.audience import AddressBook
from dispatcher.digest import digest
from dispatcher.dispatches import new_name
from dispatcher.drafting import Town
from dispatcher.model import Outcome
from dispatcher.trouble import Trouble
from dispatcher.watch import take_duty
from words.phrases import DRILL_MARKS
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_TAKE = sql("dispatcher", "duty_take")
_DUE = sql("dispatcher", "canary_due")
_EVENT = sql("dispatcher", "canary_event")
_DISPATCH = sql("dispatcher", "canary_dispatch")
_MESSAGE = sql("dispatcher", "canary_message")
_BATCH = sql("dispatcher", "canary_batch")
_INSERT = sql("dispatcher", "canary_insert")
_OPEN = sql("dispatcher", "canary_open")
_BUSY = sql("dispatcher", "canary_busy")
_CAME_BACK = sql("dispatcher", "canary_came_back")
_MISSED = sql("dispatcher", "canary_missed")
_PASSED_OVER = sql("dispatcher", "canary_passed_over")
_ANSWER = sql("dispatcher", "canary_answer")
_MISSING = sql("dispatcher", "canary_missing")
_LIST = sql("dispatcher", "canary_list")
_FORGET = sql("dispatcher", "canary_forget")
_RING = sql("dispatcher", "ring")

PRIORITY = 2
"""With the codes: behind live evacuations and advisories, before drills and tourism."""
KEPT_DAYS = 7
_FORGET_EVERY = 3600.0
_TOKEN_BYTES = 16
_FAR = "2100-01-01T00:00:00+00:00"
"""Until when the canaries' event holds: each dispatch of it ends at its own deadline."""
_CERTAINLY_NOT = frozenset({Outcome.SUPPRESSED, Outcome.UNDELIVERED, Outcome.REJECTED})

Proof = Literal["accepted", "receipt", "answer"]
Link = Callable[[str], str]
"""The address that answers a canary, for its token."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Nest:
    """Where a channel's canary flies to: times in seconds, `deadline` below `every`. The address is shown nowhere."""

    channel: str
    contact: str
    address: str
    lane: str
    proof: Proof
    every: float
    deadline: float

    @property
    def member(self) -> int:
        """Its number in a batch. No subscriber's is negative; every process finds the same."""
        return -1 - crc32(self.channel.encode())

    @property
    def duty(self) -> str:
        return f"canary/{self.channel}"

    def __repr__(self) -> str:
        return f"Nest({self.channel!r})"


class CanaryBook:
    """An address book that also knows the nests."""

    def __init__(self, book: AddressBook, nests: Sequence[Nest]) -> None:
        self._book = book
        self._nests = {nest.member: nest.address for nest in nests}

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:
        if len(subscribers) == 1 and subscribers[0] < 0:
            return [self._nests.get(subscribers[0])]
        return await self._book.addresses(kind, subscribers, also_left=also_left)


class Canary:
    """`tick` is called every second or two. `link` is None where nobody can answer."""

    def __init__(
        self,
        pool: Pool,
        channels: Mapping[str, Channel],
        nests: Sequence[Nest],
        *,
        town: Town,
        link: Link | None,
    ) -> None:
        self._pool = pool
        self._channels = channels
        self._nests = {nest.channel: nest for nest in nests}
        self._town = town
        self._link = link

    async def tick(self) -> None:
        for row in await self._pool.fetch(_OPEN, list(self._nests)):
            await self._judge(row)
        for nest in self._nests.values():
            if await self._pool.fetchval(_DUE, nest.duty, nest.every):
                await self._send(nest)
        if await take_duty(self._pool, "canary/forget", _FORGET_EVERY):
            await self._pool.execute(_FORGET, KEPT_DAYS)

    # -- sending ---------------------------------------------------------------------------------

    async def _send(self, nest: Nest) -> None:
        counted = await self._counted(nest.channel)
        async with self._pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_TAKE, nest.duty, nest.every) is None:
                return
            name = new_name(await connection.fetchval("select now()"))
            await self._write(connection, nest, name, counted)
            await connection.execute(_RING, "due")
        metrics.CANARIES.labels(nest.channel, "sent").inc()
        log.info("canary_sent", dispatch=name, channel=nest.channel)

    async def _write(self, connection: Connection, nest: Nest, name: str, counted: int | None) -> None:
        answer = secrets.token_urlsafe(_TOKEN_BYTES)
        now: datetime = await connection.fetchval("select now()")
        document = self._document(nest)
        words = digest(document)
        event = await connection.fetchval(_EVENT, document["id"], json.dumps(document, ensure_ascii=False), words)
        await connection.execute(_DISPATCH, name, event, PRIORITY, words, nest.deadline)
        text = f"{document['texts']['ja']['body']} {now.astimezone(self._town.timezone):%H:%M:%S}"
        if nest.proof == "answer" and self._link is not None:
            text += f" {self._link(f'{name}.{answer}')}"
        await connection.execute(_MESSAGE, name, nest.channel, document["texts"]["ja"]["subject"], text)
        await connection.execute(_BATCH, name, nest.channel, nest.lane, PRIORITY, nest.member)
        await connection.execute(_INSERT, name, nest.channel, nest.proof, answer, counted, nest.deadline, nest.every)

    def _document(self, nest: Nest) -> dict[str, Any]:
        """The event, as `Event.restore` takes it."""
        subject = f"{DRILL_MARKS['ja']}配信の確認"
        body = f"{subject} 対応は不要です。{self._town.name}"
        return {
            "id": nest.duty,
            "class": "code",
            "mode": "drill",
            "issuer": self._town.name,
            "area_name": {},
            "texts": {"ja": {"subject": subject, "body": body}},
            "channels": [nest.channel],
            "delivery": "all",
            "valid_until": _FAR,
        }

    # -- judging ---------------------------------------------------------------------------------

    async def _judge(self, row: Record) -> None:
        outcome = Outcome(states.refined(row["outcomes"], row["proofs"])[0])
        if await self._is_proven(row, outcome):
            await self._pool.execute(_CAME_BACK, row["dispatch"])
            metrics.CANARIES.labels(row["channel"], "came_back").inc()
            metrics.CANARY_BACK.labels(row["channel"]).set_to_current_time()
        elif outcome is Outcome.CANCELLED:
            await self._pass_over(row)
        elif not row["missed"] and (row["overdue"] or outcome in _CERTAINLY_NOT):
            await self._miss(row, outcome)

    async def _miss(self, row: Record, outcome: Outcome) -> None:
        if not row["called"] and await self._pool.fetchval(_BUSY, row["channel"], row["sent_at"], PRIORITY):
            await self._pass_over(row)
        elif await self._pool.fetchval(_MISSED, row["dispatch"]) is not None:
            metrics.CANARIES.labels(row["channel"], "missed").inc()
            log.error("canary_missed", dispatch=row["dispatch"], channel=row["channel"], outcome=outcome.name.lower())

    async def _pass_over(self, row: Record) -> None:
        await self._pool.execute(_PASSED_OVER, row["dispatch"])
        metrics.CANARIES.labels(row["channel"], "passed_over").inc()

    async def _is_proven(self, row: Record, outcome: Outcome) -> bool:
        match row["proof"]:
            case "answer":
                return bool(row["answered"])
            case "receipt" if isinstance(self._channels.get(row["channel"]), Metered):
                return outcome is Outcome.ACCEPTED and await self._has_risen(row)
            case "receipt":
                return outcome is Outcome.DELIVERED
        return outcome in {Outcome.ACCEPTED, Outcome.DELIVERED}

    async def _has_risen(self, row: Record) -> bool:
        """Whether the provider has counted more than before. Less than before: a month has begun, and counts anew.

        Where it did not say what it had counted before, acceptance has to do, this once.
        """
        if row["counted"] is None:
            log.warning("canary_not_counted", dispatch=row["dispatch"], channel=row["channel"])
            return True
        now = await self._counted(row["channel"])
        return now is not None and (now > row["counted"] or 0 < now < row["counted"])

    async def _counted(self, channel: str) -> int | None:
        nest, metered = self._nests[channel], self._channels.get(channel)
        if nest.proof != "receipt" or not isinstance(metered, Metered):
            return None
        return await metered.counted()


async def answered(pool: Pool, token: str) -> bool:
    """Whoever received a canary opened its link. False when there is no such canary."""
    dispatch, _, answer = token.partition(".")
    return await pool.fetchval(_ANSWER, dispatch, answer) is not None


async def missing(pool: Pool) -> list[Trouble]:
    """The channels whose last canary did not come back; for the watch, also of a process that sends none."""
    return [_missing(row["channel"], row["proof"]) for row in await pool.fetch(_MISSING)]


async def latest(pool: Pool) -> list[dict[str, Any]]:
    """The last canary of each channel: `result` is waited_for, came_back, late, missed or passed_over."""
    return [
        {
            "channel": row["channel"],
            "proof": row["proof"],
            "sent_at": row["sent_at"].isoformat(),
            "result": _result(row),
            "seconds": round((row["came_back_at"] - row["sent_at"]).total_seconds(), 1)
            if row["came_back_at"]
            else None,
        }
        for row in await pool.fetch(_LIST)
    ]


def _result(row: Record) -> str:
    if row["came_back_at"] is not None:
        return "late" if row["missed_at"] is not None else "came_back"
    if row["missed_at"] is not None:
        return "missed"
    return "passed_over" if row["passed_over_at"] is not None else "waited_for"


_PROOFS = {
    "accepted": ("事業者の受付", "the provider's acceptance"),
    "receipt": ("到達の確認", "a receipt"),
    "answer": ("受信側の応答", "an answer"),
}


def _missing(channel: str, proof: str) -> Trouble:
    ja, en = _PROOFS[proof]
    return Trouble(
        "canary.missing",
        channel,
        f"配信の確認(カナリア)が期限までに戻りません({ja}なし)。送信済みと表示された配信も届いていないおそれがあります。"
        "事業者の障害情報と試験用端末を確かめ、届いていなければほかの手段で送ってください。",
        f"The canary did not come back in time: {en} is missing. What counts as sent may not have arrived either. "
        "See the provider's status page and the test device, and send by other channels if nothing arrives.",
    )
