"""What the map asks for, asked over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import shapely
from asyncpg import Pool

from console.accounts import Role
from console.where.districts import District
from dispatcher.dispatches import create
from dispatcher.gazetteer import import_boundaries
from geo.area import Area
from tests.console.office import Desk, open_office
from tests.dispatcher.engine_room import CAST, OFFICERS, RIVERSIDE, order
from tests.subscribers.cast import take_in

RIVER = District("川沿い", Area.of(shapely.box(133.69, 34.59, 133.71, 34.61)))
SHELTERS = "insert into shelter (id, name, address, hazards, lon, lat, status) values ($1, $2, '', 1, $3, $4, 'open')"
TOWN = b"""{"type": "FeatureCollection", "features": [{"type": "Feature",
    "properties": {"N03_004": "\xe5\xb7\x9d\xe8\xbe\xba\xe7\x94\xba", "N03_007": "99201"},
    "geometry": {"type": "Polygon", "coordinates": [[[133.6, 34.5], [133.8, 34.5], [133.8, 34.7], [133.6, 34.5]]]}}]}"""


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> AsyncIterator[Desk]:
    """Sato's browser; she may only look."""
    await take_in(pool, tmp_path, *CAST.values())
    await pool.execute(SHELTERS, "s1", "川辺小学校", 133.70, 34.60)
    await import_boundaries(pool, TOWN)
    async with open_office(pool, districts=[RIVER]) as office:
        yield await office.signed_in(await office.hire("sato", "佐藤", Role.VIEWER))


async def count(desk: Desk, **question: Any) -> tuple[int, dict[str, Any]]:
    url, headers = f"{desk.address}/map/count", {"X-Todoke-Token": desk.token, "Accept": "application/json"}
    async with desk.client.post(url, json=question, headers=headers) as answer:
        return answer.status, await answer.json(content_type=None)


async def layer(desk: Desk, name: str) -> list[dict[str, Any]]:
    async with desk.client.get(f"{desk.address}/map/{name}") as answer:
        assert answer.content_type == "application/geo+json"
        return [each["properties"] for each in (await answer.json(content_type=None))["features"]]


async def test_the_riverside_is_counted_with_its_shelter_and_who_takes_part_in_drills(town: Desk) -> None:
    status, found = await count(town, areas=[{"district": "川沿い"}], mode="drill")
    assert (status, found["people"], found["reached"], found["drill"]) == (200, 4, 4, 1)
    assert found["channels"] == {"line": 2, "sms": 2, "email": 1}
    assert found["shelters"] == [{"id": "s1", "name": "川辺小学校", "people": 4}]
    assert "geometry" not in found["area"]


async def test_live_counts_nobody_for_a_drill(town: Desk) -> None:
    _, found = await count(town, areas=[{"district": "川沿い"}], mode="live", shape=True)
    assert found["drill"] is None
    assert found["area"]["geometry"]["type"] == "Polygon"
    assert found["area"]["square_km"] == pytest.approx(4.07, rel=0.01)


async def test_parts_given_in_different_ways_count_everybody_once(town: Desk) -> None:
    drawn = {"type": "Polygon", "coordinates": RIVERSIDE}
    around = {"point": [133.75, 34.65], "radius_m": 300}
    status, found = await count(town, areas=[drawn, around, {"district": "川沿い"}])
    assert (status, found["people"]) == (200, 5)


async def test_every_wrong_part_is_said_in_one_answer(town: Desk) -> None:
    status, found = await count(town, areas=[{"district": "海沿い"}, {"code": "99202"}, 7])
    assert status == 422
    assert [problem["pointer"] for problem in found["errors"]] == ["/areas/0/district", "/areas/1/code", "/areas/2"]
    assert found["errors"][0]["ja"].startswith("「海沿い」という地区や市区町村は登録されていません。")


@pytest.mark.parametrize("areas", [None, [], {}, "99201"])
async def test_without_an_area_nobody_is_counted(town: Desk, areas: object) -> None:
    status, found = await count(town, areas=areas)
    assert (status, found["errors"][0]["code"]) == (422, "area.none")


async def test_a_mode_or_hazard_that_is_none_is_refused(town: Desk) -> None:
    _, found = await count(town, areas=[{"district": "川沿い"}], mode="test", hazard="rain")
    assert [problem["pointer"] for problem in found["errors"]] == ["/mode", "/hazard"]


async def test_the_map_shows_boundaries_districts_and_shelters(town: Desk) -> None:
    assert await layer(town, "boundaries") == [
        {"kind": "municipality", "name": "川辺町", "part": {"code": "99201"}},
        {"kind": "district", "name": "川沿い", "part": {"district": "川沿い"}},
    ]
    [shelter] = await layer(town, "shelters")
    assert (shelter["name"], shelter["status"], shelter["hazards"]) == ("川辺小学校", "open", ["flood"])


async def test_an_order_is_on_the_map_while_it_is_in_force(town: Desk, pool: Pool) -> None:
    assert await layer(town, "active") == []
    await create(pool, order(), OFFICERS)
    [shown] = await layer(town, "active")
    assert (shown["mode"], shown["class"], shown["level"]) == ("live", "evacuation", 4)
    await pool.execute("update dispatch set state = 'cancelled'")
    assert await layer(town, "active") == []


async def test_what_has_not_changed_is_not_sent_again(town: Desk) -> None:
    first = await town.get("/map/shelters")
    again = await town.get("/map/shelters", **{"If-None-Match": first.headers["ETag"]})
    assert (again.status, again.text) == (304, "")


async def test_nobody_looks_at_the_map_without_a_sign_in(town: Desk) -> None:
    town.client.cookie_jar.clear()
    assert (await town.get("/map/shelters", Accept="application/json")).status == 401
