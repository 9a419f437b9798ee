"""The import: good rows in, bad rows listed, nothing in clear, and doing it twice changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool

from subscribers.importer import ImportResult, import_subscribers
from subscribers.rejects import open_rejects
from subscribers.store import find, leave, leave_contact, subscriber_number
from subscribers.vault import Vault
from tests.subscribers.cast import (
    HANA,
    HANA_LINE,
    HANA_WORK,
    HEADER,
    KEN,
    KEY,
    LINH,
    LINH_LINE,
    TOME,
    TOWN,
    rejects,
    take_in,
    written,
)
from words.problem import Refused

VAULT = Vault(KEY)


async def everything(pool: Pool) -> list[Any]:
    """Every stored byte about people."""
    tables = ("subscriber", "place", "contact", "topic", "lane")
    return [await pool.fetch(f"select {table}.* from {table} order by 1, 2") for table in tables]  # noqa: S608 our own names


async def test_the_town_is_taken_in(pool: Pool, tmp_path: Path) -> None:
    assert await take_in(pool, tmp_path, *TOWN) == ImportResult(
        rows=5, subscribers_new=4, places=5, contacts=5, rejected=0
    )
    people = await pool.fetch("select id, language from subscriber order by id")
    assert [tuple(row) for row in people] == [("hana", "ja"), ("ken", "ja"), ("linh", "vi"), ("tome", "ja-x-easy")]
    hana = await pool.fetch(
        "select place.name, lon, lat from place join subscriber s on s.number = subscriber and id = 'hana' order by lon"
    )
    assert [tuple(row) for row in hana] == [("自宅", 133.7, 34.6), ("職場", 133.75, 34.65)]
    assert not (tmp_path / "kawabe.csv.rejects.csv").exists()


async def test_contacts_lanes_and_topics_are_stored(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN, "mei,zh-CN,,,,mei@docomo.ne.jp,宿,34.61,133.71")
    lanes = await pool.fetch(
        "select kind, lane.name from contact join lane on lane.number = lane group by 1, 2 order by 1, 2"
    )
    assert [kind for kind, _ in lanes] == ["email", "email", "line", "phone"]
    assert {lane for kind, lane in lanes if kind != "email"} == {""}
    assert "docomo" in {lane for kind, lane in lanes if kind == "email"}
    drills = "select id from subscriber, topic where topic.name = 'drill' and topics & (1::bigint << topic.number) <> 0 order by id"
    assert [row["id"] for row in await pool.fetch(drills)] == ["hana", "linh"]


async def test_nothing_is_stored_in_clear(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    stored = str(await everything(pool)).encode()
    dumped = b"".join(
        [bytes(row["address"]) + bytes(row["lookup"]) for row in await pool.fetch("select * from contact")]
    )
    for address in (HANA_LINE, LINH_LINE, "9012345678", "8023456789", "ken@example.jp"):
        assert address.encode() not in stored + dumped


async def test_doing_it_twice_changes_nothing(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    before = await everything(pool)
    again = await take_in(pool, tmp_path, *TOWN)
    assert await everything(pool) == before
    assert again == ImportResult(rows=5, subscribers_unchanged=4, places=5, contacts=5)


async def test_only_what_changed_is_written(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, *TOWN)
    before = {row["id"]: row["changed"] for row in await pool.fetch("select id, changed from subscriber")}
    moved = KEN.replace("34.7000", "34.8000")
    result = await take_in(pool, tmp_path, HANA, HANA_WORK, moved, LINH, TOME)
    after = {row["id"]: row["changed"] for row in await pool.fetch("select id, changed from subscriber")}
    assert (result.subscribers_changed, result.subscribers_unchanged) == (1, 3)
    assert {name for name in before if before[name] != after[name]} == {"ken"}


@pytest.mark.parametrize(
    "row",
    [
        KEN.replace("ken@example.jp", "ken2@example.jp"),
        KEN.replace(",ja,", ",en,"),
        KEN.replace("festival", "food"),
        KEN.replace("自宅", "畑"),
    ],
)
async def test_any_difference_is_a_change(pool: Pool, tmp_path: Path, row: str) -> None:
    await take_in(pool, tmp_path, KEN)
    assert (await take_in(pool, tmp_path, row)).subscribers_changed == 1
    assert (await take_in(pool, tmp_path, row)).subscribers_unchanged == 1


async def test_what_a_later_file_does_not_say_stays(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    result = await take_in(pool, tmp_path, HANA_WORK)
    assert result.subscribers_changed == 1
    assert await find(pool, VAULT, "line", HANA_LINE) == "hana"
    assert await pool.fetchval("select count(*) from place") == 2


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
async def test_excels_files_are_understood(pool: Pool, tmp_path: Path, encoding: str) -> None:
    result = await import_subscribers(pool, VAULT, written(tmp_path, TOWN, encoding=encoding))
    assert (result.subscribers_new, result.rejected) == (4, 0)
    assert await pool.fetchval("select count(*) from place where name = '自宅'") == 3


async def test_bad_rows_are_listed_and_stop_nobody(pool: Pool, tmp_path: Path) -> None:
    landline = TOME.replace("080-2345-6789", "086-426-1234")
    result = await take_in(pool, tmp_path, HANA, landline, '"broken', KEN)
    assert (result.subscribers_new, result.rejected) == (2, 2)
    first, second = rejects(tmp_path)
    assert first.startswith("3,phone,固定電話のため SMS を受け取れません。")
    assert second.startswith("4,,")
    assert "426" not in first


async def test_the_reject_file_has_a_header_and_a_line_a_problem(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, ",xx,,,,,自宅,34.6,133.7")
    lines = (tmp_path / "kawabe.csv.rejects.csv").read_text(encoding="utf-8").splitlines()
    assert lines[0] == "line,column,reason_ja,reason_en"
    assert [line.split(",")[:2] for line in lines[1:]] == [["2", "id"], ["2", "language"]]


async def test_a_bad_row_leaves_the_other_rows_of_its_subscriber(pool: Pool, tmp_path: Path) -> None:
    result = await take_in(pool, tmp_path, HANA, HANA_WORK.replace("34.6500", "south"))
    assert (result.subscribers_new, result.places, result.rejected) == (1, 1, 1)


@pytest.mark.parametrize(
    ("row", "column"),
    [
        (HANA_WORK.replace("hana,,", "hana,en,"), "language"),
        (HANA_WORK.replace("hana,,,", "hana,,food,"), "topics"),
        (HANA_WORK.replace("hana,,,,", "hana,,,,090-9999-8888"), "phone"),
        (HANA_WORK.replace("hana,,,", f"hana,,,{LINH_LINE}"), "line_user_id"),
        (HANA_WORK.replace("職場", "自宅"), "lat"),
    ],
)
async def test_a_row_that_contradicts_an_earlier_one_is_refused(
    pool: Pool, tmp_path: Path, row: str, column: str
) -> None:
    result = await take_in(pool, tmp_path, HANA, row)
    assert (result.subscribers_new, result.places, result.rejected) == (1, 1, 1)
    [line] = rejects(tmp_path)
    assert line.startswith(f"3,{column},同じ id の前の行と違います。")
    assert "This differs from an earlier row of the same id." in line


async def test_repeating_the_same_is_no_contradiction(pool: Pool, tmp_path: Path) -> None:
    repeated = HANA.replace("自宅,34.6000,133.7000", "職場,34.65,133.75")
    result = await take_in(pool, tmp_path, HANA, HANA, repeated)
    assert (result.places, result.rejected) == (2, 0)


async def test_a_new_subscriber_needs_a_language(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA_WORK)
    [line] = rejects(tmp_path)
    assert "The language of a new subscriber is blank." in line
    assert not await pool.fetchval("select count(*) from subscriber")


async def test_a_line_id_belongs_to_one_subscriber(pool: Pool, tmp_path: Path) -> None:
    result = await take_in(pool, tmp_path, HANA, LINH.replace(LINH_LINE, HANA_LINE))
    assert result.rejected == 1
    [line] = rejects(tmp_path)
    assert line.startswith("3,line_user_id,")
    assert "Another subscriber already has this LINE user id." in line


async def test_a_stored_line_id_is_not_taken_over(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    assert (await take_in(pool, tmp_path, LINH.replace(LINH_LINE, HANA_LINE))).rejected == 1
    assert await find(pool, VAULT, "line", HANA_LINE) == "hana"


async def test_who_has_left_is_not_brought_back(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    await leave(pool, "hana")
    before = await everything(pool)
    assert (await take_in(pool, tmp_path, HANA)).rejected == 1
    assert "This subscriber has left. An import does not bring them back" in rejects(tmp_path)[0]
    assert await everything(pool) == before


async def test_a_closed_contact_stays_closed_until_the_address_is_another(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, TOME)
    tome = await subscriber_number(pool, "tome")
    assert tome is not None
    await leave_contact(pool, tome, "phone")
    assert (await take_in(pool, tmp_path, TOME)).subscribers_unchanged == 1
    assert await find(pool, VAULT, "phone", "+818023456789") is None
    await take_in(pool, tmp_path, TOME.replace("080-2345-6789", "080-2345-0000"))
    assert await find(pool, VAULT, "phone", "+818023450000") == "tome"


async def test_a_place_that_was_to_expire_stays_when_a_file_names_it(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, KEN)
    await pool.execute("update place set expires_at = now()")
    assert (await take_in(pool, tmp_path, KEN)).subscribers_changed == 1
    assert await pool.fetchval("select expires_at from place") is None


async def test_too_many_topics_change_nothing(pool: Pool, tmp_path: Path) -> None:
    await pool.execute("insert into topic select n, 'topic' || n from generate_series(0, 61) as n")
    with pytest.raises(Refused) as refused:
        await take_in(pool, tmp_path, *TOWN)
    assert refused.value.say("en") == [
        "topics: There can be 63 different topics in all. Use fewer; nothing was imported."
    ]
    assert "トピックは全体で 63 種類までです。" in refused.value.say("ja")[0]
    assert not await pool.fetchval("select count(*) from subscriber")


async def test_the_sixty_third_topic_still_fits(pool: Pool, tmp_path: Path) -> None:
    await pool.execute("insert into topic select n, 'topic' || n from generate_series(0, 61) as n")
    await take_in(pool, tmp_path, HANA)
    assert await pool.fetchval("select topics from subscriber") == 1 << 62


async def test_another_header_is_refused_before_anything_changes(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="The column 'phone' is missing"):
        await import_subscribers(pool, VAULT, written(tmp_path, TOWN, header=HEADER.replace("phone", "tel")))
    assert not await pool.fetchval("select count(*) from subscriber")


async def test_a_second_import_at_the_same_time_is_refused(pool: Pool, tmp_path: Path) -> None:
    async with pool.acquire() as other:
        await other.execute("select pg_advisory_lock(hashtextextended('todoke import subscribers', 0))")
        with pytest.raises(Refused, match="Another import is under way"):
            await take_in(pool, tmp_path, *TOWN)
    assert (await take_in(pool, tmp_path, *TOWN)).subscribers_new == 4


async def test_a_change_made_meanwhile_is_seen(pool: Pool, tmp_path: Path) -> None:
    await take_in(pool, tmp_path, HANA)
    async with pool.acquire() as other, other.transaction():
        await other.execute("update subscriber set left_at = now(), changed = pg_current_xact_id()")
        importing = asyncio.create_task(take_in(pool, tmp_path, HANA, HANA_WORK))
        while not await pool.fetchval("select exists (select from pg_locks where not granted)"):
            await asyncio.sleep(0)
    assert (await importing).rejected == 2
    assert "This subscriber has left." in rejects(tmp_path)[0]


async def test_progress_is_told(pool: Pool, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    await import_subscribers(
        pool, VAULT, written(tmp_path, TOWN), progress=lambda done, total: told.append((done, total))
    )
    assert told == [(5, 5)]


async def test_a_reject_file_that_cannot_be_written_is_refused_first(pool: Pool, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="The reject file cannot be written"):
        await import_subscribers(pool, VAULT, written(tmp_path, TOWN), rejects=tmp_path / "no" / "such" / "folder")
    assert not await pool.fetchval("select count(*) from subscriber")


def test_the_file_itself_is_no_reject_file(tmp_path: Path) -> None:
    path = written(tmp_path, TOWN)
    with pytest.raises(Refused, match="The reject file is the file to import"), open_rejects(path, source=path):
        pass
    assert path.read_text(encoding="utf-8").startswith(HEADER)


def many() -> list[str]:
    """100,000 rows of 80,000 subscribers: second places at the end of the file, one row in a thousand bad."""
    homes = [
        f"s{n},{'xx' if n % 1000 == 999 else 'ja'},{'drill' if n % 20 == 0 else ''},{f'U{n:032x}' if n % 10 < 7 else ''},"
        f"{f'090-{1000 + n // 10000}-{n % 10000:04}' if n % 3 == 0 else ''},{f's{n}@docomo.ne.jp' if n % 2 else ''},"
        f"自宅,{34.5 + n % 401 / 2000},{133.6 + n % 397 / 2000}"
        for n in range(80_000)
    ]
    return homes + [f"s{n},,,,,,職場,{34.5 + n % 401 / 2000},133.9" for n in range(0, 80_000, 4)]


async def test_a_hundred_thousand_rows(pool: Pool, tmp_path: Path) -> None:
    result = await take_in(pool, tmp_path, *many())
    kept = [n for n in range(80_000) if n % 1000 != 999]
    contacts = sum((n % 10 < 7) + (n % 3 == 0) + (n % 2) for n in kept)
    assert result == ImportResult(
        rows=100_000, subscribers_new=79_920, places=79_920 + 20_000, contacts=contacts, rejected=80
    )
    kinds = await pool.fetch("select kind, count(*) from contact group by kind order by kind")
    assert [count for _, count in kinds] == [
        sum(n % 2 for n in kept),
        sum(n % 10 < 7 for n in kept),
        sum(n % 3 == 0 for n in kept),
    ]
    assert await find(pool, VAULT, "line", f"U{50_003:032x}") == "s50003"
