"""PostgreSQL's binary COPY format, for rows with large arrays: a numpy array becomes its bytes in one step.

Source of the layout: PostgreSQL documentation, COPY, "Binary Format", and the send functions of arrays.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_TRAILER = struct.pack(">h", -1)
_LENGTH = struct.Struct(">i")
_MICROSECONDS = struct.Struct(">q")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_ARRAY_HEAD = struct.Struct(">iiiii")
_KINDS: dict[type[np.integer[Any]], tuple[int, np.dtype[Any]]] = {
    np.int32: (23, np.dtype([("length", ">i4"), ("value", ">i4")])),
    np.int64: (20, np.dtype([("length", ">i4"), ("value", ">i8")])),
}
"""PostgreSQL's type numbers of integer and bigint, and how an element is laid out."""


def copy_file(rows: Iterable[Sequence[bytes]]) -> bytes:
    """The whole input of a COPY: rows of fields that are encoded already."""
    parts = [_SIGNATURE]
    for row in rows:
        parts.append(struct.pack(">h", len(row)))
        for field in row:
            parts.append(_LENGTH.pack(len(field)))
            parts.append(field)
    parts.append(_TRAILER)
    return b"".join(parts)


def text(value: str) -> bytes:
    return value.encode()


def boolean(value: bool) -> bytes:
    return b"\1" if value else b"\0"


def smallint(value: int) -> bytes:
    return struct.pack(">h", value)


def integer(value: int) -> bytes:
    return _LENGTH.pack(value)


def uuid(value: UUID) -> bytes:
    return value.bytes


def integers(values: NDArray[np.int32] | NDArray[np.int64]) -> bytes:
    """An `integer[]` of int32, a `bigint[]` of int64."""
    number, layout = _KINDS[values.dtype.type]
    elements = np.empty(len(values), layout)
    elements["length"] = values.dtype.itemsize
    elements["value"] = values
    return _ARRAY_HEAD.pack(1, 0, number, len(values), 1) + elements.tobytes()


def timestamp(value: datetime) -> bytes:
    """A `timestamptz`: microseconds since 2000. Raises TypeError for a time without a zone."""
    return _MICROSECONDS.pack((value - _EPOCH) // timedelta(microseconds=1))


def bigints(sent: bytes) -> NDArray[np.int64]:
    """The elements of a `bigint[]` without nulls, of what `array_send` gives of it: no object a number is made."""
    _, layout = _KINDS[np.int64]
    return np.frombuffer(sent, layout, offset=min(_ARRAY_HEAD.size, len(sent)))["value"].astype(np.int64)


def ints(sent: bytes) -> NDArray[np.int32]:
    """As `bigints`, of an `integer[]`."""
    _, layout = _KINDS[np.int32]
    return np.frombuffer(sent, layout, offset=min(_ARRAY_HEAD.size, len(sent)))["value"].astype(np.int32)
