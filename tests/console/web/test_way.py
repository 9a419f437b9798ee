"""Steps 2 to 4 over HTTP: what is refused is said on the page, with what was typed still there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from console.accounts import Role
from console.orders.book import create, listed, read
from console.orders.model import Author, Order, State
from console.orders.releaser import Releaser
from dispatcher.model import Mode
from tests.console.office import Desk, Hired, Office, code_of, desk_of, open_office
from tests.console.orders.hall import TEXT, map_the_town
from tests.dispatcher.engine_room import CAST, RIVERSIDE, crowd, kawabe

CIRCLE = json.dumps([{"point": [133.7, 34.6], "radius_m": 600}])
PROGRAM = {"Accept": "application/json"}


@pytest.fixture
async def office(pool: asyncpg.Pool, tmp_path: Path) -> AsyncIterator[Office]:
    """With the cast, and 200 neighbours by the river."""
    await (await kawabe(pool)).settle(tmp_path, [*CAST.values(), *crowd(200)])
    await map_the_town(pool)
    async with open_office(pool, desk=await desk_of(pool)) as office:
        yield office


@pytest.fixture
async def desk(office: Office, sato: Hired) -> Desk:
    """Sato's browser."""
    return await office.signed_in(sato)


@pytest.fixture
async def other(office: Office, mori: Hired) -> Desk:
    """Mori's, elsewhere."""
    return await office.signed_in(mori)


def words(order: Order, **changes: str | list[str]) -> dict[str, Any]:
    """What step 2 sends, with `changes`; a name without a slash is a place in the document."""
    until = datetime.now(UTC) + timedelta(hours=11)
    filled: dict[str, str | list[str]] = {
        "after": str(order.version.number),
        "do": "next",
        "kind": "4",
        "hazard": "flood",
        "/area_name/ja": "川沿い",
        "/issuer": "川辺町長",
        "/valid_until": f"{until:%Y-%m-%dT%H:%M}",
        "/channels": ["line", "sms", "email"],
        "/texts/ja/subject": "{level_name}",
        "/texts/ja/body": TEXT,
    }
    return filled | changes


async def begun(office: Office, desk: Desk, mode: str = "live") -> Order:
    """The area alone."""
    await desk.get("/orders/new")
    await desk.post("/orders", mode=mode, areas=CIRCLE)
    return (await listed(office.pool))[0]


async def written(office: Office, desk: Desk, mode: str = "live", **changes: str | list[str]) -> Order:
    order = await begun(office, desk, mode)
    said = await desk.post(f"/orders/{order.id}/what", **words(order, **changes))
    assert said.headers.get("Location") == f"/orders/{order.id}/check", said.text
    return await read(office.pool, order.id)


async def hash_of(desk: Desk, path: str) -> str:
    text = (await desk.get(path)).text
    return text.split('name="hash" value="')[1].split('"')[0]


async def submitted(office: Office, desk: Desk, mode: str = "live", **changes: str | list[str]) -> Order:
    order = await written(office, desk, mode, **changes)
    seen = await hash_of(desk, f"/orders/{order.id}/check")
    typed = await desk.post(f"/orders/{order.id}/submit", hash=seen, typed="204")
    assert typed.status == 303, typed.text
    return await read(office.pool, order.id)


async def grows_old(office: Office) -> None:
    """Every second factor, by six minutes."""
    await office.pool.execute("update sign_in set factor_at = factor_at - interval '6 minutes'")


async def test_sato_writes_mori_approves_and_it_leaves(office: Office, desk: Desk, other: Desk) -> None:
    order = await submitted(office, desk)
    assert "あなたの承認を待っています" in (await other.get("/")).text
    seen = await hash_of(other, f"/orders/{order.id}")
    said = await other.post(f"/orders/{order.id}/approve", hash=seen)
    assert (said.status, said.headers["Location"]) == (303, f"/orders/{order.id}")
    assert "まもなく送信" in (await desk.get("/")).text
    await office.pool.execute("update town_order set release_at = now() where state = 'counting'")
    await Releaser(office.pool).tick()
    assert f"/dispatches/{(await read(office.pool, order.id)).dispatch}" in (await desk.get(f"/orders/{order.id}")).text


async def test_nobody_approves_their_own_order(office: Office) -> None:
    """Security row 18."""
    tanaka = await office.signed_in(await office.hire("tanaka", "田中", Role.AUTHOR, Role.APPROVER))
    order = await submitted(office, tanaka)
    assert 'id="approve"' not in (await tanaka.get(f"/orders/{order.id}")).text
    said = await tanaka.post(f"/orders/{order.id}/approve", PROGRAM, hash=order.hash or "")
    assert (said.status, json.loads(said.text)["errors"][0]["code"]) == (403, "four_eyes")
    assert (await read(office.pool, order.id)).state is State.SUBMITTED


async def test_who_is_no_approver_any_more_approves_nothing(
    office: Office, desk: Desk, other: Desk, mori: Hired
) -> None:
    """Security row 18: the role counts as it is when the button is pressed."""
    order = await submitted(office, desk)
    seen = await hash_of(other, f"/orders/{order.id}")
    await office.pool.execute("update officer set roles = '{viewer}' where id = $1", mori.id)
    said = await other.post(f"/orders/{order.id}/approve", hash=seen)
    assert said.status == 403
    assert "「承認」の権限が必要です" in said.text


async def test_what_changed_since_it_was_looked_at_is_not_approved(office: Office, desk: Desk, other: Desk) -> None:
    """Security row 19."""
    order = await submitted(office, desk)
    seen = await hash_of(other, f"/orders/{order.id}")
    await desk.post(f"/orders/{order.id}/what", **words(order, **{"/area_name/ja": "川沿いと中之島"}))
    said = await other.post(f"/orders/{order.id}/approve", hash=seen)
    assert said.status == 409
    assert "確認した時から内容が変わっています" in said.text
    assert "川沿いと中之島" in said.text


async def test_approving_wants_a_fresh_code_and_takes_one_on_the_page(
    office: Office, desk: Desk, other: Desk, mori: Hired
) -> None:
    """Security row 20."""
    order = await submitted(office, desk)
    await grows_old(office)
    seen = await hash_of(other, f"/orders/{order.id}")
    said = await other.post(f"/orders/{order.id}/approve", hash=seen)
    assert said.status == 401
    assert 'name="code"' in said.text
    assert (await read(office.pool, order.id)).state is State.SUBMITTED
    office.clock.tick()
    said = await other.post(f"/orders/{order.id}/approve", hash=seen, code=code_of(mori, office.clock))
    assert said.status == 303
    assert (await read(office.pool, order.id)).state is State.COUNTING


@pytest.mark.parametrize(
    ("deed", "status"), [("approve", 409), ("take-back", 409), ("look", 409), ("withdraw", 409), ("send-back", 409)]
)
async def test_no_state_is_skipped(office: Office, desk: Desk, other: Desk, deed: str, status: int) -> None:
    """Security row 21: a draft is neither approved nor taken back."""
    order = await written(office, desk)
    said = await other.post(f"/orders/{order.id}/{deed}", PROGRAM, hash="0" * 64, agreed="yes", note="急ぐ")
    assert said.status == status
    assert (await read(office.pool, order.id)).state is State.DRAFT


@pytest.mark.parametrize("number", ["424242", "9" * 18, "9" * 30])
async def test_an_order_that_there_is_not_is_not_found(desk: Desk, number: str) -> None:
    """Security row 22."""
    for path in ("", "/what", "/where", "/check", "/countdown", "/area", "/alone"):
        assert (await desk.get(f"/orders/{number}{path}")).status == 404
    for path in ("/what", "/where", "/checks", "/prepared", "/submit", "/schedule", "/take-back", "/withdraw"):
        assert (await desk.post(f"/orders/{number}{path}", hash="0", areas=CIRCLE)).status == 404


@pytest.mark.parametrize("name", ["/approved_by", "/state", "/priority", "/no_such_key", "/digest"])
async def test_what_is_decided_elsewhere_is_not_taken_from_a_form(office: Office, desk: Desk, name: str) -> None:
    """Security row 23."""
    order = await begun(office, desk)
    said = await desk.post(f"/orders/{order.id}/what", **words(order, **{name: "森"}))
    assert said.status == 422
    assert (await read(office.pool, order.id)).version.number == 1


@pytest.mark.parametrize(
    "name",
    [
        "/level/x",
        "/hazard/x",
        "/valid_until/x",
        "/texts",
        "/texts/ja",
        "/texts/ja/body/x",
        "/issuer/x",
        "/reference/x",
        "/",
    ],
)
async def test_a_form_that_no_page_made_is_refused_like_any_other(office: Office, desk: Desk, name: str) -> None:
    order = await begun(office, desk)
    form = {key: value for key, value in words(order, **{name: "x"}).items() if key != "kind"}
    assert (await desk.post(f"/orders/{order.id}/checks", **form)).status == 200
    assert (await desk.post(f"/orders/{order.id}/prepared", **form)).status == 200
    assert (await desk.post(f"/orders/{order.id}/what", **form)).status in {303, 422}


async def test_a_drill_does_not_become_live_by_a_form(office: Office, desk: Desk) -> None:
    """Security row 23."""
    order = await begun(office, desk, "drill")
    said = await desk.post(f"/orders/{order.id}/what", **words(order, **{"/mode": "live"}))
    assert said.status == 422
    assert "訓練と本番は、あとから切り替えられません" in said.text
    assert (await read(office.pool, order.id)).mode is Mode.DRILL


async def test_a_live_order_that_speaks_of_a_drill_is_not_submitted(office: Office, desk: Desk) -> None:
    """Security row 24."""
    order = await written(office, desk, **{"/texts/ja/body": "【訓練】" + TEXT})
    shown = await desk.get(f"/orders/{order.id}/check")
    assert "まだ提出できません" in shown.text
    assert 'data-code="text.drill_word"' in shown.text
    assert (await desk.post(f"/orders/{order.id}/submit", hash="0" * 64)).status == 422


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{{7*7}}", "text.placeholder"),
        ("{% for x in y %}", "text.placeholder"),
        ("{0.__class__}", "text.placeholder"),
        ("避難勧告を発令しました。", "text.abolished_term"),
    ],
)
async def test_what_no_text_may_hold_is_said_as_it_is_typed(office: Office, desk: Desk, body: str, code: str) -> None:
    """Security row 31."""
    order = await begun(office, desk)
    said = await desk.post(f"/orders/{order.id}/checks", **words(order, **{"/texts/ja/body": body}))
    assert f'data-code="{code}"' in said.text
    assert "49" not in said.text.replace("49;", "")


@pytest.mark.parametrize("subject", ["避難\r\nBcc: all@kawabe.example", "=?utf-8?q?x=0d=0aBcc?="])
async def test_a_subject_forges_no_header(office: Office, desk: Desk, subject: str) -> None:
    """Security row 32."""
    order = await written(office, desk, **{"/texts/ja/subject": subject})
    shown = await desk.get(f"/orders/{order.id}/check")
    assert "まだ提出できません" in shown.text
    assert (await desk.post(f"/orders/{order.id}/submit", hash="0" * 64)).status == 422


AREAS = {
    "too many points": [{"type": "Polygon", "coordinates": [[[1, 2]] * 50_001]}],
    "too deep": [{"type": "Polygon", "coordinates": [[[[[[[[[133.7, 34.6]]]]]]]]]}],
    "swapped": [{"type": "Polygon", "coordinates": [[[y, x] for x, y in RIVERSIDE[0]]]}],
    "crossing itself": [
        {
            "type": "Polygon",
            "coordinates": [[[133.7, 34.6], [133.71, 34.61], [133.71, 34.6], [133.7, 34.61], [133.7, 34.6]]],
        }
    ],
    "three points": [{"type": "Polygon", "coordinates": [[[133.7, 34.6], [133.71, 34.6], [133.7, 34.6]]]}],
    "nothing": [],
}


@pytest.mark.parametrize("areas", AREAS.values(), ids=AREAS)
async def test_an_area_that_is_none_changes_no_draft(office: Office, desk: Desk, areas: list[object]) -> None:
    """Security rows 25, 27 and 28."""
    order = await begun(office, desk)
    said = await desk.post(f"/orders/{order.id}/where", after="1", areas=json.dumps(areas))
    assert said.status == 422
    assert 'role="alert"' in said.text
    assert (await read(office.pool, order.id)).version.number == 1


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999"])
async def test_a_coordinate_that_is_no_number_changes_no_draft(office: Office, desk: Desk, number: str) -> None:
    """Security row 26."""
    order = await begun(office, desk)
    areas = f'[{{"point": [{number}, 34.6], "radius_m": 300}}]'
    assert (await desk.post(f"/orders/{order.id}/where", after="1", areas=areas)).status == 422
    assert (await read(office.pool, order.id)).version.number == 1


async def test_another_area_takes_the_name_of_the_old_one_with_it(office: Office, desk: Desk) -> None:
    order = await written(office, desk)
    wide = json.dumps([{"point": [133.7, 34.6], "radius_m": 900}])
    said = await desk.post(f"/orders/{order.id}/where", after="2", areas=wide)
    now = await read(office.pool, order.id)
    assert said.headers["Location"] == f"/orders/{order.id}/what"
    assert now.version.number == 3
    assert "area_name" not in now.version.document
    assert now.version.document["texts"] == order.version.document["texts"]


async def test_two_who_write_at_once_lose_nothing(office: Office, desk: Desk) -> None:
    order = await written(office, desk)
    tanaka = await office.signed_in(await office.hire("tanaka", "田中", Role.AUTHOR))
    await tanaka.post(f"/orders/{order.id}/what", **words(order, **{"/issuer": "川辺町災害対策本部長"}))
    mine = words(order, **{"/area_name/ja": "川沿い一帯"})
    said = await desk.post(f"/orders/{order.id}/what", **mine)
    assert said.status == 409
    assert "田中 さんが先に保存しました（第 3 版）" in said.text
    assert "<td>川辺町災害対策本部長</td><td>川辺町長</td>" in said.text
    assert 'value="川沿い一帯"' in said.text
    assert 'name="after" value="3"' in said.text
    assert (await desk.post(f"/orders/{order.id}/what", **mine | {"after": "3"})).status == 303
    assert (await read(office.pool, order.id)).version.document["area_name"] == "川沿い一帯"


async def test_saving_what_was_not_changed_keeps_the_submission(office: Office, desk: Desk) -> None:
    order = await submitted(office, desk)
    form = words(order, **{"/valid_until": str(order.version.document["valid_until"])})
    assert (await desk.post(f"/orders/{order.id}/what", **form)).status == 303
    assert (await read(office.pool, order.id)).state is State.SUBMITTED


async def test_the_prepared_texts_come_with_hazard_and_level(office: Office, desk: Desk) -> None:
    order = await begun(office, desk)
    empty = words(order, **{"/texts/ja/subject": "", "/texts/ja/body": "", "prepared_for": "/"})
    said = await desk.post(f"/orders/{order.id}/prepared", **empty)
    assert "危険な場所にいる方は、全員いますぐ避難してください。" in said.text
    assert "Everybody in a dangerous place must leave now." in said.text


async def test_what_was_written_by_hand_stays_when_the_level_changes(office: Office, desk: Desk) -> None:
    order = await begun(office, desk)
    said = await desk.post(f"/orders/{order.id}/prepared", **words(order, kind="5", prepared_for="flood/4"))
    assert "文面は書き換えられているので、そのままにしました" in said.text
    assert "川辺町長の指示です" in said.text


async def test_nearly_the_whole_town_wants_its_number_typed(office: Office, desk: Desk) -> None:
    order = await written(office, desk)
    shown = await desk.get(f"/orders/{order.id}/check")
    seen = shown.text.split('name="hash" value="')[1].split('"')[0]
    assert "ほぼ全域が対象です" in shown.text
    said = await desk.post(f"/orders/{order.id}/submit", hash=seen, typed="二十")
    assert said.status == 422
    assert "いまは 204 人" in said.text
    assert (await desk.post(f"/orders/{order.id}/submit", hash=seen, typed="２０４人")).status == 303


async def test_an_approver_sends_it_back_with_a_reason(office: Office, desk: Desk, other: Desk) -> None:
    order = await submitted(office, desk)
    await other.post(f"/orders/{order.id}/send-back", note="中之島も入れてください")
    shown = await desk.get(f"/orders/{order.id}")
    assert "差し戻し「中之島も入れてください」" in shown.text
    assert (await read(office.pool, order.id)).state is State.DRAFT


async def test_within_the_seconds_the_author_takes_it_back(office: Office, desk: Desk, other: Desk) -> None:
    order = await submitted(office, desk)
    await other.post(f"/orders/{order.id}/approve", hash=order.hash or "")
    assert 'id="take-back"' in (await desk.get(f"/orders/{order.id}")).text
    await desk.post(f"/orders/{order.id}/take-back")
    assert "取り消しました。何も送っていません" in (await desk.get(f"/orders/{order.id}")).text
    await Releaser(office.pool).tick()
    assert await office.pool.fetchval("select count(*) from dispatch") == 0


async def test_taking_back_too_late_says_what_to_do(office: Office, desk: Desk, other: Desk) -> None:
    order = await submitted(office, desk)
    await other.post(f"/orders/{order.id}/approve", hash=order.hash or "")
    await office.pool.execute("update town_order set release_at = now() where state = 'counting'")
    await Releaser(office.pool).tick()
    said = await desk.post(f"/orders/{order.id}/take-back")
    assert said.status == 409
    assert "もう送信が始まっています" in said.text
    assert "止めるには「停止」を" in said.text


async def test_the_countdown_hands_over_to_the_page_when_it_ends(office: Office, desk: Desk, other: Desk) -> None:
    order = await submitted(office, desk)
    await other.post(f"/orders/{order.id}/approve", hash=order.hash or "")
    said = await desk.get(f"/orders/{order.id}/countdown")
    assert "HX-Redirect" not in said.headers
    assert 'http-equiv="refresh"' in (await desk.get(f"/orders/{order.id}")).text
    await other.post(f"/orders/{order.id}/take-back")
    said = await desk.get(f"/orders/{order.id}/countdown")
    assert said.headers["HX-Redirect"] == f"/orders/{order.id}"


async def test_a_level_five_goes_alone_with_the_areas_name_and_is_looked_at(
    office: Office, desk: Desk, other: Desk
) -> None:
    order = await written(office, desk, kind="5", **{"/texts/ja/body": TEXT.replace("避難し", "命を守っ")})
    seen = await hash_of(desk, f"/orders/{order.id}/alone")
    wrong = await desk.post(f"/orders/{order.id}/alone", hash=seen, area_name="川", typed="204")
    assert wrong.status == 422
    assert "区域の名前「川沿い」をそのまま入力してください" in wrong.text
    assert (await desk.post(f"/orders/{order.id}/alone", hash=seen, area_name="川沿い", typed="204")).status == 303
    assert "一人で発信されたもの" in (await other.get("/")).text
    own = await desk.post(f"/orders/{order.id}/look", hash=seen, agreed="yes")
    assert own.status == 403
    await other.post(f"/orders/{order.id}/look", hash=seen, agreed="no", note="区域が広すぎる")
    assert "一人での発信に同意しませんでした。 区域が広すぎる" in (await desk.get(f"/orders/{order.id}")).text


async def test_a_level_four_does_not_go_alone(office: Office, desk: Desk) -> None:
    order = await written(office, desk)
    assert "この発令は、一人では発信できません" in (await desk.get(f"/orders/{order.id}/alone")).text
    seen = await hash_of(desk, f"/orders/{order.id}/check")
    said = await desk.post(f"/orders/{order.id}/alone", hash=seen, area_name="川沿い", typed="204")
    assert said.status == 422
    assert "一人で発信できるのは、本番の警戒レベル5" in said.text


async def test_a_drill_is_given_a_time_and_waits_for_it(office: Office, desk: Desk, other: Desk) -> None:
    order = await written(office, desk, "drill")
    start = datetime.now(UTC) + timedelta(days=2, hours=9)
    said = await desk.post(f"/orders/{order.id}/schedule", after="2", start_at=f"{start:%Y-%m-%dT%H:%M}")
    assert said.headers["Location"] == f"/orders/{order.id}/check"
    seen = await hash_of(desk, f"/orders/{order.id}/check")
    await desk.post(f"/orders/{order.id}/submit", hash=seen)
    await other.post(f"/orders/{order.id}/approve", hash=seen)
    assert (await read(office.pool, order.id)).state is State.APPROVED
    assert f"{start:%Y-%m-%d %H:%M}" in (await desk.get("/")).text


async def test_what_is_live_is_given_no_time(office: Office, desk: Desk) -> None:
    order = await written(office, desk)
    start = datetime.now(UTC) + timedelta(days=2)
    said = await desk.post(f"/orders/{order.id}/schedule", after="2", start_at=f"{start:%Y-%m-%dT%H:%M}")
    assert said.status == 422
    assert "自動で送れるのは訓練だけです" in said.text


async def test_the_bureau_does_not_take_over_a_warning(office: Office, desk: Desk, ando: Hired) -> None:
    order = await written(office, desk)
    bureau = await office.signed_in(ando)
    await bureau.get("/account")
    said = await bureau.post(
        f"/orders/{order.id}/what",
        **words(order, kind="tourism", **{"/topics": "花火", "/texts/ja/body": "花火です。"}),
    )
    assert said.status == 403
    assert (await read(office.pool, order.id)).version.number == 2


async def test_who_may_only_look_sees_an_order_and_no_button(office: Office, desk: Desk) -> None:
    order = await submitted(office, desk)
    viewer = await office.signed_in(await office.hire("kudo", "工藤", Role.VIEWER))
    shown = await viewer.get(f"/orders/{order.id}")
    assert shown.status == 200
    assert f'action="/orders/{order.id}/' not in shown.text
    for deed in ("approve", "send-back", "withdraw", "discard", "take-back", "what", "submit", "alone"):
        assert (await viewer.post(f"/orders/{order.id}/{deed}")).status == 403


async def test_a_prepared_text_is_written_anew_by_an_approver(office: Office, other: Desk) -> None:
    await other.get("/templates")
    said = await other.post(
        "/templates",
        hazard="flood",
        level="4",
        purpose="order",
        language="ja",
        subject="{level_name}",
        body=TEXT,
        sms="",
    )
    assert said.status == 303
    shown = await other.get("/templates?hazard=flood&level=4&purpose=order&language=ja")
    assert "川辺町長の指示です" in shown.text
    assert "第 1 版 森" in shown.text


async def test_a_prepared_text_with_an_abolished_word_is_refused(office: Office, other: Desk) -> None:
    await other.get("/templates")
    said = await other.post(
        "/templates",
        hazard="flood",
        level="4",
        purpose="order",
        language="ja",
        subject="避難勧告",
        body="避難勧告。",
        sms="",
    )
    assert said.status == 422
    assert "廃止された用語です" in said.text
    assert 'value="避難勧告"' in said.text


async def test_an_author_does_not_write_prepared_texts(desk: Desk) -> None:
    shown = await desk.get("/templates?hazard=tsunami&level=5")
    assert "書き換えられるのは承認者と管理者です" in shown.text
    assert (await desk.post("/templates", hazard="flood", level="4", purpose="order", language="ja")).status == 403


@pytest.mark.parametrize("query", ["hazard=meteor", "level=2", "level=x", "purpose=fun"])
async def test_there_is_no_such_prepared_text(desk: Desk, query: str) -> None:
    assert (await desk.get(f"/templates?{query}")).status == 404


async def test_the_front_page_does_not_move_while_nothing_changes(office: Office, desk: Desk, other: Desk) -> None:
    await written(office, desk)
    shown = await other.get("/waiting")
    seen = shown.text.split('name="seen" value="')[1].split('"')[0]
    assert (await other.get(f"/waiting?seen={seen}")).status == 204
    await submitted(office, desk)
    assert "あなたの承認を待っています" in (await other.get(f"/waiting?seen={seen}")).text


async def test_with_no_approver_at_hand_a_submitted_level_five_goes_on_alone(office: Office, desk: Desk) -> None:
    order = await submitted(office, desk, kind="5", **{"/texts/ja/body": TEXT.replace("避難し", "命を守っ")})
    assert "承認者がいない：緊急発信へ" in (await desk.get(f"/orders/{order.id}")).text
    said = await desk.post(f"/orders/{order.id}/withdraw", then="alone")
    assert said.headers["Location"] == f"/orders/{order.id}/alone"
    assert 'name="area_name"' in (await desk.get(said.headers["Location"])).text


async def test_the_bureaus_invitation_goes_the_same_way(office: Office, other: Desk, ando: Hired) -> None:
    bureau = await office.signed_in(ando)
    order = await begun(office, bureau)
    fireworks = {"/texts/ja/subject": "花火", "/texts/ja/body": "今夜は花火です。", "/topics": "festival、花火"}
    said = await bureau.post(f"/orders/{order.id}/what", **words(order, kind="tourism", **fireworks))
    assert said.status == 303, said.text
    seen = await hash_of(bureau, f"/orders/{order.id}/check")
    await bureau.post(f"/orders/{order.id}/submit", hash=seen)
    now = await read(office.pool, order.id)
    assert (now.state, now.version.document["topics"]) == (State.SUBMITTED, ["festival", "花火"])
    assert (await other.post(f"/orders/{order.id}/approve", hash=seen)).status == 303


async def test_a_draft_by_api_waits_on_the_front_page_and_is_put_right_there(office: Office, desk: Desk) -> None:
    order = await create(office.console.desk, Author(key="river gauge"), {"hazard": "flood", "level": "4"})
    assert "API: river gauge" in (await desk.get("/")).text
    assert (await desk.get(f"/orders/{order.id}/what")).status == 200
    assert (await desk.get(f"/orders/{order.id}")).status == 200
    assert "まだ提出できません" in (await desk.get(f"/orders/{order.id}/check")).text
