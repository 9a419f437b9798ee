"""Keys, and what whoever has none, or a wrong one, is told."""

from __future__ import annotations

import pytest

from console.accounts import Role
from console.api import keys
from tests.console.api.program import Program, program
from tests.console.office import Hired, Office
from words.problem import Refused


async def test_a_key_says_what_it_may_do(office: Office) -> None:
    gauge = await program(office, role=Role.VIEWER)
    said = await gauge.get("/api/v1/key")
    assert said.status == 200
    assert said.body == {"name": "river-gauge", "role": "viewer", "sends_drills": False, "calls_a_minute": 120}


async def test_the_database_does_not_hold_the_key(office: Office) -> None:
    gauge = await program(office)
    row = await office.pool.fetchrow("select * from api_key")
    assert row is not None
    assert gauge.key not in str(dict(row)) + str(row["key_hash"].hex())
    assert (await office.actions())[-1] == "key.created"


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer todoke_nobody", "Basic dG9kb2tlOng=", "Bearer \u00e9"])
async def test_without_a_key_nobody_comes_in(office: Office, authorization: str) -> None:
    stranger = Program(office.address, "")
    said = await stranger.ask("GET", "/api/v1/key", Authorization=authorization)
    assert (said.status, said.code) == (401, "api.key")
    assert said.headers["WWW-Authenticate"].startswith("Bearer")
    assert "API キー" in said.body["detail"]


async def test_a_revoked_key_opens_nothing_from_then_on(office: Office) -> None:
    gauge = await program(office)
    await keys.revoke(office.pool, "river-gauge")
    assert (await gauge.get("/api/v1/key")).status == 401
    assert (await office.actions())[-1] == "key.revoked"
    with pytest.raises(Refused, match="no valid key of this name"):
        await keys.revoke(office.pool, "river-gauge")


async def test_a_name_is_given_once_for_ever(office: Office) -> None:
    await program(office)
    await keys.revoke(office.pool, "river-gauge")
    with pytest.raises(Refused, match="exists or existed"):
        await program(office)


@pytest.mark.parametrize(("role", "drills"), [(Role.APPROVER, False), (Role.ADMINISTRATOR, False), (Role.VIEWER, True)])
async def test_a_key_is_never_more_than_an_author(office: Office, role: Role, drills: bool) -> None:
    with pytest.raises(Refused, match="viewer, author or tourism"):
        await program(office, role=role, sends_drills=drills)


async def test_a_browser_that_is_signed_in_is_nobody_here(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    assert (await desk.get("/api/v1/key")).status == 401


async def test_no_cookie_is_given(office: Office) -> None:
    gauge = await program(office)
    assert "Set-Cookie" not in (await gauge.get("/api/v1/key")).headers


async def test_too_many_requests_are_told_when_to_come_again(office: Office) -> None:
    gauge, other = await program(office), await program(office, "other")
    await office.pool.execute(
        "update api_key set counted_from = clock_timestamp(), calls = 120 where name = 'river-gauge'"
    )
    said = await gauge.get("/api/v1/key")
    assert (said.status, said.code) == (429, "api.too_many")
    assert 1 <= int(said.headers["Retry-After"]) <= 60
    assert (await other.get("/api/v1/key")).status == 200


async def test_an_address_that_is_none_is_a_problem_document(office: Office) -> None:
    gauge = await program(office)
    said = await gauge.get("/api/v1/nothing")
    assert (said.status, said.code) == (404, "not_found")


async def test_a_method_that_is_none_names_those_that_are(office: Office) -> None:
    gauge = await program(office)
    said = await gauge.ask("DELETE", "/api/v1/key")
    assert (said.status, said.code) == (405, "method_not_allowed")
    assert "GET" in said.headers["Allow"]
