"""The record: only ever added to, and whatever is done to it behind its back shows."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from console import audit
from console.audit.chain import START, link
from console.audit.heads import HeadKeeper, Seal, read_heads
from console.audit.verifying import verify
from subscribers.vault import Vault
from tests.console.office import VAULT
from words.problem import Refused

SEAL = Seal(VAULT)
BEHIND = "set session_replication_role = replica"
"""As whoever rules the database would: triggers do not see it."""


async def add(pool: asyncpg.Pool, rows: int) -> None:
    async with pool.acquire() as connection:
        for number in range(rows):
            async with connection.transaction():
                await audit.record(
                    connection, actor=None, action="order.approved", subject=f"order:{number}", details={"区": "川辺"}
                )


async def tamper(pool: asyncpg.Pool, *statements: str) -> None:
    async with pool.acquire() as connection:
        await connection.execute(BEHIND)
        for statement in statements:
            await connection.execute(statement)
        await connection.execute("reset session_replication_role")


async def rebuild(pool: asyncpg.Pool) -> None:
    """Make the whole chain fit again, as somebody would who knows how."""
    prior = START
    rows = await pool.fetch("select *, (extract(epoch from at) * 1000000)::bigint as us from audit order by seq")
    for row in rows:
        prior = link(prior, row["seq"], row["us"], row["actor"], row["action"], row["subject"], row["details"])
        await tamper(pool, f"update audit set hash = '\\x{prior.hex()}' where seq = {row['seq']}")  # noqa: S608
    await pool.execute("update audit_head set seq = $1, hash = $2", len(rows), prior)


async def test_what_was_written_verifies(pool: asyncpg.Pool) -> None:
    await add(pool, 5)
    found = await verify(pool, [])
    assert (found.rows, found.problem) == (5, None)
    assert found.hash == await pool.fetchval("select hash from audit where seq = 5")


async def test_an_empty_record_verifies(pool: asyncpg.Pool) -> None:
    assert (await verify(pool, [])).problem is None


@pytest.mark.parametrize("seq", [1, 3, 5])
@pytest.mark.parametrize(
    "edit",
    [
        "at = at + interval '1 microsecond'",
        "actor = 1",
        "action = 'order.refused'",
        "subject = 'order:99'",
        "details = '{}'",
        "hash = decode(repeat('ab', 32), 'hex')",
    ],
)
async def test_the_edit_of_any_part_of_any_row_is_found(pool: asyncpg.Pool, edit: str, seq: int) -> None:
    await add(pool, 5)
    await tamper(pool, f"update audit set {edit} where seq = {seq}")  # noqa: S608
    found = await verify(pool, [])
    assert found.first_bad == seq
    assert found.problem is not None
    assert f"記録の {seq} 番の行は、書かれた時のものと違います。" in found.problem.ja


async def test_a_row_taken_out_is_named(pool: asyncpg.Pool) -> None:
    await add(pool, 5)
    await tamper(pool, "delete from audit where seq = 3")
    found = await verify(pool, [])
    assert (found.first_bad, found.problem and found.problem.code) == (3, "audit.missing")
    assert found.problem is not None
    assert found.problem.en.startswith("Row 3 of the record is missing; it may have been deleted.")


async def test_a_tail_cut_together_with_its_end_is_found_by_the_head_outside(
    pool: asyncpg.Pool, tmp_path: Path
) -> None:
    await add(pool, 5)
    await HeadKeeper(pool, SEAL, tmp_path).tick()
    await tamper(pool, "delete from audit where seq > 3")
    await rebuild(pool)
    assert (await verify(pool, [])).problem is None
    found = await verify(pool, read_heads(tmp_path, SEAL))
    assert (found.first_bad, found.problem and found.problem.code) == (4, "audit.cut")


async def test_a_tail_cut_alone_is_found_without_one(pool: asyncpg.Pool) -> None:
    await add(pool, 5)
    await tamper(pool, "delete from audit where seq > 3")
    assert (await verify(pool, [])).first_bad == 4


async def test_a_chain_made_anew_is_found_by_the_head_outside(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await add(pool, 5)
    await HeadKeeper(pool, SEAL, tmp_path).tick()
    await tamper(pool, "update audit set subject = 'order:99' where seq = 2")
    await rebuild(pool)
    await add(pool, 2)
    assert (await verify(pool, [])).problem is None
    found = await verify(pool, read_heads(tmp_path, SEAL))
    assert (found.first_bad, found.problem and found.problem.code) == (1, "audit.rebuilt")
    assert found.problem is not None
    assert "記録の 1 番から 5 番までの間が、外に控えた署名付きの値と合いません。" in found.problem.ja


async def test_a_head_is_put_away_once_a_day_and_agrees(pool: asyncpg.Pool, tmp_path: Path) -> None:
    keeper = HeadKeeper(pool, SEAL, tmp_path / "heads")
    await keeper.tick()
    assert read_heads(tmp_path / "heads", SEAL) == []
    await add(pool, 2)
    await keeper.tick()
    await add(pool, 1)
    await keeper.tick()
    (head,) = read_heads(tmp_path / "heads", SEAL)
    found = await verify(pool, [head])
    assert (head.seq, found.heads, found.problem) == (2, 1, None)


async def test_a_head_of_another_hand_is_refused(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await add(pool, 1)
    await HeadKeeper(pool, Seal(Vault(bytes(32))), tmp_path).tick()
    with pytest.raises(Refused) as refused:
        read_heads(tmp_path, SEAL)
    assert "この控えの署名が合いません。" in refused.value.say("ja")[0]


@pytest.mark.parametrize(
    "statement",
    ["update audit set subject = ''", "delete from audit", "truncate audit"],
    ids=["update", "delete", "truncate"],
)
async def test_the_database_takes_nothing_but_additions(pool: asyncpg.Pool, statement: str) -> None:
    await add(pool, 1)
    with pytest.raises(asyncpg.RaiseError, match="only ever added to"):
        await pool.execute(statement)


async def test_what_is_undone_is_not_recorded(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        change = connection.transaction()
        await change.start()
        await audit.record(connection, actor=None, action="order.sent", subject="order:1", details={})
        await change.rollback()
    await add(pool, 1)
    assert (await verify(pool, [])).rows == 1


async def test_nothing_is_recorded_outside_a_transaction(pool: asyncpg.Pool) -> None:
    async with pool.acquire() as connection:
        with pytest.raises(ValueError, match="one transaction"):
            await audit.record(connection, actor=None, action="a", subject="b", details={})


async def test_many_who_record_at_once_make_one_chain(pool: asyncpg.Pool) -> None:
    await asyncio.gather(*(add(pool, 5) for _ in range(8)))
    found = await verify(pool, [])
    assert (found.rows, found.problem) == (40, None)
