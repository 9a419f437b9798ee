"""The vault: what it seals opens only where it was sealed, with the key it was sealed with."""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncpg import Pool

from subscribers.vault import Vault, VaultError, open_vault
from tests.subscribers.cast import HANA, KEY, take_in
from words.problem import Refused

PHONE = "+819012345678"
OTHER_KEY = bytes(32)


def test_what_is_sealed_opens_again() -> None:
    vault = Vault(KEY)
    assert vault.open("phone", 7, vault.seal("phone", 7, PHONE)) == PHONE


def test_the_address_is_not_to_be_seen_and_no_two_seals_are_alike() -> None:
    vault = Vault(KEY)
    first, second = vault.seal("phone", 7, PHONE), vault.seal("phone", 7, PHONE)
    assert first != second
    assert PHONE.encode() not in first


@pytest.mark.parametrize(("kind", "number"), [("phone", 8), ("line", 7), ("phone", 77)])
def test_a_seal_moved_to_another_row_does_not_open(kind: str, number: int) -> None:
    vault = Vault(KEY)
    sealed = vault.seal("phone", 7, PHONE)
    with pytest.raises(VaultError) as refused:
        vault.open(kind, number, sealed)
    assert PHONE not in str(refused.value)


def test_every_damaged_byte_is_noticed() -> None:
    vault = Vault(KEY)
    sealed = vault.seal("phone", 7, PHONE)
    for at in range(len(sealed)):
        damaged = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        with pytest.raises(VaultError):
            vault.open("phone", 7, damaged)


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" + bytes(12), b"\x02" + bytes(40)])
def test_what_was_never_sealed_is_a_vault_error(sealed: bytes) -> None:
    with pytest.raises(VaultError):
        Vault(KEY).open("phone", 7, sealed)


def test_another_key_opens_nothing_and_finds_nothing() -> None:
    sealed = Vault(KEY).seal("phone", 7, PHONE)
    with pytest.raises(VaultError, match="another key"):
        Vault(OTHER_KEY).open("phone", 7, sealed)
    assert Vault(OTHER_KEY).lookup("phone", PHONE) != Vault(KEY).lookup("phone", PHONE)


def test_the_lookup_is_equal_for_equal_addresses_of_one_kind_only() -> None:
    vault = Vault(KEY)
    assert vault.lookup("phone", PHONE) == Vault(KEY).lookup("phone", PHONE)
    assert vault.lookup("phone", PHONE) != vault.lookup("email", PHONE)
    assert len(vault.lookup("phone", PHONE)) == 32


def test_a_key_has_32_bytes() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(bytes(16))


async def test_a_database_sealed_with_another_key_is_refused(pool: Pool, tmp_path: Path) -> None:
    await open_vault(pool, KEY)
    await take_in(pool, tmp_path, HANA)
    with pytest.raises(Refused) as refused:
        await open_vault(pool, OTHER_KEY)
    assert refused.value.problems[0].code == "vault.other_key"
    assert refused.value.say("ja")[0].startswith("vault.key: このデータベースの連絡先は、別の鍵で暗号化されています。")
    assert "sealed with another key. Put the original key back" in refused.value.say("en")[0]


async def test_the_right_key_is_let_in_again(pool: Pool, tmp_path: Path) -> None:
    await open_vault(pool, KEY)
    await take_in(pool, tmp_path, HANA)
    vault = await open_vault(pool, KEY)
    assert vault.check_value == Vault(KEY).check_value


async def test_a_database_without_contacts_takes_another_key(pool: Pool) -> None:
    await open_vault(pool, OTHER_KEY)
    await open_vault(pool, KEY)
    assert await pool.fetchval("select check_value from vault_check") == Vault(KEY).check_value
