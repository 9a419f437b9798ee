"""The board of shelters over HTTP."""

from __future__ import annotations

import json

import pytest

from console.accounts import Role
from dispatcher.gazetteer import import_shelters, set_all_statuses, shelters
from geo.shelters import ShelterStatus
from tests.console.office import Desk, Hired, Office
from todoke.town.fictional import write_town

SCHOOL = "E99201000001"


@pytest.fixture(autouse=True)
async def gymnasiums(office: Office, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The shelters of Kawabe, none of them open yet."""
    town = write_town(tmp_path_factory.mktemp("town"))
    await import_shelters(office.pool, town.shelters.read_bytes())


@pytest.fixture
async def satos(office: Office, sato: Hired) -> Desk:
    return await office.signed_in(sato)


async def status_of(office: Office, shelter: str) -> ShelterStatus:
    return {each.shelter.id: each.status for each in await shelters(office.pool)}[shelter]


async def test_one_click_opens_a_shelter_and_says_who_did(office: Office, satos: Desk) -> None:
    await satos.get("/shelters")
    said = await satos.post("/shelters/status", shelter=SCHOOL, to="open", seen="unopened")
    assert (said.status, said.headers["Location"]) == (303, f"/shelters#shelter-{SCHOOL}")
    assert await status_of(office, SCHOOL) is ShelterStatus.OPEN
    row = (await satos.get("/shelters")).text.split(f'id="shelter-{SCHOOL}"')[1].split("</li>")[0]
    assert "佐藤" in row
    assert 'value="open" class="say" aria-pressed="true"' in row


async def test_what_was_said_is_recorded(office: Office, satos: Desk) -> None:
    await satos.get("/shelters")
    await satos.post("/shelters/status", shelter=SCHOOL, to="open", seen="unopened")
    [row] = await office.pool.fetch("select subject, details from audit where action = 'shelter.status'")
    assert row["subject"] == f"shelter:{SCHOOL}"
    assert json.loads(row["details"]) == {"from": "unopened", "to": "open"}


async def test_who_saw_an_older_state_is_told_and_changes_nothing(office: Office, satos: Desk, mori: Hired) -> None:
    moris = await office.signed_in(mori)
    await moris.get("/shelters")
    await moris.post("/shelters/status", shelter=SCHOOL, to="full", seen="unopened")
    await satos.get("/shelters")
    said = await satos.post("/shelters/status", shelter=SCHOOL, to="open", seen="unopened")
    assert said.status == 409
    assert "この画面を開いたあとに森が「満員」にしました" in said.text
    assert await status_of(office, SCHOOL) is ShelterStatus.FULL


@pytest.mark.parametrize("role", [Role.VIEWER, Role.TOURISM, Role.AUDITOR])
async def test_who_may_only_look_changes_nothing(office: Office, role: Role) -> None:
    kudo = await office.signed_in(await office.hire("kudo", "工藤", role))
    assert 'name="to"' not in (await kudo.get("/shelters")).text
    assert (await kudo.post("/shelters/status", shelter=SCHOOL, to="open", seen="unopened")).status == 403
    assert (await kudo.post("/shelters/all", fit="flood", to="open", sure="yes")).status == 403
    assert await status_of(office, SCHOOL) is ShelterStatus.UNOPENED


async def test_a_role_taken_away_counts_at_once(office: Office, sato: Hired, satos: Desk) -> None:
    await satos.get("/shelters")
    await office.pool.execute("update officer set roles = array['viewer'] where id = $1", sato.id)
    assert (await satos.post("/shelters/status", shelter=SCHOOL, to="open", seen="unopened")).status == 403


async def test_a_shelter_nobody_knows_is_named_with_its_nearest(office: Office, satos: Desk) -> None:
    await satos.get("/shelters")
    said = await satos.post("/shelters/status", shelter="E9920100001", to="open", seen="unopened")
    assert said.status == 404
    assert SCHOOL in said.text
    assert "shelter.status" not in await office.actions()


@pytest.mark.parametrize(("to", "seen"), [("", "open"), ("burnt", "open"), ("open", "x"), ("open\0x", "open")])
async def test_a_status_that_is_none_is_refused(office: Office, satos: Desk, to: str, seen: str) -> None:
    await satos.get("/shelters")
    assert (await satos.post("/shelters/status", shelter=SCHOOL, to=to, seen=seen)).status == 422
    assert await status_of(office, SCHOOL) is ShelterStatus.UNOPENED


async def test_all_that_fit_a_flood_are_opened_at_once(office: Office, satos: Desk) -> None:
    await satos.get("/shelters")
    said = await satos.post("/shelters/all", fit="flood", to="open", sure="yes")
    assert said.headers["Location"] == "/shelters?hazard=flood"
    fit = [each for each in await shelters(office.pool) if each.shelter.hazards & 1]
    others = [each for each in await shelters(office.pool) if not each.shelter.hazards & 1]
    assert {each.status for each in fit} == {ShelterStatus.OPEN}
    assert ShelterStatus.OPEN not in {each.status for each in others}
    assert await office.pool.fetchval("select details::json->>'shelters' from audit order by seq desc limit 1") == str(
        len(fit)
    )


async def test_nothing_is_opened_by_somebody_who_is_not_sure(office: Office, satos: Desk) -> None:
    await satos.get("/shelters")
    said = await satos.post("/shelters/all", fit="flood", to="open")
    assert said.status == 422
    assert "まだ何も変わっていません" in said.text
    assert await status_of(office, SCHOOL) is ShelterStatus.UNOPENED


async def test_the_list_is_narrowed_by_words_status_and_hazard(office: Office, satos: Desk) -> None:
    await set_all_statuses(office.pool, ShelterStatus.OPEN, hazard="flood")
    first = (await shelters(office.pool))[0].shelter
    assert f'id="shelter-{first.id}"' in (await satos.get(f"/shelters?words={first.name}")).text
    narrowed = (await satos.get("/shelters?status=unopened&hazard=flood")).text
    assert "当てはまる避難所はありません" in narrowed


@pytest.mark.parametrize("query", ["status=burnt", "hazard=locusts", "words=%00&status=%00"])
async def test_a_filter_that_is_none_shows_everything_and_says_so(satos: Desk, query: str) -> None:
    said = await satos.get(f"/shelters?{query}")
    assert said.status in {200, 422}
    assert f'id="shelter-{SCHOOL}"' in said.text


async def test_the_part_that_asks_for_itself_keeps_no_sign_in_alive(office: Office, satos: Desk) -> None:
    await office.pool.execute("update sign_in set seen_at = now() - interval '20 minutes'")
    assert f'id="shelter-{SCHOOL}"' in (await satos.get("/shelters/rows", **{"HX-Request": "true"})).text
    assert await office.pool.fetchval("select max(seen_at) < now() - interval '19 minutes' from sign_in")
