"""The vault: the one module that encrypts, decrypts and hashes addresses.

From one key of 32 bytes come three by HKDF-SHA-256: for AES-256-GCM, for the keyed hash that finds
equal addresses, and for a check value that shows whether a database was sealed with this key. A sealed
address is a version byte, a nonce of 12 bytes and the ciphertext, bound to its row: moved to another
subscriber or kind it does not open.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Sequence
from operator import itemgetter

from asyncpg import Pool
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from words.problem import Problem, Refused
from words.sql import sql

KEY_SIZE = 32
_VERSION = 1
_NONCE_SIZE = 12
_HEAD = bytes([_VERSION])
_TEXT = 1 + _NONCE_SIZE
"""Where the ciphertext begins."""
_VERSION_OF, _NONCE_OF, _TEXT_OF = itemgetter(0), itemgetter(slice(1, _TEXT)), itemgetter(slice(_TEXT, None))
_CHECK_VAULT_KEY = sql("subscribers", "check_vault_key")
_LOOK_FOR_CONTACTS = sql("subscribers", "look_for_contacts")


class VaultError(Exception):
    """A sealed address does not open: another key, another row, or damaged. Never says the address."""


class Vault:
    """Seals and opens addresses with `key` (32 bytes, else ValueError)."""

    __slots__ = ("_cipher", "_lookup_key", "check_value")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_SIZE:
            raise ValueError(f"a vault key has {KEY_SIZE} bytes")
        self._cipher = AESGCM(_derive(key, b"todoke address"))
        self._lookup_key = _derive(key, b"todoke lookup")
        self.check_value = _derive(key, b"todoke check")
        """Equal for equal keys; says nothing about the key."""

    def seal(self, kind: str, subscriber: int, address: str) -> bytes:
        """The address encrypted for the contact of this kind of this subscriber number; never twice the same bytes."""
        nonce = os.urandom(_NONCE_SIZE)
        return _HEAD + nonce + self._cipher.encrypt(nonce, address.encode(), _bound_to(kind, subscriber))

    def open(self, kind: str, subscriber: int, sealed: bytes) -> str:
        """The address that `seal` was given. Raises VaultError."""
        if sealed[:1] != _HEAD:
            raise VaultError("sealed by a version of the vault that this one does not know")
        nonce, ciphertext = sealed[1:_TEXT], sealed[_TEXT:]
        try:
            return self._cipher.decrypt(nonce, ciphertext, _bound_to(kind, subscriber)).decode()
        except (InvalidTag, ValueError):
            raise VaultError("sealed with another key or for another contact, or damaged") from None

    def open_all(self, kind: str, subscribers: Sequence[int], sealed: Sequence[bytes]) -> list[str | None]:
        """Many addresses of one kind, None for each that does not open."""
        try:
            return list(self._open_together(kind, subscribers, sealed))
        except (InvalidTag, ValueError, IndexError):
            return [self._opened(kind, *pair) for pair in zip(subscribers, sealed, strict=True)]

    def _open_together(self, kind: str, subscribers: Sequence[int], sealed: Sequence[bytes]) -> list[str]:
        """All or nothing, step by step for all at once: a million are opened while a sentence is read."""
        if not sealed:
            return []
        if len(sealed) != len(subscribers) or set(map(_VERSION_OF, sealed)) != {_VERSION}:
            raise ValueError("not all are sealed by this version")
        before, after = f"contact|{kind}|", f"|{_VERSION}"
        bounds = (before + f"{after}\n{before}".join(map(str, subscribers)) + after).encode().split(b"\n")
        plain = list(map(self._cipher.decrypt, map(_NONCE_OF, sealed), map(_TEXT_OF, sealed), bounds))
        opened = b"\n".join(plain).decode().split("\n")
        if len(opened) != len(sealed):
            raise ValueError("an address holds a line break")
        return opened

    def _opened(self, kind: str, subscriber: int, sealed: bytes) -> str | None:
        try:
            return self.open(kind, subscriber, sealed)
        except VaultError:
            return None

    def lookup(self, kind: str, address: str) -> bytes:
        """A keyed hash of 32 bytes, equal for equal addresses of one kind."""
        return hmac.digest(self._lookup_key, f"{kind}\0{address}".encode(), "sha256")


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=purpose).derive(key)


def _bound_to(kind: str, subscriber: int) -> bytes:
    return f"contact|{kind}|{subscriber}|{_VERSION}".encode()


async def holds_contacts(pool: Pool) -> bool:
    """Whether this database has contacts, which only the key they were sealed with opens."""
    found: bool = await pool.fetchval(_LOOK_FOR_CONTACTS)
    return found


async def open_vault(pool: Pool, key: bytes) -> Vault:
    """The vault of this database. Raises Refused when its contacts were sealed with another key."""
    vault = Vault(key)
    if await pool.fetchval(_CHECK_VAULT_KEY, vault.check_value) is None:
        raise Refused(
            Problem(
                "vault.other_key",
                "vault.key",
                "このデータベースの連絡先は、別の鍵で暗号化されています。元の鍵(設定の vault.key、または"
                "データディレクトリのファイル vault.key)に戻してください。元の鍵がなければ連絡先は読めません。",
                "The contacts in this database were sealed with another key. Put the original key back (the setting "
                "vault.key, or the file vault.key in the data directory); without it the contacts cannot be read.",
            )
        )
    return vault
