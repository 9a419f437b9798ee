"""Where people are now: stored in sets, believed for a while, refused when it cannot be."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from asyncpg import Pool

from geo.area import Area
from subscribers.columns import open_audience
from subscribers.moving import Position, delete_old, forget, move
from subscribers.profile import profile
from subscribers.store import leave, subscriber_number
from tests.subscribers.cast import HANA, KEN, LINH, TOWN, take_in
from words.problem import Refused

RIVER = Area.of(shapely.box(133.69, 34.59, 133.705, 34.605))


def until(**hours: float) -> datetime:
    return datetime.now(UTC) + timedelta(**hours)


async def at(pool: Pool, subscriber: str, lon: float, lat: float, *, hours: float = 2) -> Position:
    number = await subscriber_number(pool, subscriber)
    assert number is not None
    return Position(number, lon, lat, until(hours=hours))


async def inside(pool: Pool, area: Area = RIVER) -> list[tuple[str, int]]:
    """Who is in an area, and the place they are matched by, as a process sees it that starts now."""
    match = (await open_audience(pool)).match(area)
    rows = await pool.fetch("select number, id from subscriber")
    ids = {row["number"]: row["id"] for row in rows}
    return [(ids[n], p) for n, p in zip(match.subscribers.tolist(), match.places.tolist(), strict=True)]


async def test_ken_of_the_hill_is_matched_by_the_river_while_he_is_there(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, KEN)
    ken = await at(pool, "ken", 133.70, 34.60)
    assert await inside(pool) == []
    assert await move(pool, [ken]) == 1
    assert await inside(pool) == [("ken", -ken.subscriber)]


async def test_hana_who_is_at_home_is_shown_the_way_from_where_she_is(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    hana = await at(pool, "hana", 133.7001, 34.6001)
    await move(pool, [hana])
    match = (await open_audience(pool)).match(RIVER)
    assert (match.places.tolist(), match.lons.tolist()) == ([-hana.subscriber], [133.7001])


async def test_of_several_positions_of_one_person_the_last_counts(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, KEN)
    here, gone = await at(pool, "ken", 133.70, 34.60), await at(pool, "ken", 139.7, 35.6)
    assert await move(pool, [here, gone]) == 1
    assert await inside(pool) == []
    assert await move(pool, [gone, here]) == 1
    assert [who for who, _ in await inside(pool)] == ["ken"]


async def test_an_expired_position_is_none(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, KEN)
    await move(pool, [await at(pool, "ken", 133.70, 34.60, hours=-1)])
    assert await inside(pool) == []


async def test_whoever_has_left_or_never_was_is_skipped(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    everybody = [await at(pool, name, 133.70, 34.60) for name in ("hana", "ken", "linh")]
    await leave(pool, "ken")
    assert await move(pool, [*everybody, Position(999_999, 133.7, 34.6, until(hours=1))]) == 2
    assert await pool.fetchval("select count(*) from position") == 2


async def test_leaving_takes_the_position_away(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    await move(pool, [await at(pool, "hana", 133.7, 34.6)])
    await leave(pool, "hana")
    assert await pool.fetchval("select count(*) from position") == 0


async def test_who_is_forgotten_is_where_they_live(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, KEN, LINH)
    ken = await at(pool, "ken", 133.70, 34.60)
    await move(pool, [ken])
    audience = await open_audience(pool)
    await forget(pool, [ken.subscriber])
    await audience.catch_up()
    assert [who for who, _ in await inside(pool)] == ["linh"]
    assert len(audience.match(RIVER)) == 1


async def test_positions_that_expired_a_while_ago_are_deleted_and_others_kept(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA, KEN, LINH)
    await move(
        pool, [await at(pool, name, 133.7, 34.6, hours=h) for name, h in (("hana", -2), ("ken", -0.01), ("linh", 1))]
    )
    await delete_old(pool)
    assert await pool.fetchval("select count(*) from position") == 2


async def test_a_profile_names_where_somebody_is_now(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    hana = await at(pool, "hana", 133.71, 34.61)
    await move(pool, [hana])
    found = await profile(pool, "hana")
    assert found is not None
    assert [(place.number < 0, place.name) for place in found.places] == [(True, "現在地"), (False, "自宅")]


async def test_all_bad_positions_are_refused_at_once_and_nothing_is_stored(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    good, paris, swapped, nowhere = [
        await at(pool, "hana", *point) for point in ((133.7, 34.6), (2.35, 48.86), (34.6, 133.7), (math.nan, 34.6))
    ]
    with pytest.raises(Refused) as refusal:
        await move(pool, [good, paris, swapped, nowhere])
    assert refusal.value.say("ja") == [
        "/1: 日本の外の位置です。緯度は 20〜46、経度は 122〜154 で送ってください。位置はひとつも保存していません。",
        "/2: 緯度と経度が入れ替わっています。日本の緯度は 20〜46、経度は 122〜154 です。位置はひとつも保存していません。",
        "/3: 緯度か経度が数ではありません。34.6021 のような 10 進数の度で送ってください。位置はひとつも保存していません。",
    ]
    assert [text.split(".")[0] for text in refusal.value.say("en")] == [
        "/1: This position is outside Japan: the latitude is 20 to 46 and the longitude 122 to 154",
        "/2: Latitude and longitude are swapped",
        "/3: Latitude or longitude is not a number",
    ]
    assert await pool.fetchval("select count(*) from position") == 0


async def test_a_time_without_a_zone_is_a_mistake(pool: Pool) -> None:
    with pytest.raises(ValueError, match="time zone"):
        await move(pool, [Position(1, 133.7, 34.6, datetime(2026, 11, 23))])  # noqa: DTZ001
