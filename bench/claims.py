"""Claims side by side on many connections, and how PostgreSQL finds what they claim."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from time import monotonic
from typing import Any

import asyncpg
from asyncpg import Pool

from bench.reporting import percentile
from bench.town import Town, order
from bench.working import approve
from words.sql import sql

CONNECTIONS, DUE, LONGEST_WAIT = 16, 4_000, "1ms"
"""A claim that waits longer than this for a lock is ended by PostgreSQL, and counted."""

_CLAIM = sql("dispatcher", "batch_claim")
_OLD = sql("bench", "add_old_batches")
_DUE = sql("bench", "add_due_batches")
_FULL = sql("bench", "list_full_years")
_SESSION = {"lock_timeout": LONGEST_WAIT, "plan_cache_mode": "force_generic_plan"}
_LANE = "line", 0, ""
_EXTENDING = "extending the file"
"""A wait that names no row is for the lock under which a table grows by a page: it is the disk that is waited for."""


async def old_batches(pool: Pool, number: int) -> None:
    """Done batches of a dispatch that ended."""
    ended, _ = await approve(pool, order())
    await pool.execute(
        "update dispatch set state = 'drained', planned_at = now(), ended_at = now() where id = $1", ended
    )
    await pool.execute(_OLD, ended, number, timeout=3_600)


async def due_batches(pool: Pool) -> None:
    """`DUE` batches of a dispatch that is being sent."""
    due, _ = await approve(pool, order())
    await pool.execute("update dispatch set state = 'sending', planned_at = now() where id = $1", due)
    await pool.execute(_DUE, due, DUE)


async def scans_of_batch(pool: Pool) -> list[str]:
    """By which scans a claim finds batches in the tables that hold any, and what it sorts: as it is planned, once a
    connection, for all claims."""
    async with pool.acquire() as connection:
        full = {row["part"] for row in await connection.fetch(_FULL)}
        await connection.execute(f"prepare claim (text, smallint, text, bigint, bigint) as {_CLAIM}")
        text = await connection.fetchval("explain (format json) execute claim ('line', 0, '', 1, 8)")
        await connection.execute("deallocate claim")
    return list(dict.fromkeys(_scans(json.loads(text)[0]["Plan"], full)))


def _scans(node: dict[str, Any], full: set[str]) -> Iterator[str]:
    kind = node["Node Type"]
    if node.get("Relation Name") in full and "Scan" in kind:
        yield f"{kind} on {node.get('Index Name', node['Relation Name'])}"
    elif kind == "Sort":
        yield kind
    for child in node.get("Plans", []):
        yield from _scans(child, full)


async def claims_side_by_side(pool: Pool, town: Town) -> dict[str, Any]:
    """Claim every due batch over 16 connections at once."""
    seconds: list[float] = []
    blocked: Counter[str] = Counter()

    async def claim_all(session: int) -> None:
        connection = await asyncpg.connect(town.dsn, server_settings=_SESSION)
        try:
            while True:
                began = monotonic()
                try:
                    rows = await connection.fetch(_CLAIM, *_LANE, session, 1)
                except asyncpg.LockNotAvailableError as waited:
                    blocked[str(waited.context or _EXTENDING)] += 1
                    continue
                seconds.append(monotonic() - began)
                if not rows:
                    return
        finally:
            await connection.close()

    await asyncio.gather(*(claim_all(session) for session in range(1, CONNECTIONS + 1)))
    twice = await pool.fetchval("select count(*) from batch where attempt > 1")
    return {
        "connections": CONNECTIONS,
        "claims": len(seconds),
        "claimed_twice": twice,
        "unclaimed": await pool.fetchval("select count(*) from batch where state = 'due'"),
        "blocked": sum(number for reason, number in blocked.items() if reason != _EXTENDING),
        "waited_for_disk": blocked[_EXTENDING],
        "p50_ms": round(percentile(seconds, 50) * 1000, 2),
        "p99_ms": round(percentile(seconds, 99) * 1000, 2),
    }
