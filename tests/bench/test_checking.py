"""What a benchmark holds against its own number."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import numpy as np
import pytest

from bench import town
from bench.checking import durable, once_each, twice
from bench.follow import differing
from bench.follower import digest
from bench.people import Size, address_of, in_area, numbers_in, recipients
from bench.reporting import not_counted
from bench.town import open_town, order
from bench.working import approve


def test_a_recipient_who_got_nothing_is_told() -> None:
    assert once_each(np.array([1, 3]), np.array([1, 2, 3])) == ["1 recipients got nothing"]


def test_a_recipient_who_got_it_twice_is_told() -> None:
    assert twice(np.array([1, 3, 3])) == ["1 recipients got it more than once"]


def test_somebody_outside_the_area_is_told() -> None:
    assert once_each(np.array([1, 9]), np.array([1])) == ["1 recipients are not in the area"]


def test_a_number_that_is_wrong_loses_its_ratio() -> None:
    result = not_counted({"ratio": 2.0}, ["1 recipients got nothing"])
    assert result == {"ratio": None, "counted": False, "reasons": ["1 recipients got nothing"]}


def test_an_address_tells_whose_it_is() -> None:
    text = " ".join(address_of(number, kind) for number, kind in ((7, "line"), (8, "phone"), (9, "email")))
    assert sorted(numbers_in(text.encode())) == [7, 8, 9]


def test_as_many_live_in_the_area_as_were_asked_for() -> None:
    size = Size(1000, 300, 2000)
    assert in_area(size).sum() == len(recipients(size)) == 300


async def test_a_dispatch_that_was_never_sent_is_not_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town, "ROOT", tmp_path)
    async with open_town(Size(20, 10, 20)) as kawabe:
        async with kawabe.pool(2) as pool:
            dispatch, _ = await approve(pool, order())
        wrong = await durable(kawabe, [dispatch], 10)
    assert wrong == ["after a restart of the database 0 of 10 outcomes were 'accepted', of 0"]


async def test_a_town_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(town, "ROOT", tmp_path)
    created = []
    for _ in range(2):
        async with open_town(Size(20, 10, 20)) as kawabe:
            connection = await asyncpg.connect(kawabe.dsn)
            created.append(await connection.fetchval("select system_identifier::text from pg_control_system()"))
            assert await connection.fetchval("select count(*) from subscriber") == 20
            await connection.close()
    assert created[0] == created[1]


def test_a_process_that_found_somebody_else_or_by_another_place_is_told() -> None:
    hana_and_ken, ken_moved = digest(np.array([1, 2]), np.array([5, 7])), digest(np.array([1, 2]), np.array([5, -2]))
    wanted = {"people": 2, "digest": hana_and_ken}
    assert differing([wanted, wanted], wanted) == []
    assert len(differing([wanted, {"people": 2, "digest": ken_moved}], wanted)) == 1
    assert len(differing([{"people": 1, "digest": digest(np.array([1]), np.array([5]))}], wanted)) == 1
