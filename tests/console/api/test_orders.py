"""What a program writes waits for people; a drill may leave by a key that has the right."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console.accounts import Role
from console.api import keys
from tests.console.api.program import Program, Said, program
from tests.console.office import Hired, Office
from tests.console.orders.hall import draft, drill

ORDERS = "/api/v1/orders"


async def written(gauge: Program, document: Any = None, *, asked: str = "first") -> Said:
    return await gauge.post(ORDERS, document if document is not None else draft(), Idempotency_Key=asked)


async def test_an_alert_by_api_is_a_draft_and_nothing_more(office: Office, sato: Hired) -> None:
    gauge, document = await program(office), draft()
    said = await written(gauge, document)
    assert said.status == 201, said.text
    assert (said.body["state"], said.body["written_by"]) == ("draft", {"officer": None, "key": "river-gauge"})
    assert (await gauge.get(said.headers["Location"])).body["document"] == document
    page = await (await office.signed_in(sato)).get(f"/orders/{said.body['id']}/what")
    assert "川沿い" in page.text
    assert await office.pool.fetchval("select count(*) from dispatch") == 0


async def test_without_a_mode_it_is_a_drill(office: Office) -> None:
    said = await written(await program(office), drill(mode=None))
    assert (said.status, said.body["mode"]) == (201, "drill")


async def test_asking_the_same_twice_is_one_draft_and_one_answer(office: Office) -> None:
    gauge, document = await program(office), draft()
    first, second = await written(gauge, document), await written(gauge, document)
    assert (first.status, first.text) == (second.status, second.text)
    assert await office.pool.fetchval("select count(*) from town_order") == 1


async def test_asking_the_same_at_one_moment_is_one_draft(office: Office) -> None:
    gauge, document = await program(office), draft()
    said = await asyncio.gather(*(written(gauge, document) for _ in range(6)))
    assert {each.status for each in said} == {201}
    assert len({each.body["id"] for each in said}) == 1
    assert await office.pool.fetchval("select count(*) from town_order") == 1


async def test_the_same_key_with_another_body_is_refused(office: Office) -> None:
    gauge = await program(office)
    await written(gauge)
    said = await written(gauge, draft(area_name="山手"))
    assert (said.status, said.code) == (422, "api.other_body")


async def test_two_programs_may_use_the_same_idempotency_key(office: Office) -> None:
    said = [await written(await program(office, name)) for name in ("one", "two")]
    assert said[0].body["id"] != said[1].body["id"]


@pytest.mark.parametrize("token", ["", "x" * 256, "two words"])
async def test_an_idempotency_key_is_needed(office: Office, token: str) -> None:
    said = await written(await program(office), asked=token)
    assert (said.status, said.code) == (400, "api.idempotency_key")


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"area": None}, "/area"),
        ({"approved_by": "nobody"}, "/approved_by"),
        ({"level": 3}, "/level"),
        ({"area": {"type": "Polygon", "coordinates": [[[34.6, 133.7], [34.7, 133.7], [34.7, 133.8], [34.6, 133.7]]]}}, "/area"),
        ({"texts": {"ja": {"subject": "{level_name}", "body": "避難勧告です。"}}}, "/texts/ja/body"),
    ],
)  # fmt: skip
async def test_what_could_not_be_submitted_is_refused_whole(
    office: Office, changes: dict[str, Any], pointer: str
) -> None:
    said = await written(await program(office), draft(**changes))
    assert said.status == 422
    assert any(each["pointer"].startswith(pointer) for each in said.problem["errors"]), said.text
    assert await office.pool.fetchval("select count(*) from town_order") == 0
    assert await office.pool.fetchval("select count(*) from api_answer") == 0


async def test_a_refusal_is_not_kept_so_that_it_can_be_put_right(office: Office) -> None:
    gauge = await program(office)
    assert (await written(gauge, draft(area=None))).status == 422
    assert (await written(gauge, draft())).status == 201


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"\xff", 400),
        (b"[" * 200_000, 400),
        (b"[]", 422),
        (b'{"level": 1e999}', 422),
        (b'{"level": ' + b"9" * 5000 + b"}", 422),
        (b'{"mode": "live", "mode": "drill"}', 422),
        (b'"' + b"x" * 1_100_000 + b'"', 413),
    ],
)
async def test_what_cannot_be_read_is_a_problem_document(office: Office, body: bytes, status: int) -> None:
    gauge = await program(office)
    said = await gauge.ask("POST", ORDERS, body, Content_Type="application/json", Idempotency_Key="one")
    assert (said.status, said.problem["status"]) == (status, status)


async def test_only_json_is_taken(office: Office) -> None:
    gauge = await program(office)
    said = await gauge.ask("POST", ORDERS, b"level=4", Content_Type="text/plain", Idempotency_Key="one")
    assert (said.status, said.code) == (415, "api.media_type")


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.TOURISM, 403), (Role.AUTHOR, 201)])
async def test_a_key_writes_what_its_role_may(office: Office, role: Role, status: int) -> None:
    assert (await written(await program(office, role=role))).status == status


async def test_a_key_without_the_right_sends_no_drill(office: Office) -> None:
    gauge = await program(office)
    order = (await written(gauge, drill())).body["id"]
    said = await gauge.post(f"{ORDERS}/{order}/send")
    assert (said.status, said.code) == (403, "api.no_drills")


async def test_a_key_with_the_right_sends_a_drill_once(office: Office) -> None:
    gauge = await program(office, sends_drills=True)
    order = (await written(gauge, drill())).body["id"]
    said = [await gauge.post(f"{ORDERS}/{order}/send") for _ in range(2)]
    assert [each.body["state"] for each in said] == ["counting", "counting"], said[0].text
    assert said[0].body["approved_by"] == {"officer": None, "key": "river-gauge"}
    assert (await office.actions()).count("order.approved") == 1


async def test_what_is_live_never_leaves_by_a_key(office: Office) -> None:
    gauge = await program(office, sends_drills=True)
    order = (await written(gauge)).body["id"]
    said = await gauge.post(f"{ORDERS}/{order}/send")
    assert (said.status, said.code) == (422, "order.only_drills")


async def test_a_drill_of_another_is_not_sent(office: Office) -> None:
    gauge, other = await program(office), await program(office, "other", sends_drills=True)
    order = (await written(gauge, drill())).body["id"]
    assert (await other.post(f"{ORDERS}/{order}/send")).code == "api.not_yours"


async def test_a_drill_may_begin_later(office: Office) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    at = tomorrow.isoformat(timespec="seconds").replace("+00:00", "Z")
    until = (tomorrow + timedelta(hours=2)).isoformat(timespec="seconds")
    gauge = await program(office)
    said = await gauge.post(f"{ORDERS}?start_at={at}", drill(), Idempotency_Key="one")
    assert (said.status, said.body["start_at"]) == (201, at.replace("Z", "+00:00"))
    live = await gauge.post(f"{ORDERS}?start_at={at}", draft(valid_until=until), Idempotency_Key="two")
    assert live.code == "order.only_drills"


async def test_a_key_revoked_meanwhile_writes_nothing(office: Office) -> None:
    gauge = await program(office)
    await keys.revoke(office.pool, "river-gauge")
    assert (await written(gauge)).status == 401


async def test_an_order_that_is_none_is_not_found(office: Office) -> None:
    gauge = await program(office)
    assert (await gauge.get(f"{ORDERS}/99")).code == "order.unknown"
    assert (await gauge.get(f"{ORDERS}/{'9' * 30}")).status == 404
