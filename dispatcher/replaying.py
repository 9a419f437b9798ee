"""Replaying: sending a dispatch again to those whom it certainly did not reach, once its trouble is mended.

Whom: those who were quarantined, for nothing of theirs left; and those whom a provider refused, where that refusal, and
nothing but attempts that certainly did not go before it, is all that was ever heard. Whoever was once in doubt may have
it already and is left alone, and so is everybody with a receipt: an undelivered message may still arrive.

How: in one transaction each of them is moved into a batch of their own part's, as after a call that was refused whole.
It has a key of its own: of the one before no provider took anything. From then on it is like any other batch.

It is an approval: two persons for what is live, for the content that was approved before (its digest is compared), and
for the number they were shown. Nothing of it outlasts the dispatch: what is over, stopped, held, or followed by a newer
word is not sent again.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog

from dispatcher import outcomes as states
from dispatcher.dispatches import unknown_dispatch
from dispatcher.model import DispatchState, Outcome
from dispatcher.releasing import stored_event
from dispatcher.signing import Signatures, check_signatures
from words.problem import Problem, Refused
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Connection = PoolConnectionProxy[Record]

_LOCK = sql("dispatcher", "replay_lock")
_BATCHES = sql("dispatcher", "replay_batches")
_ATTEMPTS = sql("dispatcher", "replay_attempts")
_MOVE = sql("dispatcher", "replay_move")
_INSERT = sql("dispatcher", "replay_insert")
_INSERT_PART = sql("dispatcher", "batch_insert_part")
_REOPEN = sql("dispatcher", "replay_reopen")
_RING = sql("dispatcher", "ring")

_SENT = frozenset({DispatchState.SENDING, DispatchState.DRAINED})
QUARANTINED = "quarantined"
"""The reason of those whom no provider was asked for."""
NO_CODE = "-"
"""The reason of a refusal without a code."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of them: only these channels and reasons, all where none is named."""

    channels: frozenset[str] = frozenset()
    reasons: frozenset[str] = frozenset()

    def takes(self, channel: str, reason: str) -> bool:
        return (not self.channels or channel in self.channels) and (not self.reasons or reason in self.reasons)


@dataclass(frozen=True, slots=True)
class Missed:
    """Whom it certainly did not reach. `messages`: by channel and reason; `people` may be on several channels."""

    people: int
    messages: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class _Part:
    """Members of one batch, by position, each with the reason."""

    number: int
    channel: str
    outcomes: bytes
    members: Sequence[int]
    reasons: Mapping[int, str]


async def missed(pool: Pool, dispatch: str, choice: Choice = Choice()) -> Missed:
    """Whom it could be sent to again now. Raises Refused where nothing of it may be."""
    async with pool.acquire() as connection, connection.transaction():
        return _told(await _parts(connection, dispatch, choice))


async def replay(
    pool: Pool, dispatch: str, signatures: Signatures, *, people: int, choice: Choice = Choice()
) -> Missed:
    """Send it again to `people` of whom the signers were told. One transaction: all of them, or nobody.

    Raises Refused: no such dispatch, one that may not be sent (any more), signatures that do not do for it, nobody to
    send to, or others than so many.
    """
    check_signatures(await stored_event(pool, dispatch), signatures)
    async with pool.acquire() as connection, connection.transaction():
        parts = await _parts(connection, dispatch, choice)
        found = _told(parts)
        if not found.people:
            raise Refused(_nobody(dispatch))
        if found.people != people:
            raise Refused(_others(people, found.people))
        await _write(connection, dispatch, parts)
        names = signatures.requested_by.strip(), signatures.approved_by.strip()
        await connection.execute(_INSERT, dispatch, *names, people, json.dumps(found.messages))
        await connection.execute(_RING, "due")
    log.warning("dispatch_replayed", dispatch=dispatch, people=people)
    return found


# -- whom ----------------------------------------------------------------------------------------


async def _parts(connection: Connection, dispatch: str, choice: Choice) -> list[_Part]:
    row = await connection.fetchrow(_LOCK, dispatch)
    _check(dispatch, row)
    stopped = frozenset(row["stopped_channels"] if row is not None else ())
    batches = [each for each in await connection.fetch(_BATCHES, dispatch) if each["channel"] not in stopped]
    tries = await _tries(connection, dispatch, batches)
    parts = (_part(batch, tries[batch["number"]], choice) for batch in batches)
    return [part for part in parts if part.reasons]


async def _tries(connection: Connection, dispatch: str, batches: Sequence[Record]) -> defaultdict[int, list[Record]]:
    found: defaultdict[int, list[Record]] = defaultdict(list)
    for row in await connection.fetch(_ATTEMPTS, dispatch, [batch["number"] for batch in batches]):
        found[row["batch"]].append(row)
    return found


def _part(batch: Record, tries: Sequence[Record], choice: Choice) -> _Part:
    members = batch["members"]
    heard = _heard(tries, len(members))
    proofs = batch["proofs"] or bytes(len(members))
    reasons = {}
    for position, outcome in enumerate(batch["outcomes"]):
        reason = _reason(outcome, heard[position]) if not proofs[position] else None
        if reason is not None and choice.takes(batch["channel"], reason):
            reasons[position] = reason
    return _Part(batch["number"], batch["channel"], batch["outcomes"], members, reasons)


_Heard = list[tuple[int, int, str]]
"""Of one member: the attempt, what came of its call, and the provider's code."""


def _heard(tries: Iterable[Record], size: int) -> list[_Heard]:
    """What was heard of each member; a row names each call's member, or those of the only call, or nobody: all."""
    heard: list[_Heard] = [[] for _ in range(size)]
    for row in tries:
        positions = row["positions"] or range(size)
        alone = len(row["outcomes"]) == 1
        for turn, position in enumerate(positions):
            call = 0 if alone else turn
            heard[position].append(
                (row["attempt"], row["outcomes"][call], row["codes"][min(call, len(row["codes"]) - 1)])
            )
    return heard


def _reason(outcome: int, heard: _Heard) -> str | None:
    """Why it certainly did not go; None for whoever may have it, or of whom something else is true."""
    if outcome == Outcome.QUARANTINED:
        return QUARANTINED
    if outcome != Outcome.REJECTED or not heard:
        return None
    *before, (_, last, code) = heard
    every_attempt = [attempt for attempt, _, _ in heard] == list(range(1, len(heard) + 1))
    certain = every_attempt and last == Outcome.REJECTED and all(each == Outcome.RETRY for _, each, _ in before)
    return (code or NO_CODE) if certain else None


def _told(parts: Iterable[_Part]) -> Missed:
    people: set[int] = set()
    messages: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for part in parts:
        people.update(part.members[position] for position in part.reasons)
        messages[part.channel].update(part.reasons.values())
    return Missed(len(people), {channel: dict(found.most_common()) for channel, found in sorted(messages.items())})


# -- again ---------------------------------------------------------------------------------------


async def _write(connection: Connection, dispatch: str, parts: Sequence[_Part]) -> None:
    first: int = await connection.fetchval(_REOPEN, dispatch, len(parts))
    for number, part in enumerate(parts, first):
        positions = sorted(part.reasons)
        moved = states.marked(part.outcomes, positions, Outcome.MOVED)
        await connection.execute(_MOVE, dispatch, part.number, moved)
        places = [position + 1 for position in positions]
        name = dispatch, part.number, number
        await connection.execute(_INSERT_PART, *name, uuid4(), places, bytes(len(positions)))


def _check(dispatch: str, row: Any) -> None:
    if row is None:
        raise Refused(unknown_dispatch(dispatch))
    if row["aged"]:
        raise Refused(_aged(dispatch))
    if row["state"] not in _SENT:
        raise Refused(_wrong_state(dispatch, row["state"]))
    if not row["valid"]:
        raise Refused(_over(dispatch))
    if row["followed"] or row["newer"]:
        raise Refused(_followed(dispatch))


def _wrong_state(dispatch: str, state: str) -> Problem:
    return Problem(
        "again.state",
        "",
        f"配信「{dispatch}」は送信中でも送信済みでもない({state})ため、送り直せません。todoke status {dispatch} で確かめてください。",
        f"Dispatch '{dispatch}' is neither being sent nor sent ({state}), so it cannot be sent again. See todoke status {dispatch}.",
    )


def _over(dispatch: str) -> Problem:
    return Problem(
        "again.expired",
        "",
        f"配信「{dispatch}」は有効期限を過ぎました。今の状況に合わせて新しく発信してください。",
        f"Dispatch '{dispatch}' is past its time. Send a new one that fits how things are now.",
    )


def _followed(dispatch: str) -> Problem:
    return Problem(
        "again.followed",
        "",
        f"配信「{dispatch}」には、より新しい発信(更新、訂正、解除、再送)があります。古い内容は送り直せません。",
        f"There is a newer word after dispatch '{dispatch}' (an update, correction, lift, or another send): "
        "what it said is not sent again.",
    )


def _aged(dispatch: str) -> Problem:
    return Problem(
        "again.aged",
        "",
        f"配信「{dispatch}」の明細は保存期間を過ぎて消されました。",
        f"The details of dispatch '{dispatch}' are gone: they were kept for their time.",
    )


def _nobody(dispatch: str) -> Problem:
    return Problem(
        "again.nobody",
        "",
        f"配信「{dispatch}」には、届いていないことが確かな人がいません(指定した経路と理由のなかで)。",
        f"There is nobody whom dispatch '{dispatch}' certainly did not reach (by these channels and for these reasons).",
    )


def _others(told: int, found: int) -> Problem:
    return Problem(
        "again.count_changed",
        "",
        f"送り直す相手は {told:,} 人でしたが、いまは {found:,} 人です。もう一度確かめてください。",
        f"It was {told:,} people who were to get it again; now it is {found:,}. Look once more.",
    )
