"""The address book: addresses in the order asked for."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from asyncpg import CheckViolationError, Pool

from subscribers import levels
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from subscribers.store import leave, leave_contact, subscriber_number
from subscribers.vault import Vault
from tests.subscribers.cast import HANA_LINE, KEY, LINH, LINH_LINE, TOWN, take_in

OTHER = "U" + "c" * 32


async def book(pool: Pool, folder: Path) -> tuple[Addresses, dict[str, int]]:
    await take_in(pool, folder, *TOWN)
    rows = await pool.fetch("select id, number from subscriber")
    return await opened(pool), {row["id"]: row["number"] for row in rows}


def linh_with(address: str) -> str:
    return LINH.replace(LINH_LINE, address)


async def opened(pool: Pool) -> Addresses:
    return Addresses(await open_audience(pool), pool, Vault(KEY))


async def test_addresses_come_in_the_order_asked_for(pool: Pool, tmp_path: Path) -> None:
    addresses, who = await book(pool, tmp_path)
    asked = [who["linh"], who["tome"], who["hana"], 999_999]
    assert await addresses.addresses("line", asked) == [LINH_LINE, None, HANA_LINE, None]
    assert await addresses.addresses("phone", [who["tome"], who["hana"]]) == ["+818023456789", "+819012345678"]


async def test_nobody_asked_for_is_nobody(pool: Pool, tmp_path: Path) -> None:
    addresses, _ = await book(pool, tmp_path)
    assert await addresses.addresses("line", []) == []


async def test_who_left_has_no_address_any_more(pool: Pool, tmp_path: Path) -> None:
    addresses, who = await book(pool, tmp_path)
    await leave(pool, "hana")
    await leave_contact(pool, who["linh"], "line")
    assert await addresses.addresses("line", [who["hana"], who["linh"]]) == [None, None]


async def test_the_exact_repeat_of_a_call_still_finds_who_left(pool: Pool, tmp_path: Path) -> None:
    addresses, who = await book(pool, tmp_path)
    await leave(pool, "hana")
    assert await addresses.addresses("line", [who["hana"]], also_left=True) == [HANA_LINE]


async def test_a_new_address_holds_from_when_it_is_committed(pool: Pool, tmp_path: Path) -> None:
    addresses, who = await book(pool, tmp_path)
    await take_in(pool, tmp_path, linh_with(OTHER), "taro,ja,,,090-8765-4321,,自宅,34.6,133.7")
    taro = await subscriber_number(pool, "taro")
    assert await addresses.addresses("line", [who["linh"]]) == [OTHER]
    assert await addresses.addresses("phone", [who["hana"], taro or 0]) == ["+819012345678", "+819087654321"]


async def test_addresses_stay_right_when_the_columns_are_rebuilt(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "LONGEST_TAIL", 0)
    monkeypatch.setattr(levels, "SMALLEST_MIDDLE", 0)
    addresses, who = await book(pool, tmp_path)
    for turn in range(4):
        address = f"U{turn:032x}"
        await take_in(pool, tmp_path, linh_with(address))
        assert await addresses.addresses("line", [who["hana"], who["linh"]]) == [HANA_LINE, address]
    await addresses.columns.settle()


async def test_swapped_ciphertexts_open_for_neither_and_are_logged_without_an_address(
    pool: Pool, tmp_path: Path
) -> None:
    _, who = await book(pool, tmp_path)
    await pool.execute(
        "update contact set address = (select address from contact as other where other.kind = 'phone' "
        "and other.subscriber <> contact.subscriber) where kind = 'phone'"
    )
    addresses = await opened(pool)
    with structlog.testing.capture_logs() as logs:
        assert await addresses.addresses("phone", [who["hana"], who["tome"]]) == [None, None]
    assert addresses.unopened == 2
    assert sorted(logs[0]["subscribers"]) == sorted([who["hana"], who["tome"]])
    assert {entry["event"] for entry in logs} == {"contacts_do_not_open"}
    assert "+81" not in str(logs)


async def test_one_damaged_contact_stops_nobody_else(pool: Pool, tmp_path: Path) -> None:
    _, who = await book(pool, tmp_path)
    hana = await subscriber_number(pool, "hana")
    one_bit = "update contact set address = set_byte(address, 20, get_byte(address, 20) # 1) where subscriber = $1"
    await pool.execute(one_bit, hana)
    assert await (await opened(pool)).addresses("line", [who["hana"], who["linh"]]) == [None, LINH_LINE]


async def test_a_contact_without_an_address_cannot_be_stored(pool: Pool, tmp_path: Path) -> None:
    await book(pool, tmp_path)
    with pytest.raises(CheckViolationError, match="contact_sealed"):
        await pool.execute("update contact set address = ''")
