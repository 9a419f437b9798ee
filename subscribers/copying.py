"""Tables as numpy columns, by binary COPY: rows of fixed width are read in place, millions a second."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subscribers.writing import Connection

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"


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
    content = bytearray()

    async def take(part: bytes) -> None:
        content.extend(part)

    await connection.copy_from_query(query, *arguments, output=take, format="binary")
    return _rows(content, layout)


def _rows(content: bytearray, layout: np.dtype[np.void]) -> NDArray[Any]:
    body = len(content) - len(_HEADER) - len(_TRAILER)
    if body < 0 or body % layout.itemsize or not content.startswith(_HEADER):
        raise ValueError("the rows are not of fixed width: is a column null?")
    rows = np.frombuffer(content, layout, count=body // layout.itemsize, offset=len(_HEADER))
    names = layout.names or ()
    for size, name in zip(names[1::2], names[2::2], strict=True):
        if np.any(rows[size] != layout[name].itemsize):
            raise ValueError(f"a value of {name} is null or of another type")
    return rows
