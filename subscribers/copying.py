"""Tables as numpy columns, by binary COPY: rows of fixed width are read in place, millions a second."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from subscribers.writing import Connection

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_ROWS_AT_ONCE = 65_536


def row_type(**columns: str) -> np.dtype[np.void]:
    """The layout of one row of binary COPY whose columns are never null; each type is numpy's, such as `i8`.

    Before each row stands its number of columns, before each value its size (PostgreSQL manual, COPY, binary format).
    """
    fields = [("_columns", ">i2")]
    for name, kind in columns.items():
        fields += [(f"_{name}_size", ">i4"), (name, f">{kind}")]
    return np.dtype(fields)


async def copy_rows(connection: Connection, query: str, *arguments: object, layout: np.dtype[np.void]) -> NDArray[Any]:
    """The rows of `query` as a structured array (big-endian, `layout`). Raises ValueError when they do not fit it."""
    return _rows(await _copied(connection, query, *arguments), layout)


@dataclass(frozen=True, slots=True)
class Ragged:
    """Rows of fixed width, and beside each a value of any: `sizes[i]` bytes of `values`, one after the other."""

    rows: NDArray[Any]
    values: bytes
    sizes: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[Ragged], layout: np.dtype[np.void]) -> Ragged:
        """One after the other; rows of this `layout`, should there be no parts."""
        return cls(
            np.concatenate([np.empty(0, layout), *(part.rows for part in parts)]),
            b"".join(part.values for part in parts),
            np.concatenate([np.empty(0, np.int64), *(part.sizes for part in parts)]),
        )


async def copy_ragged(connection: Connection, query: str, *arguments: object, layout: np.dtype[np.void]) -> Ragged:
    """The rows of `query`: `layout`, and one bytea after it that is never null. Raises ValueError when they do not fit."""
    content = await _copied(connection, query, *arguments)
    return await asyncio.to_thread(_ragged, content, layout)


async def _copied(connection: Connection, query: str, *arguments: object) -> bytearray:
    content = bytearray()

    async def take(part: bytes) -> None:
        content.extend(part)

    await connection.copy_from_query(query, *arguments, output=take, format="binary")
    if not content.startswith(_HEADER) or not content.endswith(_TRAILER):
        raise ValueError("this is not a whole binary COPY")
    return content


def _ragged(content: bytearray, layout: np.dtype[np.void]) -> Ragged:
    """Where a row begins is known only from the one before, so they are walked one by one."""
    fixed, values, starts, sizes = layout.itemsize, bytearray(), [], []
    at, end, size_at = len(_HEADER), len(content) - len(_TRAILER), struct.Struct(">i").unpack_from
    while at < end:
        (size,) = size_at(content, at + fixed)
        starts.append(at)
        sizes.append(size)
        at += fixed + 4
        values += content[at : at + size]
        at += size
    rows = np.empty((len(starts), fixed), np.uint8)
    flat = np.frombuffer(content, np.uint8)
    for first in range(0, len(starts), _ROWS_AT_ONCE):
        some = np.array(starts[first : first + _ROWS_AT_ONCE])
        rows[first : first + len(some)] = flat[some[:, None] + np.arange(fixed)]
    checked = _checked(rows.reshape(-1).view(layout), layout)
    return Ragged(checked, bytes(values), np.array(sizes, np.int64))


def _rows(content: bytearray, layout: np.dtype[np.void]) -> NDArray[Any]:
    body = len(content) - len(_HEADER) - len(_TRAILER)
    if body % layout.itemsize:
        raise ValueError("the rows are not of fixed width: is a column null?")
    return _checked(np.frombuffer(content, layout, count=body // layout.itemsize, offset=len(_HEADER)), layout)


def _checked(rows: NDArray[Any], layout: np.dtype[np.void]) -> NDArray[Any]:
    names = layout.names or ()
    for size, name in zip(names[1::2], names[2::2], strict=True):
        if np.any(rows[size] != layout[name].itemsize):
            raise ValueError(f"a value of {name} is null or of another type")
    return rows
