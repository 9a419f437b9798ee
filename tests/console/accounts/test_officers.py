"""Who makes whom an officer, and who may give somebody more."""

from __future__ import annotations

import re

import asyncpg
import pytest

from console.accounts import Role, elevation, staff, still
from tests.console.office import PASSWORD, Desk, Hired, Office, code_of
from words.problem import Refused

LINK = re.compile(r"/enrol\?code=([\w-]{22})<")
SEALED = re.compile(r'name="sealed" value="([0-9a-f]+)"')
SECRET = re.compile(r"<code>([A-Z2-7]{32})</code>")


async def roles_of(office: Office, hired: Hired) -> set[str]:
    return set(await office.pool.fetchval("select roles from officer where id = $1", hired.id))


async def enrol(desk: Desk, code: str, password: str = PASSWORD) -> tuple[int, str, str]:
    shown = (await desk.get(f"/enrol?code={code}")).text
    sealed, secret = SEALED.findall(shown)[0], SECRET.findall(shown)[0]
    proof = code_of(Hired(0, "", secret), desk.clock)
    said = await desk.post("/enrol", invitation=code, sealed=sealed, password=password, again=password, code=proof)
    return said.status, said.text, secret


async def test_a_new_officer_chooses_password_and_factor_alone(office: Office, mori: Hired, desk: Desk) -> None:
    his = await office.signed_in(mori)
    code = LINK.findall((await his.post("/officers", name="花", login="hana")).text)[0]
    status, text, secret = await enrol(desk, code)
    assert (status, "登録しました" in text) == (200, True)
    hana = await office.signed_in(Hired(0, "hana", secret))
    assert "花: 閲覧" in (await hana.get("/account")).text
    assert (await desk.get(f"/enrol?code={code}")).status == 404
    assert await office.actions() == ["sign_in.confirmed", "officer.added", "officer.enrolled", "sign_in.confirmed"]


async def test_a_weak_password_is_refused_when_enrolling_and_the_link_stays_good(office: Office, desk: Desk) -> None:
    made = await staff.add_administrator(office.pool, login="sato", name="佐藤")
    status, text, _ = await enrol(desk, made.code, "川辺町川辺町川辺町")
    assert (status, "推測されやすいパスワードです。" in text) == (422, True)
    assert (await enrol(desk, made.code))[0] == 200


async def test_an_invitation_lasts_a_day(office: Office, desk: Desk) -> None:
    made = await staff.add_administrator(office.pool, login="sato", name="佐藤")
    await office.pool.execute("update officer set enrol_until = now() - interval '1 second'")
    said = await desk.get(f"/enrol?code={made.code}")
    assert (said.status, "この登録リンクは使えません。" in said.text) == (404, True)


async def test_the_command_line_makes_two_administrators_and_no_third(office: Office) -> None:
    for login in ("sato", "mori"):
        await staff.add_administrator(office.pool, login=login, name=login)
    with pytest.raises(Refused, match="There are two administrators already"):
        await staff.add_administrator(office.pool, login="ando", name="安藤")


async def test_more_roles_take_a_second_administrator(office: Office, sato: Hired, mori: Hired, ando: Hired) -> None:
    his, theirs = await office.signed_in(mori), await office.signed_in(ando)
    assert (await his.post(f"/officers/{sato.id}/propose", role=["approver"])).status == 303
    refused = await his.post("/elevations/1/grant")
    assert (refused.status, "提案した本人は認められません。" in refused.text) == (403, True)
    assert await roles_of(office, sato) == {"viewer", "author"}
    assert (await theirs.post("/elevations/1/grant")).status == 303
    assert await roles_of(office, sato) == {"viewer", "author", "approver"}
    assert (await theirs.post("/elevations/1/grant")).status == 409


async def test_the_database_too_takes_no_elevation_by_its_proposer(office: Office, sato: Hired, mori: Hired) -> None:
    number = await elevation.propose_roles(office.pool, sato.id, [Role.APPROVER], by=mori.id)
    with pytest.raises(asyncpg.CheckViolationError):
        await office.pool.execute(
            "update elevation set decided_by = $1, decided_at = now(), granted = true where id = $2", mori.id, number
        )


async def test_a_proposal_lapses_with_its_proposers_rights(
    office: Office, sato: Hired, mori: Hired, ando: Hired
) -> None:
    number = await elevation.propose_roles(office.pool, sato.id, [Role.APPROVER], by=mori.id)
    await staff.withdraw(office.pool, mori.id, Role.ADMINISTRATOR, by=ando.id)
    with pytest.raises(Refused, match="needs the role administrator"):
        await elevation.grant(office.pool, number, by=ando.id)


async def test_a_proposal_is_open_for_seven_days(office: Office, sato: Hired, mori: Hired, ando: Hired) -> None:
    number = await elevation.propose_roles(office.pool, sato.id, [Role.APPROVER], by=mori.id)
    await office.pool.execute("update elevation set proposed_at = now() - interval '8 days'")
    with pytest.raises(Refused, match="older than seven days"):
        await elevation.grant(office.pool, number, by=ando.id)


async def test_a_lost_telephone_takes_two_administrators_and_ends_every_sign_in(
    office: Office, sato: Hired, mori: Hired, ando: Hired, desk: Desk
) -> None:
    hers, theirs = await office.signed_in(sato), await office.signed_in(ando)
    await elevation.propose_reset(office.pool, sato.id, by=mori.id)
    code = LINK.findall((await theirs.post("/elevations/1/grant")).text)[0]
    assert (await hers.get("/account")).status == 401
    assert (await desk.give_password(sato)).status == 401
    assert (await enrol(desk, code))[0] == 200
    assert await roles_of(office, sato) == {"viewer", "author"}


@pytest.mark.parametrize("path", ["/officers", "/officers/1/disable", "/elevations/1/grant", "/officers/1/propose"])
async def test_who_is_no_administrator_changes_nobody(office: Office, sato: Hired, path: str) -> None:
    hers = await office.signed_in(sato)
    said = await hers.post(path, name="x", login="xy", role="approver")
    assert (said.status, "この操作には「管理」の権限が必要です。" in said.text) == (403, True)


async def test_disabling_ends_sign_ins_at_once_and_coming_back_gives_the_least(
    office: Office, sato: Hired, mori: Hired
) -> None:
    hers, his = await office.signed_in(sato), await office.signed_in(mori)
    assert (await his.post(f"/officers/{sato.id}/disable")).status == 303
    assert (await hers.get("/account")).status == 401
    await his.post(f"/officers/{sato.id}/enable")
    assert await roles_of(office, sato) == {"viewer"}
    assert (await hers.get("/account")).status == 401


async def test_the_last_administrator_stays(office: Office, mori: Hired) -> None:
    his = await office.signed_in(mori)
    said = await his.post(f"/officers/{mori.id}/withdraw", role="administrator")
    assert (said.status, "管理者がいなくなるため、行えません。" in said.text) == (409, True)
    assert (await his.post(f"/officers/{mori.id}/disable")).status == 403


async def test_an_administrators_act_wants_a_fresh_code(office: Office, sato: Hired, mori: Hired) -> None:
    his = await office.signed_in(mori)
    await office.pool.execute("update sign_in set factor_at = now() - interval '5 minutes 1 second'")
    said = await his.post(f"/officers/{sato.id}/disable")
    assert (said.status, "この操作には、5 分以内の確認コードが必要です。" in said.text) == (401, True)
    office.clock.tick()
    assert (await his.post(f"/officers/{sato.id}/disable", code=code_of(mori, office.clock))).status == 303
    assert (await his.get("/officers")).status == 200


async def test_rights_are_read_again_in_the_transaction_that_acts(office: Office, sato: Hired) -> None:
    async with office.pool.acquire() as connection, connection.transaction():
        await still(connection, sato.id, Role.AUTHOR, Role.APPROVER)
        with pytest.raises(Refused, match="needs the role approver"):
            await still(connection, sato.id, Role.APPROVER)


async def test_a_right_cannot_go_while_somebody_acts_on_it(office: Office, sato: Hired) -> None:
    async with office.pool.acquire() as acting, office.pool.acquire() as taking, acting.transaction():
        await still(acting, sato.id, Role.AUTHOR)
        await taking.execute("set lock_timeout = '50ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await taking.execute("update officer set roles = '{viewer}'")
        await taking.execute("reset lock_timeout")


async def test_a_changed_password_ends_every_other_sign_in(office: Office, sato: Hired) -> None:
    here, there = await office.signed_in(sato), await office.signed_in(sato)
    new = "nine cranes above the weir"
    assert (await here.post("/account/password", old="no", password=new, again=new)).status == 401
    assert (await here.post("/account/password", old=PASSWORD, password=new, again=new)).status == 303
    assert ((await here.get("/account")).status, (await there.get("/account")).status) == (200, 401)
    assert (await there.give_password(sato, new)).status == 303
