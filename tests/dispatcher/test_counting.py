"""Counting an area while it is drawn: the same numbers as writing everybody out."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import shapely
from asyncpg import Pool

from dispatcher.counting import Count, Counter, ShelterShare, Survey, count
from dispatcher.drafting import Plan
from dispatcher.gazetteer import board, set_statuses
from dispatcher.model import Delivery
from dispatcher.routing import Variants, route
from geo.area import Area
from geo.shelters import ShelterStatus
from subscribers import levels, nearby
from subscribers.columns import Columns, open_audience
from subscribers.moving import Position, move
from subscribers.store import leave, leave_contact, subscriber_number
from tests.dispatcher.engine_room import CAST
from tests.subscribers.cast import take_in

KINDS = {"line": "line", "sms": "phone", "email": "email"}
RIVER = Area.of(shapely.box(133.69, 34.59, 133.71, 34.61))
SHELTERS = "insert into shelter (id, name, address, hazards, lon, lat, status) values ($1, $2, '', 1, $3, $4, 'open')"


async def kawabe(pool: Pool, folder: Path) -> Columns:
    await take_in(pool, folder, *CAST.values())
    await pool.executemany(SHELTERS, [("s1", "川辺小学校", 133.70, 34.60), ("s2", "丘の公民館", 133.75, 34.65)])
    return await open_audience(pool)


async def written_out(pool: Pool, audience: Columns, area: Area) -> Count:
    """The count of a plan that names everybody."""
    match, shelters = audience.match(area), await board(pool)
    near = Variants(shelters.nearest(match.lons, match.lats)[0].astype(np.int32), np.zeros(len(match), np.int32))
    return count(Plan(match, route(match, KINDS, Delivery.ALL), dict.fromkeys(KINDS, near), shelters))


async def drawn(pool: Pool, audience: Columns, area: Area = RIVER) -> Survey:
    return await Counter(pool, audience, KINDS).survey(area)


async def test_the_riverside_is_counted_by_channel_language_and_shelter(pool: Pool, tmp_path: Path) -> None:
    found = await drawn(pool, await kawabe(pool, tmp_path))
    assert found.count == Count(
        people=4,
        audience=4,
        channels={"line": 2, "sms": 2, "email": 1},
        languages={"ja": 1, "ja-x-easy": 1, "vi": 1, "zh-Hans": 1},
        shelters=[ShelterShare("s1", "川辺小学校", 4)],
    )
    assert found.reach == {("line",): 1, ("sms",): 1, ("email",): 1, ("line", "sms"): 1}


async def test_who_is_reached_by_nothing_is_counted_but_sent_nowhere(pool: Pool, tmp_path: Path) -> None:
    audience = await kawabe(pool, tmp_path)
    tome = await subscriber_number(pool, "tome")
    assert tome is not None
    await leave_contact(pool, tome, "phone")
    await audience.catch_up()
    found = await drawn(pool, audience)
    assert (found.count.people, found.count.audience, found.reach[()]) == (4, 3, 1)
    assert [share.people for share in found.count.shelters] == [3]


async def test_ken_counts_where_he_is_and_at_the_shelter_near_there(pool: Pool, tmp_path: Path) -> None:
    audience = await kawabe(pool, tmp_path)
    ken = await subscriber_number(pool, "ken")
    assert ken is not None
    everywhere = Area.of(shapely.box(133.6, 34.5, 133.9, 34.9))
    assert [share.people for share in (await drawn(pool, audience, everywhere)).count.shelters] == [4, 1]
    await move(pool, [Position(ken, 133.70, 34.60, datetime.now(UTC) + timedelta(hours=1))])
    await audience.catch_up()
    assert (await drawn(pool, audience)).count.people == 5
    assert [share.people for share in (await drawn(pool, audience, everywhere)).count.shelters] == [5]


async def test_a_shelter_that_closes_is_in_no_later_count(pool: Pool, tmp_path: Path) -> None:
    counter = Counter(pool, await kawabe(pool, tmp_path), KINDS)
    assert [share.id for share in (await counter.survey(RIVER)).count.shelters] == ["s1"]
    await set_statuses(pool, ["s1"], ShelterStatus.FULL)
    assert [share.id for share in (await counter.survey(RIVER)).count.shelters] == ["s2"]
    await set_statuses(pool, ["s2"], ShelterStatus.CLOSED)
    assert (await counter.survey(RIVER)).count.shelters == []


async def test_shelters_that_are_not_fit_for_the_hazard_are_left_out(pool: Pool, tmp_path: Path) -> None:
    counter = Counter(pool, await kawabe(pool, tmp_path), KINDS)
    assert [share.id for share in (await counter.survey(RIVER, hazard="flood")).count.shelters] == ["s1"]
    assert (await counter.survey(RIVER, hazard="tsunami")).count.shelters == []


async def test_nobody_in_the_area_is_a_count_too(pool: Pool) -> None:
    found = await drawn(pool, await open_audience(pool))
    assert found == Survey(Count(0, 0, dict.fromkeys(KINDS, 0), {}, []), {}, 0)


def neighbours(dice: random.Random, first: int, last: int) -> list[str]:
    """People around the river with any contacts and one place or two."""
    rows = []
    for i in range(first, last):
        line = f"U{i:032x}" if dice.random() < 0.6 else ""
        phone = f"090-3{i // 1000:03d}-{i % 1000:04d}" if dice.random() < 0.4 else ""
        mail = f"n{i}@gmail.com" if not line and not phone else ""
        language, topics = dice.choice(["ja", "ja", "en", "vi"]), dice.choice(["", "drill", "festival", "drill;market"])
        for place in dice.choice([("home",), ("home", "work")]):
            lon, lat = 133.65 + dice.random() / 10, 34.55 + dice.random() / 10
            rows.append(f"n{i},{language},{topics},{line},{phone},{mail},{place},{lat:.4f},{lon:.4f}")
    return rows


@pytest.mark.parametrize("few", [0, 20_000])
async def test_every_count_is_that_of_everybody_written_out(
    pool: Pool, tmp_path: Path, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nearby, "_FEW", few)
    monkeypatch.setattr(levels, "LONGEST_TAIL", 30)
    monkeypatch.setattr(levels, "SMALLEST_MIDDLE", 60)
    dice = random.Random(few)
    audience = await kawabe(pool, tmp_path)
    counter = Counter(pool, audience, KINDS)
    for turn in range(12):
        await take_in(pool, tmp_path, *neighbours(dice, turn * 40, turn * 40 + 50))
        numbers = [row["number"] for row in await pool.fetch("select number from subscriber where left_at is null")]
        until = datetime.now(UTC) + timedelta(hours=dice.choice([1, 1, -1]))
        spots = [(133.65 + dice.random() / 10, 34.55 + dice.random() / 10) for _ in range(60)]
        await move(pool, [Position(dice.choice(numbers), *spot, until) for spot in spots])
        await leave(pool, f"n{dice.randint(0, turn * 40 + 49)}")
        await leave_contact(pool, dice.choice(numbers), "line")
        await audience.catch_up()
        area = Area.of(shapely.Point(133.7, 34.6).buffer(dice.uniform(0.01, 0.06)))
        found = await counter.survey(area, topics=["drill", "festival"])
        assert found.count == await written_out(pool, audience, area)
        assert found.fond == len(audience.match(area, topics=["drill", "festival"]))
    await audience.settle()
