"""Step 1 over HTTP: an area becomes a draft, and what is none stays on the page with a sentence."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import asyncpg
import pytest
import shapely

from console.accounts import Role
from console.orders.book import listed
from console.where.districts import District
from dispatcher.model import Mode
from geo.area import Area
from tests.console.office import Desk, Hired, Office, open_office

RIVER = District("川沿い", Area.of(shapely.box(133.69, 34.59, 133.71, 34.61)))
CHOSEN = json.dumps([{"district": "川沿い"}])
AROUND = json.dumps([{"district": "川沿い"}, {"point": [133.75, 34.65], "radius_m": 300}])


@pytest.fixture
async def office(pool: asyncpg.Pool) -> AsyncIterator[Office]:
    async with open_office(pool, districts=[RIVER]) as office:
        yield office


@pytest.fixture
async def desk(office: Office, sato: Hired) -> Desk:
    """Sato's browser before step 1."""
    desk = await office.signed_in(sato)
    await desk.get("/orders/new")
    return desk


async def test_a_chosen_district_becomes_a_live_draft_with_its_name(office: Office, desk: Desk) -> None:
    said = await desk.post("/orders", mode="live", areas=CHOSEN)
    [draft] = await listed(office.pool)
    assert (said.status, said.headers["Location"]) == (303, f"/orders/{draft.id}/what")
    assert (draft.mode, draft.version.document["area_name"]) == (Mode.LIVE, "川沿い")
    assert shapely.from_geojson(json.dumps(draft.version.document["area"])).equals(RIVER.area.geometry)


async def test_an_area_with_a_drawn_part_has_no_name_yet(office: Office, desk: Desk) -> None:
    await desk.post("/orders", mode="drill", areas=AROUND)
    [draft] = await listed(office.pool)
    assert draft.mode is Mode.DRILL
    assert "area_name" not in draft.version.document


@pytest.mark.parametrize("areas", ["", "[]", "{", '[{"district": "海沿い"}]'])
async def test_without_a_real_area_there_is_no_draft(office: Office, desk: Desk, areas: str) -> None:
    said = await desk.post("/orders", mode="live", areas=areas)
    assert said.status == 422
    assert "誰にも送りません" in said.text or "登録されていません" in said.text
    assert 'data-mode="live"' in said.text
    assert await listed(office.pool) == []


async def test_the_bureaus_draft_is_an_invitation(office: Office, ando: Hired) -> None:
    desk = await office.signed_in(ando)
    await desk.post("/orders", mode="live", areas=CHOSEN)
    [draft] = await listed(office.pool)
    assert draft.version.document["class"] == "tourism"


async def test_who_may_only_look_writes_nothing(office: Office) -> None:
    desk = await office.signed_in(await office.hire("kudo", "工藤", Role.VIEWER))
    assert (await desk.get("/orders/new")).status == 403
    assert (await desk.post("/orders", mode="drill", areas=CHOSEN)).status == 403
    assert await listed(office.pool) == []
