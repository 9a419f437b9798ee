"""Sealed addresses in memory: each row its bytes, whatever is joined, chosen and left behind."""

from __future__ import annotations

import random

import numpy as np
import pytest

from subscribers import sealed
from subscribers.sealed import Sealed


def of(rows: list[bytes]) -> Sealed:
    sizes = np.array([len(row) for row in rows], np.int16)
    starts = np.cumsum(sizes, dtype=np.int64) - sizes
    return Sealed(np.frombuffer(b"".join(rows), np.uint8), starts, sizes)


def everything(addresses: Sealed) -> list[bytes]:
    return addresses.rows(slice(None))


def test_rows_of_one_width_and_of_several_are_what_was_put_in() -> None:
    for rows in ([b"hana", b"linh"], [b"hana", b"", b"mei@kawabe"], [b"", b""], []):
        assert everything(of(rows)) == rows


def test_joined_rows_stand_one_after_the_other() -> None:
    assert everything(Sealed.joined([of([b"hana"]), Sealed.none(1), of([b"ken", b"tome"])])) == [
        b"hana", b"", b"ken", b"tome",
    ]  # fmt: skip


def test_addresses_that_change_for_ever_take_no_more_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "_ROWS_AT_ONCE", 3)
    dice, rows = random.Random(1), [bytes([n]) * 60 for n in range(10)]
    addresses = of(rows)
    for turn in range(200):
        gone = dice.randrange(10)
        rows = rows[:gone] + rows[gone + 1 :] + [bytes([turn]) * dice.randint(30, 90)]
        addresses = Sealed.joined([addresses.at(np.arange(10) != gone), of(rows[-1:])])
        assert everything(addresses) == rows
        assert len(addresses.content) <= sum(map(len, rows)) * 4 / 3
