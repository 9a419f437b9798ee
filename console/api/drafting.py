"""What a program writes: a draft that people submit and approve, refused whole while anything is wrong with it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from asyncpg import Pool

from console.api import keys, problems
from console.api.keys import Key
from console.api.shown import order_json, problem_json
from console.orders import approving, book, submitting
from console.orders import problems as orders
from console.orders.checks import check
from console.orders.content import content_hash, event_of
from console.orders.desk import Desk
from console.orders.model import Author, Connection, Order, State
from dispatcher.digest import canonical
from dispatcher.model import Mode
from words.problem import Refused
from words.sql import sql

ANSWERS_KEPT_DAYS = 30
_TOKEN = re.compile(r"[\x21-\x7e]{1,255}")
_FORGET_ANSWERS = sql("console.api", "forget_answers")
_BEGIN_ANSWER = sql("console.api", "begin_answer")
_FIND_ANSWER = sql("console.api", "find_answer")
_KEEP_ANSWER = sql("console.api", "keep_answer")
Answer = dict[str, Any]


async def draft(
    desk: Desk, key: Key, document: Mapping[str, Any], *, token: str, start_at: datetime | None = None
) -> Answer:
    """The order as JSON, with what is better said besides (`advice`); asked again with the same `token`, the same.

    Raises Refused: no token, the same one for something else, a class that is not this key's, or anything that would
    keep the order from being submitted.
    """
    if not _TOKEN.fullmatch(token):
        raise Refused(problems.no_token())
    asked = _asked(document, start_at)
    known = await _answered(desk.pool, key, token, asked)
    if known is not None:
        return known
    key.check(*book.roles_for(document))
    checks = await check(desk, document, start_at=start_at)
    if checks.problems:
        raise Refused(checks.problems)
    async with desk.pool.acquire() as connection, connection.transaction():
        await keys.hold(connection, key)
        await connection.execute(_FORGET_ANSWERS, ANSWERS_KEPT_DAYS)
        if await connection.fetchval(_BEGIN_ANSWER, key.id, token, asked) is not None:
            ahead = desk.rules.drill_ahead_seconds
            number = await book.add(connection, Author(key=key.name), document, start_at=start_at, rules_ahead=ahead)
            advice = [problem_json(each) for each in checks.advice]
            answer = {**order_json(await book.read(connection, number)), "advice": advice}
            await connection.execute(_KEEP_ANSWER, key.id, token, json.dumps(answer, ensure_ascii=False))
            return answer
    known = await _answered(desk.pool, key, token, asked)
    if known is None:
        raise LookupError("an answer that was being made is gone")
    return known


async def send_drill(desk: Desk, key: Key, number: int, *, typed: int | None) -> Order:
    """Submit and approve a drill of this key's own; the seconds begin to run. Once it goes, asking again changes nothing.

    Raises Refused: no such right, not a drill, not this key's, or whatever keeps it from being submitted or approved.
    """
    if not key.sends_drills:
        raise Refused(problems.no_drills())
    order, author = await book.read(desk.pool, number), Author(key=key.name)
    if order.mode is not Mode.DRILL:
        raise Refused(orders.only_drills("/mode"))
    if order.version.author != author:
        raise Refused(problems.not_yours())
    if order.state is State.DRAFT:
        seen = content_hash(await event_of(desk, order), order.start_at)
        order = await submitting.submit(desk, number, author, hash=seen, typed=typed)
    if order.hash is None:
        raise Refused(orders.wrong_state(order.state))
    return await approving.approve_drill(desk, number, key.name, hash=order.hash)


async def _answered(database: Pool | Connection, key: Key, token: str, asked: bytes) -> Answer | None:
    """What this was answered before. Raises Refused when `token` was given for something else."""
    row = await database.fetchrow(_FIND_ANSWER, key.id, token)
    if row is None:
        return None
    if row["asked"] != asked:
        raise Refused(problems.other_body())
    answer: Answer = json.loads(row["answer"])
    return answer


def _asked(document: Mapping[str, Any], start_at: datetime | None) -> bytes:
    whole = {"document": dict(document), "start_at": start_at.timestamp() if start_at else None}
    return hashlib.sha256(canonical(whole)).digest()
