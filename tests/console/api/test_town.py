"""What a program reads of the town: orders, shelters and numbers; nobody's name and nobody's address."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.gazetteer import import_shelters, set_status
from geo.shelters import ShelterStatus
from subscribers.store import leave
from tests.console.api.program import Program, program
from tests.console.office import VAULT, Office
from tests.console.orders.hall import draft
from tests.dispatcher.engine_room import CAST, Kawabe
from todoke.town.fictional import write_town

SCHOOL = "E99201000001"


async def test_every_shelter_is_told_as_it_stands(office: Office, tmp_path: Path) -> None:
    await import_shelters(office.pool, write_town(tmp_path).shelters.read_bytes())
    await set_status(office.pool, SCHOOL, ShelterStatus.CROWDED)
    said = await (await program(office)).get("/api/v1/shelters")
    assert said.status == 200
    told = {each["id"]: each for each in said.body["shelters"]}
    assert len(told) == await office.pool.fetchval("select count(*) from shelter")
    assert told[SCHOOL]["status"] == "crowded"
    assert "flood" in {hazard for each in told.values() for hazard in each["hazards"]}


async def test_people_are_numbers_and_nobody_is_named(office: Office, tmp_path: Path) -> None:
    await Kawabe(office.pool, VAULT).settle(tmp_path, list(CAST.values()))
    await leave(office.pool, "mei")
    said = await (await program(office)).get("/api/v1/subscribers")
    assert {name: said.body[name] for name in ("subscribed", "left", "unreachable")} == {
        "subscribed": 4, "left": 1, "unreachable": 0,
    }  # fmt: skip
    assert said.body["contacts"] == {"line": 2, "phone": 2, "email": 1}
    assert not any(name in said.text for name in (*CAST, "090", "kawabe.example"))


async def test_orders_are_listed_by_their_state_without_areas(office: Office) -> None:
    gauge = await program(office)
    made = await gauge.post("/api/v1/orders", draft(), Idempotency_Key="first")
    [listed] = (await gauge.get("/api/v1/orders?state=draft")).body["orders"]
    assert listed["id"] == made.body["id"]
    assert "area" not in listed["document"]
    assert (await gauge.get("/api/v1/orders?state=released")).body == {"orders": []}
    assert len((await gauge.get("/api/v1/orders")).body["orders"]) == 1


@pytest.mark.parametrize("query", ["state=gone", "state=%00", "states=draft", "state=draft&state=draft"])
async def test_a_state_that_is_none_is_refused(office: Office, query: str) -> None:
    assert (await (await program(office)).get(f"/api/v1/orders?{query}")).status == 422


@pytest.mark.parametrize("path", ["/api/v1/orders", "/api/v1/shelters", "/api/v1/subscribers"])
async def test_without_a_key_nothing_is_told(office: Office, path: str) -> None:
    gauge = await program(office)
    stranger = Program(gauge.address, key="")
    assert (await stranger.get(path)).status == 401
