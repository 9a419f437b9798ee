"""The binary COPY format, held against PostgreSQL itself."""

import io
from uuid import UUID

import numpy as np
from asyncpg import Pool

from dispatcher import binary


async def test_postgresql_reads_back_what_was_written(pool: Pool) -> None:
    key = UUID(int=7)
    row = [
        binary.text("花"), binary.smallint(-3), binary.integer(70_000), binary.uuid(key),
        binary.integers(np.array([1, -2], np.int32)), binary.integers(np.array([2**40, 5], np.int64)), b"\x00\xff",
    ]  # fmt: skip
    async with pool.acquire() as connection:
        await connection.execute(
            "create temp table t (a text, b smallint, c integer, d uuid, e integer[], f bigint[], g bytea)"
        )
        await connection.copy_to_table("t", source=io.BytesIO(binary.copy_file([row, row])), format="binary")
        rows = await connection.fetch("select * from t")
        assert binary.bigints(await connection.fetchval("select array_send(f) from t limit 1")).tolist() == [2**40, 5]
        assert len(binary.bigints(await connection.fetchval("select array_send('{}'::bigint[])"))) == 0
    assert [tuple(each) for each in rows] == [("花", -3, 70_000, key, [1, -2], [2**40, 5], b"\x00\xff")] * 2
