"""Who is who, and who has left."""

from __future__ import annotations

from pathlib import Path

from asyncpg import Pool

from subscribers.store import find, leave, leave_contact, subscriber_number
from subscribers.vault import Vault
from tests.subscribers.cast import HANA, HANA_LINE, KEN, KEY, TOME, TOWN, take_in

VAULT = Vault(KEY)


async def changed(pool: Pool, subscriber: str) -> int:
    return int(await pool.fetchval("select changed::text from subscriber where id = $1", subscriber))


async def test_hana_is_found_by_any_of_her_addresses(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    assert await find(pool, VAULT, "line", HANA_LINE) == "hana"
    assert await find(pool, VAULT, "phone", "+819012345678") == "hana"
    assert await find(pool, VAULT, "email", "ken@example.jp") == "ken"


async def test_nobody_is_found_by_an_address_nobody_has(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    assert await find(pool, VAULT, "email", "hana@example.jp") is None
    assert await find(pool, VAULT, "line", "+819012345678") is None


async def test_a_family_that_shares_a_phone_is_its_first_subscriber(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA, TOME.replace("080-2345-6789", "090-1234-5678"))
    assert await find(pool, VAULT, "phone", "+819012345678") == "hana"


async def test_who_leaves_is_found_no_more_and_is_seen_to_have_changed(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    before = await changed(pool, "hana")
    assert await leave(pool, "hana")
    assert await find(pool, VAULT, "line", HANA_LINE) is None
    assert await changed(pool, "hana") > before
    assert await pool.fetchval("select count(*) from contact where left_at is not null") == 2


async def test_leaving_twice_keeps_the_first_time(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    await leave(pool, "hana")
    first = await pool.fetchval("select left_at from subscriber")
    assert await leave(pool, "hana")
    assert await pool.fetchval("select left_at from subscriber") == first


async def test_nobody_cannot_leave(pool: Pool) -> None:
    assert not await leave(pool, "nobody")


async def test_one_contact_closes_and_the_others_stay(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    hana, before = await subscriber_number(pool, "hana"), await changed(pool, "hana")
    assert hana is not None
    assert await leave_contact(pool, hana, "line")
    assert await find(pool, VAULT, "line", HANA_LINE) is None
    assert await find(pool, VAULT, "phone", "+819012345678") == "hana"
    assert await changed(pool, "hana") > before


async def test_a_contact_closes_once(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    hana = await subscriber_number(pool, "hana")
    assert hana is not None
    assert await leave_contact(pool, hana, "line")
    before = await changed(pool, "hana")
    assert not await leave_contact(pool, hana, "line")
    assert not await leave_contact(pool, hana, "email")
    assert await changed(pool, "hana") == before


async def test_numbers_are_known_of_subscribers_only(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, KEN)
    assert await subscriber_number(pool, "ken") == await pool.fetchval("select number from subscriber")
    assert await subscriber_number(pool, "hana") is None
