"""Approving: several at once, twice, and of something else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

import pytest
from asyncpg import Pool

from dispatcher.dispatches import create
from tests.dispatcher.engine_room import OFFICERS, order
from words.problem import Refused


def codes(ended: Sequence[str | BaseException]) -> list[str]:
    return [problem.code for each in ended if isinstance(each, Refused) for problem in each.problems]


def dispatched(ended: Sequence[str | BaseException]) -> set[str]:
    return {each for each in ended if isinstance(each, str)}


async def test_of_officers_who_approve_at_once_one_does_and_the_others_learn_of_it(pool: Pool) -> None:
    event = order()
    ended = await asyncio.gather(*(create(pool, event, OFFICERS) for _ in range(6)), return_exceptions=True)
    (first,) = dispatched(ended)
    assert codes(ended) == ["send.repeated"] * 5
    assert [row["id"] for row in await pool.fetch("select id from dispatch")] == [first]


async def test_a_request_that_is_repeated_at_once_is_one_dispatch_for_all(pool: Pool) -> None:
    event, wish = order(), replace(OFFICERS, request="console-17")
    ended = await asyncio.gather(*(create(pool, event, wish, again=True) for _ in range(6)))
    assert len(dispatched(ended)) == 1
    assert await pool.fetchval("select count(*) from dispatch") == 1


async def test_one_request_for_two_events_is_one_of_them(pool: Pool) -> None:
    wish = replace(OFFICERS, request="console-17")
    events = [order(id="flood-1"), order(id="flood-2", level=5)]
    ended = await asyncio.gather(*(create(pool, event, wish) for event in events), return_exceptions=True)
    assert codes(ended) == ["send.request_reused"]
    assert await pool.fetchval("select count(*) from dispatch") == 1


@pytest.mark.parametrize("seen", ["", "0", "f" * 64])
async def test_a_digest_that_is_too_short_or_anothers_approves_nothing(pool: Pool, seen: str) -> None:
    with pytest.raises(Refused) as refused:
        await create(pool, order(), replace(OFFICERS, digest=seen))
    assert codes([refused.value]) == ["content_changed"]
    assert "Nothing was sent." in refused.value.say("en")[0]
    assert await pool.fetchval("select count(*) from dispatch") == 0


async def test_the_digest_that_was_looked_at_approves(pool: Pool) -> None:
    event = order()
    for again, seen in enumerate((event.digest, event.digest[:12], f" {event.digest[:16].upper()} ")):
        await create(pool, event, replace(OFFICERS, digest=seen), again=again > 0)
    assert await pool.fetchval("select count(*) from dispatch") == 3


async def test_a_request_has_a_name(pool: Pool) -> None:
    with pytest.raises(Refused) as refused:
        await create(pool, order(), replace(OFFICERS, request=" "))
    assert refused.value.say("en")[0].startswith("request: A name has up to 100 characters")
