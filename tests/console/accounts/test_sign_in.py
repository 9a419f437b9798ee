"""The door: who comes in, how often one may be wrong, and when one is out again."""

from __future__ import annotations

import asyncio
import hashlib
import re

import pytest

from console.accounts.tries import password_limits
from tests.console.office import PASSWORD, VAULT, Answer, Desk, Hired, Office, code_of

WRONG = "ログイン名かパスワードが違います。もう一度入力してください。"


def alike(answer: Answer) -> tuple[int, str]:
    """But for the token, which is another on each page."""
    return answer.status, without_token(answer)


def without_token(answer: Answer) -> str:
    return re.sub(r"[0-9a-f]{64}", "", answer.text)


async def test_a_password_and_a_code_let_sato_in(office: Office, sato: Hired, desk: Desk) -> None:
    assert (await desk.give_password(sato)).headers["Location"] == "/sign-in/code"
    assert (await desk.get("/account")).status == 401
    assert (await desk.give_code(sato)).headers["Location"] == "/"
    assert "佐藤" in (await desk.get("/account")).text
    assert await office.actions() == ["sign_in.confirmed"]


async def test_an_unknown_name_and_a_wrong_password_look_alike_and_cost_alike(office: Office, sato: Hired) -> None:
    known, unknown = office.desk(), office.desk()
    first = await known.give_password(sato, "wrong")
    assert office.console.passwords.compared == 1
    second = await unknown.give_password(Hired(0, "sato", ""), "wrong")
    other = await unknown.post("/sign-in", login="nobody", password="wrong")
    assert office.console.passwords.compared == 3
    assert alike(first) == alike(second)
    assert (other.status, other.text.replace("nobody", "sato").count(WRONG)) == (401, 1)
    assert without_token(other).replace("nobody", "sato") == without_token(first)


async def test_somebody_disabled_or_not_enrolled_is_nobody(office: Office, sato: Hired, desk: Desk) -> None:
    await office.pool.execute("update officer set disabled_at = now()")
    said = await desk.give_password(sato)
    assert (said.status, WRONG in said.text, office.console.passwords.compared) == (401, True, 1)


async def test_the_eleventh_bad_password_in_a_quarter_of_an_hour_is_not_looked_at(office: Office, sato: Hired) -> None:
    desk = office.desk()
    assert [(await desk.give_password(sato, "wrong")).status for _ in range(10)] == [401] * 10
    said = await desk.give_password(sato)
    assert (said.status, said.headers["Retry-After"]) == (429, "900")
    assert "失敗が続いたため、しばらくログインできません。15 分ほど待つか、別の端末から" in said.text
    assert office.console.passwords.compared == 10


async def test_nobody_is_locked_out_for_good_or_from_elsewhere(office: Office, sato: Hired, mori: Hired) -> None:
    desk = office.desk()
    for _ in range(10):
        await desk.give_password(sato, "wrong")
    assert (await desk.give_password(sato, **{"X-Forwarded-For": "198.51.100.7"})).status == 303
    assert (await office.desk().give_password(mori)).status == 303
    await office.pool.execute("update sign_in_try set at = at - interval '16 minutes'")
    assert (await office.desk().give_password(sato)).status == 303


async def test_many_at_once_are_no_way_around_the_limit(office: Office, sato: Hired, desk: Desk) -> None:
    await desk.get("/sign-in")
    guesses = (desk.post("/sign-in", login="sato", password=f"guess {number}") for number in range(14))
    statuses = sorted([said.status for said in await asyncio.gather(*guesses)])
    assert statuses == [401] * 10 + [429] * 4
    assert office.console.passwords.compared == 10


async def test_one_machine_tries_no_more_than_a_hundred_accounts(office: Office, sato: Hired, desk: Desk) -> None:
    await desk.get("/sign-in")
    await office.pool.execute(
        "insert into sign_in_try (whom) select $1 from generate_series(1, 100)",
        password_limits(VAULT, "sato", "127.0.0.1")[1].whom,
    )
    assert (await desk.post("/sign-in", login="nobody", password="guess")).status == 429


@pytest.mark.parametrize("steps", [-1, 1, 2], ids=["past", "next", "after next"])
async def test_only_the_running_code_counts(sato: Hired, desk: Desk, steps: int) -> None:
    await desk.give_password(sato)
    said = await desk.post("/sign-in/code", code=code_of(sato, desk.clock, steps=steps))
    assert (said.status, "確認コードが違うか、使用済みです。" in said.text) == (401, True)


async def test_a_code_is_taken_once(office: Office, sato: Hired) -> None:
    await office.signed_in(sato)
    other = office.desk()
    await other.give_password(sato)
    await other.get("/sign-in/code")
    assert (await other.post("/sign-in/code", code=code_of(sato, office.clock))).status == 401


async def test_a_code_typed_with_a_japanese_keyboard_counts(sato: Hired, desk: Desk) -> None:
    await desk.give_password(sato)
    wide = code_of(sato, desk.clock).translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    assert (await desk.post("/sign-in/code", code=wide)).status == 303


async def test_the_fifth_wrong_code_ends_the_sign_in(office: Office, sato: Hired, desk: Desk) -> None:
    await desk.give_password(sato)
    said = [await desk.post("/sign-in/code", code="12345") for _ in range(5)]
    assert [each.status for each in said] == [401] * 5
    assert "確認コードの誤りが続いたため、ログアウトしました。" in said[-1].text
    assert (await desk.post("/sign-in/code", code=code_of(sato, desk.clock))).status == 401
    assert (await office.actions()).count("factor.refused") == 5


async def test_ten_wrong_codes_for_an_account_are_enough_from_wherever(office: Office, sato: Hired) -> None:
    for _ in range(2):
        desk = office.desk()
        await desk.give_password(sato)
        for _ in range(5):
            await desk.post("/sign-in/code", code="12345")
    await desk.give_password(sato)
    assert (await desk.post("/sign-in/code", code=code_of(sato, desk.clock))).status == 429


async def test_every_factor_given_brings_a_new_id_and_the_old_one_is_dead(
    office: Office, sato: Hired, desk: Desk
) -> None:
    held = [desk.cookie]
    for step in (desk.give_password, desk.give_code, desk.give_code):
        await step(sato)
        held.append(desk.cookie)
    assert len(set(held)) == 4
    for old in held[:-1]:
        assert (await office.desk().get("/account", Cookie=f"todoke={old}")).status == 401
    assert (await office.desk().get("/account", Cookie=f"todoke={held[-1]}")).status == 200


async def test_an_id_planted_beforehand_never_becomes_a_sign_in(office: Office, sato: Hired) -> None:
    desk, planted = office.desk(), "AAAAAAAAAAAAAAAAAAAAAA"
    await desk.get("/sign-in", Cookie=f"todoke={planted}")
    await desk.sign_in(sato)
    assert desk.cookie != planted
    assert (await office.desk().get("/account", Cookie=f"todoke={planted}")).status == 401


async def test_the_database_holds_only_a_hash_of_the_id(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    assert desk.cookie is not None
    stored = await office.pool.fetchval("select token_hash from sign_in")
    assert stored == hashlib.sha256(desk.cookie.encode()).digest()


async def test_a_disabled_officer_is_out_at_the_next_request(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    assert (await desk.get("/account")).status == 200
    await office.pool.execute("update officer set disabled_at = now()")
    assert (await desk.get("/account")).status == 401


@pytest.mark.parametrize(
    "passed", ["seen_at = now() - interval '31 minutes'", "began_at = now() - interval '12 hours 1 second'"]
)
async def test_a_sign_in_ends_after_half_an_hour_unused_and_after_twelve_hours(
    office: Office, sato: Hired, passed: str
) -> None:
    desk = await office.signed_in(sato)
    await office.pool.execute("update sign_in set " + passed)  # noqa: S608 the two above
    said = await desk.get("/account")
    assert (said.status, "作成中のものは保存されています。" in said.text) == (401, True)


async def test_a_page_in_use_keeps_the_sign_in_alive(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    await office.pool.execute("update sign_in set seen_at = now() - interval '29 minutes'")
    await desk.get("/account")
    assert await office.pool.fetchval("select seen_at > now() - interval '1 minute' from sign_in")


async def test_a_password_without_its_code_waits_five_minutes(office: Office, sato: Hired, desk: Desk) -> None:
    await desk.give_password(sato)
    await office.pool.execute("update sign_in set began_at = now() - interval '6 minutes'")
    assert (await desk.give_code(sato)).status == 401


async def test_signing_out_is_at_once_also_from_elsewhere(office: Office, sato: Hired) -> None:
    here, there = await office.signed_in(sato), await office.signed_in(sato)
    (number,) = await office.pool.fetch("select min(id) from sign_in")
    await there.post(f"/account/sign-ins/{number['min']}/end")
    assert (await here.get("/account")).status == 401
    assert (await there.post("/sign-out")).headers["Location"] == "/sign-in"
    assert (await there.get("/account")).status == 401


async def test_nobody_ends_the_sign_in_of_another(office: Office, sato: Hired, mori: Hired) -> None:
    hers, his = await office.signed_in(sato), await office.signed_in(mori)
    await his.post("/account/sign-ins/1/end")
    assert (await hers.get("/account")).status == 200


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\r\nX: y"])
async def test_nobody_is_led_elsewhere_after_signing_in(sato: Hired, desk: Desk, back: str) -> None:
    await desk.get("/sign-in")
    said = await desk.post("/sign-in", login="sato", password=PASSWORD, back=back)
    assert said.headers["Location"] == "/sign-in/code"


async def test_who_was_sent_to_the_door_comes_back_to_where_they_were_going(sato: Hired, desk: Desk) -> None:
    said = await desk.get("/account?tab=1")
    assert 'name="back" value="/account?tab=1"' in said.text
    said = await desk.post("/sign-in", login="sato", password=PASSWORD, back="/account?tab=1")
    assert said.headers["Location"] == "/sign-in/code?back=%2Faccount%3Ftab%3D1"
