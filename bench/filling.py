"""Filling a town's tables by binary COPY, in two processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import struct
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import starmap

import asyncpg
import numpy as np
from numpy.typing import NDArray

from bench.people import LANES, LANGUAGES, Size, address_of, in_area, kind_of, lane_of, spots
from subscribers.vault import Vault

CHUNK, PROCESSES = 50_000, 2
_HEADER, _TRAILER = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
_KIND_SIZE = struct.Struct(">i")
_LANE = struct.Struct(">ih")
_NUMBER = struct.Struct(">hiqi")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some of the people, and where to write them."""

    dsn: str
    key: bytes
    size: Size
    first: int
    last: int


def fill(dsn: str, key: bytes, size: Size) -> None:
    """Write every subscriber, contact and place. The tables are empty before."""
    chunks = [
        Chunk(dsn, key, size, first, min(first + CHUNK, size.places + 1)) for first in range(1, size.places + 1, CHUNK)
    ]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(PROCESSES, mp_context=spawn) as workers:
        list(workers.map(_write, chunks))


def _write(chunk: Chunk) -> None:
    asyncio.run(_copy(chunk))


async def _copy(chunk: Chunk) -> None:
    connection = await asyncpg.connect(chunk.dsn, server_settings={"session_replication_role": "replica"})
    try:
        async with connection.transaction():
            for table, columns, content in _tables(chunk):
                await connection.copy_to_table(table, source=_once(content), columns=columns, format="binary")
    finally:
        await connection.close()


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _tables(chunk: Chunk) -> Iterator[tuple[str, list[str], bytes]]:
    numbers = np.arange(chunk.first, min(chunk.last, chunk.size.subscribers + 1))
    if len(numbers):
        ids = np.char.mod(b"n%08d", numbers)
        topics = np.ones(len(numbers), np.int64)
        people = _rows(number=numbers, id=ids, language=LANGUAGES[numbers % len(LANGUAGES)], topics=topics)
        yield "subscriber", ["number", "id", "language", "topics"], people
        yield "contact", ["subscriber", "kind", "address", "lookup", "lane"], _contacts(chunk, numbers)
    yield "place", ["number", "subscriber", "name", "lon", "lat"], _places(chunk)


def _places(chunk: Chunk) -> bytes:
    """Everybody's first place decides whether they are in the area; all others are outside it."""
    numbers = np.arange(chunk.first, chunk.last)
    which, owners = np.divmod(numbers - 1, chunk.size.subscribers)
    inside = in_area(chunk.size)[owners] & (which == 0)
    lons, lats = spots(inside, chunk.first)
    names = np.char.mod(b"p%03d", which)
    return _rows(number=numbers, subscriber=owners + 1, name=names, lon=lons, lat=lats)


def _contacts(chunk: Chunk, numbers: NDArray[np.int64]) -> bytes:
    vault = Vault(chunk.key)
    kinds = ((number, kind_of(number, mix=chunk.size.mix)) for number in numbers.tolist())
    return b"".join([_HEADER, *starmap(lambda number, kind: _contact(vault, number, kind), kinds), _TRAILER])


def _contact(vault: Vault, number: int, kind: str) -> bytes:
    address = address_of(number, kind)
    sealed, lookup = vault.seal(kind, number, address), vault.lookup(kind, address)
    return b"".join(
        [
            _NUMBER.pack(5, 8, number, len(kind)), kind.encode(), _KIND_SIZE.pack(len(sealed)), sealed,
            _KIND_SIZE.pack(len(lookup)), lookup, _LANE.pack(2, lane_of(number, kind) + 1),
        ]
    )  # fmt: skip


def _rows(**columns: NDArray[np.generic]) -> bytes:
    """Rows whose values have one width a column, as binary COPY wants them (PostgreSQL manual, COPY)."""
    layout: list[tuple[str, str]] = [("_columns", ">i2")]
    for name, column in columns.items():
        layout += [(f"_{name}", ">i4"), (name, column.dtype.newbyteorder(">").str)]
    rows = np.zeros(len(next(iter(columns.values()))), np.dtype(layout))
    rows["_columns"] = len(columns)
    for name, column in columns.items():
        rows[f"_{name}"], rows[name] = column.dtype.itemsize, column
    return _HEADER + rows.tobytes() + _TRAILER


def lane_rows() -> list[tuple[int, str]]:
    """Number and name of every lane."""
    return [(position + 1, name) for position, name in enumerate(LANES)]
