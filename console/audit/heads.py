"""Where the record ended, day by day, signed and put away outside the database.

Whoever rules the database can cut the record's tail or make the whole chain anew, and it will fit again. It will not
fit what was put away elsewhere: on a medium that is written once, on another machine, in a drawer.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog
from asyncpg import Pool
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from subscribers.vault import Vault
from words.problem import Problem, Refused
from words.sql import sql

_HEAD = sql("console.audit", "head")
_MODE = 0o600
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Head:
    """The record's last row and hash at a moment."""

    seq: int
    hash: bytes
    at: datetime

    def signed(self) -> bytes:
        """What the signature is over."""
        return f"todoke audit head\n{self.seq}\n{self.hash.hex()}\n{self.at.isoformat()}\n".encode()


class Seal:
    """Signs heads with an Ed25519 key that comes from the vault's: with its public half anybody can check them."""

    def __init__(self, vault: Vault) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(vault.lookup("audit", "head"))
        self.public: str = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()

    def write(self, head: Head) -> bytes:
        """The head as a file holds it: one JSON object."""
        signature = self._key.sign(head.signed()).hex()
        told = {"seq": head.seq, "hash": head.hash.hex(), "at": head.at.isoformat()}
        return json.dumps(told | {"key": self.public, "signature": signature}).encode() + b"\n"

    def read(self, content: bytes) -> Head:
        """Raises ValueError for what this seal did not sign, whatever key it names."""
        try:
            told = json.loads(content)
            head = Head(int(told["seq"]), bytes.fromhex(told["hash"]), datetime.fromisoformat(told["at"]))
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.public))
            public.verify(bytes.fromhex(told["signature"]), head.signed())
        except (InvalidSignature, KeyError, TypeError, RecursionError) as error:
            raise ValueError(type(error).__name__) from None
        return head


class HeadKeeper:
    """Puts away the head of each day (UTC) in `directory`, once, however many servers do."""

    def __init__(self, pool: Pool, seal: Seal, directory: Path) -> None:
        self._pool = pool
        self._seal = seal
        self._directory = directory

    async def tick(self) -> None:
        """Put today's away if nobody has; an empty record has none. What fails is said in the log, and tried again."""
        now = datetime.now(UTC)
        path = self._directory / f"{now:%Y-%m-%d}.json"
        row = await self._pool.fetchrow(_HEAD)
        if row is None or not row["seq"]:
            return
        try:
            if not path.exists():
                _put(path, self._seal.write(Head(row["seq"], row["hash"], now)))
        except OSError as error:
            log.error("audit_head_not_written", path=str(path), error=error.strerror)  # noqa: TRY400 a trace says no more


def read_heads(directory: Path, seal: Seal) -> list[Head]:
    """Every head put away, by row. Raises Refused with each file that is not one of ours."""
    problems, heads = list[Problem](), list[Head]()
    for path in _files(directory):
        try:
            heads.append(seal.read(path.read_bytes()))
        except OSError as error:
            problems.append(_unreadable(path, error))
        except ValueError:
            problems.append(_forged(path))
    if problems:
        raise Refused(problems)
    return sorted(heads, key=lambda head: head.seq)


def _files(directory: Path) -> Iterator[Path]:
    yield from sorted(directory.glob("*.json")) if directory.is_dir() else ()


def _put(path: Path, content: bytes) -> None:
    """Whole or not at all, and never over another."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        log.debug("audit_head_is_there", path=str(path))
    finally:
        draft.unlink()


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        "audit.head_unreadable",
        str(path),
        f"外に控えた値を読めません({error.strerror})。所有者と権限を確かめてください。",
        f"This head of the record cannot be read ({error.strerror}). Check its owner and permissions.",
    )


def _forged(path: Path) -> Problem:
    return Problem(
        "audit.head_forged",
        str(path),
        "この控えの署名が合いません。書き換えられたか、別の鍵(vault.key)で署名されています。",
        "The signature of this head does not fit: it was changed, or signed with another key (vault.key).",
    )
