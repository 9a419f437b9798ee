"""The record as a page: who may read it, what one can filter by, and taking it away."""

from __future__ import annotations

import csv
import io
import json

import pytest

from console import audit
from console.accounts import Role
from console.audit.reading import PAGE
from tests.console.office import Desk, Hired, Office


@pytest.fixture
async def moris(office: Office, mori: Hired) -> Desk:
    return await office.signed_in(mori)


async def note(office: Office, action: str, subject: str, *, actor: int | None = None, **details: object) -> int:
    async with office.pool.acquire() as connection, connection.transaction():
        return await audit.record(connection, actor=actor, action=action, subject=subject, details=details)


async def test_who_did_what_is_read_the_newest_first(office: Office, moris: Desk, sato: Hired) -> None:
    first = await note(office, "shelter.status", "shelter:E1", actor=sato.id, to="open")
    second = await note(office, "order.void", "order:12", why="late")
    said = (await moris.get("/record")).text
    assert said.index(f'id="row-{second}"') < said.index(f'id="row-{first}"')
    row = said.split(f'id="row-{first}"')[1].split("</tr>")[0]
    assert "佐藤" in row
    assert "shelter.status" in row
    assert "open" in row
    assert "プログラム" in said.split(f'id="row-{second}"')[1].split("</tr>")[0]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.AUTHOR, Role.APPROVER, Role.TOURISM])
async def test_who_watches_over_nobody_reads_nothing(office: Office, role: Role) -> None:
    kudo = await office.signed_in(await office.hire("kudo", "工藤", role))
    assert (await kudo.get("/record")).status == 403
    assert (await kudo.post("/record/export")).status == 403
    assert 'href="/record"' not in (await kudo.get("/")).text


async def test_an_auditor_reads_it(office: Office) -> None:
    ueda = await office.signed_in(await office.hire("ueda", "上田", Role.AUDITOR))
    assert (await ueda.get("/record")).status == 200


async def test_it_is_narrowed_by_kind_officer_subject_and_day(office: Office, moris: Desk, sato: Hired) -> None:
    mine = await note(office, "shelter.status", "shelter:E1", actor=sato.id)
    other = await note(office, "shelter.status_of_all", "shelters")
    for query, wanted, left_out in [
        ("group=shelter", {mine, other}, set()),
        ("group=order", set(), {mine, other}),
        ("login=sato&group=shelter", {mine}, {other}),
        ("subject=shelter:E1", {mine}, {other}),
        ("since=2000-01-01&until=2000-01-02", set(), {mine, other}),
        ("since=2000-01-01&until=8000-01-02", {mine, other}, set()),
    ]:
        said = (await moris.get(f"/record?{query}")).text
        assert all(f'id="row-{seq}"' in said for seq in wanted), query
        assert not any(f'id="row-{seq}"' in said for seq in left_out), query


async def test_older_rows_are_a_link_away_and_none_is_shown_twice(office: Office, moris: Desk) -> None:
    made = [await note(office, "order.void", f"order:{each}") for each in range(PAGE + 3)]
    first = (await moris.get("/record?group=order")).text
    link = first.split('<a href="/record?')[1].split('"')[0].replace("&amp;", "&")
    second = (await moris.get(f"/record?{link}")).text
    on_first, on_second = ({seq for seq in made if f'id="row-{seq}"' in text} for text in (first, second))
    assert on_first | on_second == set(made)
    assert not on_first & on_second
    assert "もっと前のもの" not in second


@pytest.mark.parametrize(
    "query", ["group=drop", "since=yesterday", "until=9999-12-31", "before=x", "before=" + "9" * 30, "since=%00"]
)
async def test_a_filter_that_is_none_is_told_and_everything_shown(moris: Desk, query: str) -> None:
    said = await moris.get(f"/record?{query}")
    assert said.status in {200, 422}
    assert 'id="row-1"' in said.text


async def test_what_somebody_wrote_is_shown_as_text(office: Office, moris: Desk) -> None:
    await note(office, "template.written", "template:<b>", name="<script>alert(1)</script>")
    said = (await moris.get("/record")).text
    assert "<script>alert" not in said
    assert "&lt;script&gt;" in said


async def test_it_is_taken_away_as_csv_and_that_is_on_record(office: Office, moris: Desk, sato: Hired) -> None:
    await note(office, "shelter.status", "=cmd|' /C calc'!A0", actor=sato.id, to="open")
    await note(office, "order.void", "order:12")
    await moris.get("/record")
    said = await moris.post("/record/export", group="shelter")
    assert said.headers["Content-Type"] == "text/csv; charset=utf-8"
    [head, row] = csv.reader(io.StringIO(said.text.removeprefix("\ufeff")))
    assert head == ["number", "at", "login", "name", "action", "subject", "details"]
    assert row[2:6] == ["sato", "佐藤", "shelter.status", "'=cmd|' /C calc'!A0"]
    assert json.loads(row[6]) == {"to": "open"}
    [told] = await office.pool.fetch("select action, details from audit order by seq desc limit 1")
    assert told["action"] == "record.exported"
    assert json.loads(told["details"])["group"] == "shelter"


async def test_a_long_record_is_taken_away_whole(office: Office, moris: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.audit.reading._PIECE", 3)
    made = [await note(office, "order.void", f"order:{each}") for each in range(9)]
    await moris.get("/record")
    said = await moris.post("/record/export", group="order")
    [_, *rows] = csv.reader(io.StringIO(said.text.removeprefix("\ufeff")))
    assert [int(row[0]) for row in rows] == made[::-1]
