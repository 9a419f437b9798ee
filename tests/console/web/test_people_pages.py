"""Subscribers over HTTP: counts for everybody, one person for whoever says why, and every look on record."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from console.accounts import Role
from console.people.counts import KEPT_SECONDS, Counting, count
from console.people.search import MOST_SEARCHES
from subscribers.store import leave
from tests.console.office import VAULT, Desk, Hired, Office
from tests.dispatcher.engine_room import CAST, Kawabe, order

HANAS = "090-1111-0001"
REASON = "本人から電話で問い合わせ"


@pytest.fixture(autouse=True)
async def town(office: Office, tmp_path: Path) -> Kawabe:
    town = Kawabe(office.pool, VAULT)
    await town.settle(tmp_path, list(CAST.values()))
    return town


@pytest.fixture
async def satos(office: Office, sato: Hired) -> Desk:
    desk = await office.signed_in(sato)
    await desk.get("/subscribers")
    return desk


async def last_record(office: Office) -> tuple[str, str, dict[str, object]]:
    [row] = await office.pool.fetch("select action, subject, details from audit order by seq desc limit 1")
    return row["action"], row["subject"], json.loads(row["details"])


async def test_everybody_sees_how_many_there_are(office: Office) -> None:
    await leave(office.pool, "mei")
    kudo = await office.signed_in(await office.hire("kudo", "工藤", Role.VIEWER))
    said = (await kudo.get("/subscribers")).text
    assert "<dt>登録者</dt><dd>4</dd>" in said
    assert "<dt>登録を解除した人</dt><dd>1</dd>" in said
    assert 'action="/subscribers/search"' not in said


async def test_counts_are_of_people_by_language_contact_and_topic(office: Office) -> None:
    counts = await count(office.pool)
    assert (counts.here, counts.gone, counts.unreachable) == (5, 0, 0)
    assert counts.languages == {"ja": 2, "ja-x-easy": 1, "vi": 1, "zh-Hans": 1}
    assert counts.kinds == {"email": 2, "line": 2, "phone": 2}
    assert counts.topics == {"drill": 1}


async def test_who_closed_every_contact_is_counted_as_out_of_reach(office: Office) -> None:
    await office.pool.execute(
        "update contact set left_at = now() from subscriber where number = subscriber and id = 'ken'"
    )
    assert (await count(office.pool)).unreachable == 1


async def test_people_are_counted_once_a_minute_however_many_look(office: Office) -> None:
    now = 0.0
    counting = Counting(office.pool, lambda: now)
    first, second = await asyncio.gather(counting.counts(), counting.counts())
    assert first is second
    await leave(office.pool, "mei")
    assert await counting.counts() is first
    now = KEPT_SECONDS
    assert (await counting.counts()).gone == 1


@pytest.mark.parametrize(
    ("address", "who"),
    [
        (HANAS, "hana"),
        ("０９０１１１１０００１", "hana"),
        ("+81 90 1111 0001", "hana"),
        ("ken@kawabe.example", "ken"),
        (f"U{'b' * 32}", "linh"),
    ],
)
async def test_an_exact_address_finds_who_has_it(satos: Desk, address: str, who: str) -> None:
    said = await satos.post("/subscribers/search", address=address, reason=REASON)
    assert said.status == 200
    assert f"<code>{who}</code>" in said.text


async def test_a_part_of_an_address_finds_nobody(satos: Desk) -> None:
    said = await satos.post("/subscribers/search", address="wabe.example@kawabe.example", reason=REASON)
    assert "この連絡先で登録した人はいません" in said.text


async def test_the_record_holds_the_reason_and_who_was_found_but_no_address(office: Office, satos: Desk) -> None:
    await satos.post("/subscribers/search", address=HANAS, reason=REASON)
    action, subject, details = await last_record(office)
    assert (action, subject) == ("subscriber.searched", "subscribers")
    assert details == {"kind": "phone", "reason": REASON, "found": ["hana"]}


async def test_a_search_that_finds_nobody_is_on_record_too(office: Office, satos: Desk) -> None:
    await satos.post("/subscribers/search", address="090-9999-0001", reason=REASON)
    assert (await last_record(office))[2]["found"] == []


async def test_without_a_reason_nobody_is_looked_up(office: Office, satos: Desk) -> None:
    said = await satos.post("/subscribers/search", address=HANAS, reason="  a  ")
    assert said.status == 422
    assert "調べる理由を" in said.text
    assert "<code>hana</code>" not in said.text
    assert "subscriber.searched" not in await office.actions()


async def test_what_is_no_address_is_told_with_everything_else_that_is_wrong(satos: Desk) -> None:
    said = await satos.post("/subscribers/search", address="hana", reason="")
    assert said.status == 422
    assert said.text.count("<li>") >= 2


async def test_a_family_that_shares_a_telephone_is_found_whole(town: Kawabe, satos: Desk, tmp_path: Path) -> None:
    await town.settle(tmp_path, [f"saki,en,,,{HANAS},,home,34.6,133.7"])
    said = (await satos.post("/subscribers/search", address=HANAS, reason=REASON)).text
    assert "<code>hana</code>" in said
    assert "<code>saki</code>" in said


async def test_somebody_who_left_is_found_with_the_time(office: Office, satos: Desk) -> None:
    await leave(office.pool, "hana")
    assert "に登録を解除" in (await satos.post("/subscribers/search", address=HANAS, reason=REASON)).text


async def test_why_hana_got_it_is_told_and_recorded(office: Office, town: Kawabe, satos: Desk) -> None:
    end = await town.sent(order())
    found = (await satos.post("/subscribers/search", address=HANAS, reason=REASON)).text
    assert f'<option value="{end.dispatch}">' in found
    said = await satos.post("/subscribers/why", subscriber="hana", dispatch=end.dispatch, reason=REASON)
    assert said.status == 200
    assert "場所「自宅」が区域内です" in said.text
    assert "<h3>LINE（日本語）: 受付済み</h3>" in said.text
    assert await last_record(office) == (
        "subscriber.explained",
        "subscriber:hana",
        {"dispatch": end.dispatch, "reason": REASON},
    )


async def test_why_ken_got_nothing_is_told_in_english_too(town: Kawabe, satos: Desk) -> None:
    end = await town.sent(order())
    await satos.post("/language", language="en", back="/subscribers")
    said = await satos.post("/subscribers/why", subscriber="ken", dispatch=end.dispatch, reason=REASON)
    assert "ken was not in dispatch" in said.text
    assert "is about 5.8 km from it" in said.text


async def test_a_dispatch_nobody_knows_is_refused_and_records_nothing(office: Office, satos: Desk) -> None:
    said = await satos.post("/subscribers/why", subscriber="hana", dispatch="261101-aaaaaa", reason=REASON)
    assert said.status == 404
    assert "subscriber.explained" not in await office.actions()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TOURISM])
async def test_who_may_only_look_finds_nobody(office: Office, role: Role) -> None:
    kudo = await office.signed_in(await office.hire("kudo", "工藤", role))
    assert (await kudo.post("/subscribers/search", address=HANAS, reason=REASON)).status == 403
    assert (await kudo.post("/subscribers/why", subscriber="hana", dispatch="x", reason=REASON)).status == 403


async def test_a_role_taken_away_finds_nobody_from_then_on(office: Office, sato: Hired, satos: Desk) -> None:
    await office.pool.execute("update officer set roles = array['viewer'] where id = $1", sato.id)
    said = await satos.post("/subscribers/search", address=HANAS, reason=REASON)
    assert said.status == 403
    assert "<code>hana</code>" not in said.text


async def test_whoever_goes_through_a_list_is_stopped(office: Office, satos: Desk, mori: Hired) -> None:
    for _ in range(MOST_SEARCHES):
        assert (await satos.post("/subscribers/search", address=HANAS, reason=REASON)).status == 200
    said = await satos.post("/subscribers/search", address=HANAS, reason=REASON)
    assert said.status == 429
    assert "<code>hana</code>" not in said.text
    moris = await office.signed_in(mori)
    await moris.get("/subscribers")
    assert (await moris.post("/subscribers/search", address=HANAS, reason=REASON)).status == 200


async def test_an_address_asked_for_by_its_link_is_not_looked_up(satos: Desk) -> None:
    assert (await satos.get(f"/subscribers/search?address={HANAS}&reason={REASON}")).status == 405
