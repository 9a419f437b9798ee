"""The audience in memory: exactly who is there, and never behind what was committed."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import numpy as np
import pytest
import shapely
from asyncpg import Pool

from dispatcher.audience import Audience, Followed, Match
from geo.area import Area
from subscribers import columns, levels
from subscribers.columns import Columns, open_audience
from subscribers.store import leave, leave_contact
from tests.subscribers.cast import HANA, KEN, LINH, TOWN, take_in

RIVER = Area.of(shapely.box(133.69, 34.59, 133.705, 34.605))
"""Hana's, Linh's and Tome's homes; not Ken's on the hill."""
KAWABE = Area.of(shapely.box(133.6, 34.5, 133.9, 34.9))

EXPECTED = """
select number, language, topics, array(
    select (kind, lane.name) from contact join lane on lane.number = contact.lane
    where subscriber = s.number and contact.left_at is null
) as contacts, array(
    select (number, lon, lat) from (
        select number, lon, lat from place
        where subscriber = s.number and (expires_at is null or expires_at > now())
        union all
        select -subscriber, lon, lat from position where subscriber = s.number and expires_at > now()
    ) as spot order by number
) as places
from subscriber as s where left_at is null order by number
"""

DAY = 86_400 * 10**9
"""Nanoseconds."""

Row = tuple[int, int, float, float, str, frozenset[tuple[str, str]]]


def rows(match: Match) -> list[Row]:
    """Each subscriber's number, place, lon, lat, language, and (kind, lane) of every reachable contact."""
    return [
        (
            int(match.subscribers[i]),
            int(match.places[i]),
            float(match.lons[i]),
            float(match.lats[i]),
            match.language_names[match.languages[i]],
            frozenset((kind, match.lane_names[lane[i]]) for kind, lane in match.lanes.items() if lane[i] >= 0),
        )
        for i in range(len(match))
    ]


async def expected(pool: Pool, area: Area, topics: Sequence[str]) -> list[Row]:
    """What `match` has to answer, one subscriber and place at a time."""
    numbers = {row["name"]: row["number"] for row in await pool.fetch("select * from topic")}
    mask = sum(1 << numbers[topic] for topic in topics if topic in numbers)
    found: list[Row] = []
    for person in await pool.fetch(EXPECTED):
        inside = [p for p in person["places"] if shapely.intersects_xy(area.geometry, p[1], p[2])]
        if inside and (not topics or person["topics"] & mask):
            found.append((person["number"], *inside[0], person["language"], frozenset(map(tuple, person["contacts"]))))
    return found


async def names(pool: Pool, match: Match) -> list[str]:
    found = await pool.fetch(
        "select id from subscriber where number = any($1) order by number", match.subscribers.tolist()
    )
    return [row["id"] for row in found]


async def opened(pool: Pool, folder: Path, *town: str) -> Columns:
    await take_in(pool, folder, *town)
    return await open_audience(pool)


async def touch(connection: Any, subscriber: str) -> None:
    """Move a subscriber to the hill, as the bot and the sign-up pages do: with `changed`."""
    await connection.execute(
        "with s as (update subscriber set changed = pg_current_xact_id() where id = $1 returning number) "
        "update place set lat = 34.8 from s where subscriber = s.number",
        subscriber,
    )


async def stand(connection: Any, subscriber: str, lon: float) -> None:
    """Somebody is by the river now, or at 134 degrees far from it."""
    await connection.execute(
        "insert into position (subscriber, lon, lat, expires_at) "
        "select number, $2, 34.6, now() + interval '1 hour' from subscriber where id = $1 on conflict (subscriber) "
        "do update set lon = excluded.lon, lat = excluded.lat, changed = pg_current_xact_id()",
        subscriber,
        lon,
    )


async def test_it_is_an_audience(pool: Pool) -> None:
    followed: Followed = await open_audience(pool)
    assert len(followed.whereabouts(np.array([1, 2]))) == 0
    audience: Audience = await open_audience(pool)
    assert len(audience.match(KAWABE)) == 0
    assert set(audience.match(KAWABE).lanes) == {"line", "phone", "email"}


async def test_who_lives_by_the_river_is_matched_and_ken_on_the_hill_is_not(pool: Pool, tmp_path: Path) -> None:
    match = (await opened(pool, tmp_path, *TOWN)).match(RIVER)
    assert await names(pool, match) == ["hana", "linh", "tome"]
    assert [match.language_names[i] for i in match.languages] == ["ja", "vi", "ja-x-easy"]
    assert (match.lanes["line"] >= 0).tolist() == [True, True, False]
    assert (match.lanes["email"] >= 0).tolist() == [False, False, False]


async def test_hana_is_matched_once_by_her_lowest_place(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    match = audience.match(KAWABE)
    assert await names(pool, match) == ["hana", "ken", "linh", "tome"]
    home = await pool.fetchval(
        "select min(place.number) from place join subscriber s on s.number = subscriber where id = 'hana'"
    )
    assert match.places[0] == home


async def test_topics_choose_among_those_who_are_there(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    assert await names(pool, audience.match(KAWABE, topics=["Drill"])) == ["hana", "linh"]
    assert await names(pool, audience.match(KAWABE, topics=["food", "festival"])) == ["ken", "linh"]
    assert len(audience.match(KAWABE, topics=["surfing"])) == 0


async def test_the_edge_of_an_area_belongs_to_it(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    assert await names(pool, audience.match(Area.of(shapely.box(133.0, 34.0, 133.7, 34.6)))) == ["hana"]


async def test_a_place_that_expired_is_no_place(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, HANA, LINH)
    await pool.execute("update place set expires_at = now() + interval '1 hour'")
    await pool.execute("update subscriber set changed = pg_current_xact_id()")
    await audience.catch_up()
    assert len(audience.match(RIVER)) == 2
    await pool.execute("update place set expires_at = now()")
    assert len((await open_audience(pool)).match(RIVER)) == 0


async def test_a_place_expires_without_anybody_touching_it(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take_in(pool, tmp_path, HANA, LINH)
    await pool.execute(
        "update place set expires_at = now() + interval '1 hour' where subscriber = (select min(number) from subscriber)"
    )
    audience = await open_audience(pool)
    assert await names(pool, audience.match(RIVER)) == ["hana", "linh"]
    elapsed = time.monotonic_ns() + 3_600 * 10**9
    monkeypatch.setattr("subscribers.clock.time.monotonic_ns", lambda: elapsed)
    assert await names(pool, audience.match(RIVER)) == ["linh"]


async def test_a_clock_that_is_a_day_wrong_changes_nobodys_whereabouts(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await take_in(pool, tmp_path, HANA, LINH)
    await pool.execute(
        "update place set expires_at = now() + interval '1 hour' * case when number % 2 = 0 then 1 else -1 end"
    )
    right = await names(pool, (await open_audience(pool)).match(RIVER))
    for wrong in (time.time_ns() + DAY, time.time_ns() - DAY):
        monkeypatch.setattr("subscribers.clock.time.time_ns", lambda wrong=wrong: wrong)
        assert await names(pool, (await open_audience(pool)).match(RIVER)) == right
    assert len(right) == 1


async def test_who_leaves_is_gone_after_catching_up(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    await leave(pool, "hana")
    await audience.catch_up()
    assert await names(pool, audience.match(RIVER)) == ["linh", "tome"]
    assert len(audience) == 3


async def test_who_joins_with_a_new_language_lane_and_topic_is_there(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, HANA)
    await take_in(pool, tmp_path, "mei,zh-Hans,temple,,,mei@docomo.ne.jp,宿,34.6,133.7")
    await audience.catch_up()
    match = audience.match(RIVER, topics=["temple"])
    assert await names(pool, match) == ["mei"]
    assert match.language_names[match.languages[0]] == "zh-Hans"
    assert match.lane_names[match.lanes["email"][0]] == "docomo"


async def test_a_closed_contact_is_reachable_no_more(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, HANA)
    await leave_contact(pool, int(audience.match(RIVER).subscribers[0]), "line")
    await audience.catch_up()
    match = audience.match(RIVER)
    assert (match.lanes["line"][0], match.lanes["phone"][0] >= 0) == (-1, True)


async def test_transactions_that_commit_out_of_order_are_all_seen(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    async with pool.acquire() as first, pool.acquire() as second:
        slow, quick = first.transaction(), second.transaction()
        await slow.start()
        await touch(first, "hana")
        await quick.start()
        await touch(second, "linh")
        await quick.commit()
        await audience.catch_up()
        assert await names(pool, audience.match(RIVER)) == ["hana", "tome"]
        await audience.catch_up()
        await slow.commit()
        await audience.catch_up()
    assert await names(pool, audience.match(RIVER)) == ["tome"]


async def test_a_transaction_older_than_the_load_is_seen_when_it_commits(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    async with pool.acquire() as connection:
        old = connection.transaction()
        await old.start()
        await touch(connection, "hana")
        await touch(pool, "ken")
        audience = await open_audience(pool)
        assert await names(pool, audience.match(RIVER)) == ["hana", "linh", "tome"]
        await old.commit()
    await audience.catch_up()
    assert await names(pool, audience.match(RIVER)) == ["linh", "tome"]


async def test_what_was_rolled_back_was_never_there(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    async with pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        await touch(connection, "hana")
        await undone.rollback()
    await audience.catch_up()
    assert await names(pool, audience.match(RIVER)) == ["hana", "linh", "tome"]


async def test_a_large_audience_comes_in_portions_that_are_the_match_together(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "SMALL_AUDIENCE", 1)
    monkeypatch.setattr(columns, "FIRST_PORTION", 1)
    await take_in(pool, tmp_path, *TOWN)
    town = await open_audience(pool)
    first, second = town.portions(KAWABE)
    assert len(first) == 1
    assert sorted(rows(first) + rows(second)) == sorted(rows(town.match(KAWABE)))


async def test_a_small_audience_is_one_portion(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    town = await open_audience(pool)
    (whole,) = town.portions(KAWABE)
    assert rows(whole) == rows(town.match(KAWABE))


async def test_named_subscribers_are_found_wherever_they_are(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    everybody = audience.match(KAWABE)
    match = await audience.among(np.array([999_999, *everybody.subscribers[::-1], everybody.subscribers[0]]))
    assert rows(match) == rows(everybody)
    assert await names(pool, await audience.among(everybody.subscribers, topics=["festival"])) == ["ken"]


async def test_a_named_subscriber_without_a_place_has_place_0(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA, KEN)
    await pool.execute("update place set expires_at = now() where lat = 34.6")
    audience = await open_audience(pool)
    match = await audience.among(np.array(await pool.fetchval("select array_agg(number) from subscriber")))
    assert (match.places[0], bool(np.isnan(match.lons[0])), bool(np.isnan(match.lats[0]))) == (0, True, True)
    assert match.lons[1] == 133.71


async def test_a_position_and_a_preference_that_commit_out_of_order_are_both_seen(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    async with pool.acquire() as first, pool.acquire() as second:
        slow, quick = first.transaction(), second.transaction()
        await slow.start()
        await stand(first, "ken", 133.70)
        await quick.start()
        await touch(second, "linh")
        await quick.commit()
        await audience.catch_up()
        assert await names(pool, audience.match(RIVER)) == ["hana", "tome"]
        await slow.commit()
        await audience.catch_up()
    assert await names(pool, audience.match(RIVER)) == ["hana", "ken", "tome"]


async def test_moves_that_commit_out_of_order_are_all_seen(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    async with pool.acquire() as first, pool.acquire() as second:
        slow, quick = first.transaction(), second.transaction()
        await slow.start()
        await stand(first, "ken", 133.70)
        await quick.start()
        await stand(second, "linh", 133.701)
        await quick.commit()
        await audience.catch_up()
        assert audience.match(RIVER).lons.tolist() == [133.7, 133.701, 133.702]
        await slow.commit()
        await audience.catch_up()
    assert await names(pool, audience.match(RIVER)) == ["hana", "ken", "linh", "tome"]


async def test_a_long_tail_is_joined_and_nothing_is_lost(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "LONGEST_TAIL", 500)
    monkeypatch.setattr(levels, "SMALLEST_MIDDLE", 1_000)
    audience = await opened(pool, tmp_path, *TOWN)
    await take_in(pool, tmp_path, *(f"s{n},ja,,,,,自宅,34.6,{133.7 + n / 1e6:.6f}" for n in range(1_500)))
    await audience.catch_up()
    await leave(pool, "hana")
    await touch(pool, "s7")
    await audience.catch_up()
    await audience.settle()
    assert rows(audience.match(RIVER)) == await expected(pool, RIVER, ())
    await touch(pool, "s8")
    await leave(pool, "s9")
    await audience.catch_up()
    assert rows(audience.match(RIVER)) == await expected(pool, RIVER, ())
    assert len(audience) == 1_502


async def sealed(pool: Pool, audience: Columns | None = None) -> dict[tuple[str, int], bytes]:
    """Every address as the audience holds it, or as the database does."""
    if audience is None:
        query = "select kind, subscriber, address from contact join subscriber on number = subscriber "
        stored = await pool.fetch(query + "where contact.left_at is null and subscriber.left_at is null")
        return {(row["kind"], row["subscriber"]): row["address"] for row in stored}
    numbers = np.arange(200)
    found = {kind: audience.sealed(kind, numbers) for kind in ("line", "phone", "email", "fax")}
    return {(kind, number): row for kind, rows in found.items() for number, row in enumerate(rows) if row}


def everywhere(audience: Columns, subscribers: list[int]) -> list[tuple[int, int, float, float]]:
    found = audience.whereabouts(np.array(subscribers))
    columns = (found.subscribers, found.places, found.lons, found.lats)
    return list(zip(*(column.tolist() for column in columns), strict=True))


async def chaos(connection: asyncpg.pool.PoolConnectionProxy, dice: random.Random) -> None:
    """One transaction of anything that can happen to a few subscribers; now and then it is undone."""
    transaction = connection.transaction()
    await transaction.start()
    for _ in range(dice.randint(1, 6)):
        number = await connection.fetchval(
            "insert into subscriber (id, language, topics) values ($1, $2, $3) on conflict (id) do update "
            "set language = excluded.language, topics = excluded.topics, changed = pg_current_xact_id(), "
            "left_at = case when $4 then now() end returning number",
            f"s{dice.randint(0, 150)}",
            dice.choice(["ja", "en", "vi", "my"]),
            dice.randint(0, 7),
            dice.random() < 0.15,
        )
        await connection.execute(
            "insert into place (subscriber, name, lon, lat, expires_at) "
            "values ($1, $2, $3, $4, now() + $5 * interval '1 day') on conflict (subscriber, name) "
            "do update set lon = excluded.lon, lat = excluded.lat, expires_at = excluded.expires_at",
            number,
            dice.choice(["home", "work", "now"]),
            133.6 + dice.randint(0, 30) / 100,
            34.5 + dice.randint(0, 30) / 100,
            dice.choice([None, None, 1, -1]),
        )
        await connection.execute(
            "insert into contact (subscriber, kind, address, lookup, lane, left_at) "
            "values ($1, $2, $6, $3, $4, case when $5 then now() end) "
            "on conflict (subscriber, kind) do update "
            "set address = excluded.address, lane = excluded.lane, left_at = excluded.left_at",
            number,
            dice.choice(["line", "phone", "email", "fax"]),
            dice.randbytes(8),
            dice.randint(1, 3),
            dice.random() < 0.3,
            dice.randbytes(dice.randint(30, 90)),
        )
    await walk(connection, dice)
    await (transaction.rollback() if dice.random() < 0.1 else transaction.commit())


async def walk(connection: Any, dice: random.Random) -> None:
    """A few people are somewhere else now, or for a while nowhere; some of them leave."""
    known = [row["number"] for row in await connection.fetch("select number from subscriber order by number")]
    for number in dice.choices(known, k=dice.randint(0, 8)):
        await connection.execute(
            "insert into position (subscriber, lon, lat, expires_at) values ($1, $2, $3, now() + $4 * interval '1 h') "
            "on conflict (subscriber) do update set lon = excluded.lon, lat = excluded.lat, "
            "expires_at = excluded.expires_at, changed = pg_current_xact_id()",
            number,
            133.6 + dice.randint(0, 30) / 100,
            34.5 + dice.randint(0, 30) / 100,
            dice.choice([1, 1, 1, -2]),
        )
    if dice.random() < 0.2:
        await leave(connection, f"s{dice.randint(0, 150)}")


@pytest.mark.parametrize(("seed", "longest_tail"), [(0, 4_000), (1, 0), (2, 5), (3, 20), (4, 5)])
async def test_every_answer_is_what_one_by_one_would_find(
    pool: Pool, seed: int, longest_tail: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "LONGEST_TAIL", longest_tail)
    monkeypatch.setattr(levels, "SMALLEST_MIDDLE", 2 * longest_tail)
    dice = random.Random(seed)
    await pool.execute("insert into topic values (0, 'drill'), (1, 'food'), (2, 'festival')")
    await pool.execute("insert into lane (name) values (''), ('docomo'), ('au')")
    audience = await open_audience(pool)
    for _ in range(25):
        async with pool.acquire() as connection:
            await chaos(connection, dice)
        await audience.catch_up()
        if dice.random() < 0.1:
            audience = await open_audience(pool)
        west, south = 133.6 + dice.randint(0, 20) / 100, 34.5 + dice.randint(0, 20) / 100
        square = shapely.box(west, south, west + dice.randint(1, 20) / 100, south + dice.randint(1, 20) / 100)
        area = Area.of(square if dice.random() < 0.5 else square.buffer(0.05).difference(square.buffer(-0.02)))
        topics = dice.choice([(), (), ("drill",), ("food", "festival"), ("nothing",)])
        people = await pool.fetch(EXPECTED)
        asked = dice.sample(range(1, 200), 60)
        assert everywhere(audience, asked) == [
            (p["number"], *q) for p in people if p["number"] in asked for q in p["places"]
        ]
        there = await expected(pool, area, topics)
        assert rows(audience.match(area, topics=topics)) == there
        assert sorted(row for part in audience.portions(area, topics=topics) for row in rows(part)) == sorted(there)
        assert await sealed(pool, audience) == await sealed(pool)


async def test_who_moves_every_day_for_a_year_takes_no_more_room(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "LONGEST_TAIL", 3)
    monkeypatch.setattr(levels, "SMALLEST_MIDDLE", 6)
    audience = await opened(pool, tmp_path, *TOWN)
    sizes = []
    for day in range(60):
        for name in ("hana", "ken", "linh", "tome"):
            await stand(pool, name, 133.7 if day % 2 else 134.0)
        await take_in(pool, tmp_path, HANA.replace("a" * 32, f"{day:032x}"))
        await audience.catch_up()
        await audience.settle()
        sizes.append(audience.sizes())
    assert max(each["spots"] for each in sizes) <= 2 * 4 + 6
    assert max(each["homes"] for each in sizes) <= 2 * 4 + 6
    assert max(each["addresses"] for each in sizes[30:]) <= 2 * max(each["addresses"] for each in sizes[:30])


async def test_whoever_listens_gets_the_numbers_of_those_who_changed(pool: Pool, tmp_path: Path) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    who = {row["id"]: row["number"] for row in await pool.fetch("select id, number from subscriber")}
    with audience.changes() as changes:
        await stand(pool, "ken", 133.7)
        await audience.catch_up()
        await leave(pool, "tome")
        await stand(pool, "ken", 133.8)
        await audience.catch_up()
        assert (await changes.next()).tolist() == sorted([who["ken"], who["tome"]])
        await touch(pool, "hana")
        await audience.catch_up()
        assert (await changes.next()).tolist() == [who["hana"]]


async def test_whoever_listens_is_woken_by_the_next_change_and_sees_it_in_the_audience(
    pool: Pool, tmp_path: Path
) -> None:
    audience = await opened(pool, tmp_path, *TOWN)
    with audience.changes() as changes:
        waiting = asyncio.create_task(changes.next())
        await audience.catch_up()
        assert not waiting.done()
        await stand(pool, "ken", 133.7)
        async with audience.following():
            numbers = await waiting
    assert await names(pool, await audience.among(numbers)) == ["ken"]
    assert await names(pool, audience.match(RIVER)) == ["hana", "ken", "linh", "tome"]
