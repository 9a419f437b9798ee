"""The floor: COPY of one row per recipient into a table with a primary key and an index by subscriber."""

from __future__ import annotations

from time import monotonic

from asyncpg import Pool

from bench.people import Numbers
from words.sql import sql

_MAKE = sql("bench", "make_floor")
_COLUMNS = ["number", "subscriber", "outcome"]


async def copy_rows(pool: Pool, numbers: Numbers) -> tuple[float, float]:
    """Seconds until all rows are committed, and bytes of write-ahead log a row."""
    await pool.execute(_MAKE)
    await pool.execute("checkpoint")
    rows = [(number, subscriber, 40) for number, subscriber in enumerate(numbers.tolist())]
    before = await wal(pool)
    began = monotonic()
    await pool.copy_records_to_table("floor", records=rows, columns=_COLUMNS)
    seconds = monotonic() - began
    return seconds, (await wal(pool) - before) / len(rows)


async def wal(pool: Pool) -> int:
    """Bytes of write-ahead log written so far."""
    return int(await pool.fetchval("select pg_current_wal_lsn() - '0/0'::pg_lsn"))
