"""The fictional 川辺町: every file of it is taken whole by whoever reads it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import shapely
from asyncpg import Pool

from dispatcher.events import Event, parse_event
from dispatcher.gazetteer import import_boundaries, import_shelters
from dispatcher.model import Mode
from geo.boundaries import read_boundaries
from geo.shelter_csv import read_shelters
from subscribers.importer import import_subscribers
from subscribers.vault import open_vault
from todoke.town.fictional import CODE, TownFiles, write_town

NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> TownFiles:
    return write_town(tmp_path_factory.mktemp("kawabe"), subscribers=500, seed=1, now=NOW)


def parsed(town: TownFiles, path: Path) -> Event:
    [boundary] = read_boundaries(town.boundary.read_bytes()).boundaries
    known = {CODE: (boundary.area, boundary.name)}
    return parse_event(
        path.read_bytes(), now=NOW, areas=known.get, channels=("line", "sms", "email"), town="川辺町", base_dir=None
    )


def test_the_boundary_has_two_banks_an_island_and_a_lake(town: TownFiles) -> None:
    [boundary] = read_boundaries(town.boundary.read_bytes()).boundaries
    assert (boundary.code, boundary.name, boundary.repaired) == ("99201", "川辺町", False)
    assert boundary.area.polygons == 3
    assert sum(len(part.interiors) for part in boundary.area.geometry.geoms) == 1


def test_a_dozen_shelters_stand_on_land_and_some_are_not_fit_for_a_flood(town: TownFiles) -> None:
    file = read_shelters(town.shelters.read_bytes())
    [boundary] = read_boundaries(town.boundary.read_bytes()).boundaries
    assert (len(file.rows), file.problems) == (12, ())
    assert {shelter.hazards & 1 for shelter in file.rows} == {0, 1}
    assert all(boundary.area.geometry.contains(shapely.Point(shelter.lon, shelter.lat)) for shelter in file.rows)


def test_the_districts_make_up_the_land(town: TownFiles) -> None:
    districts = json.loads(town.districts.read_text(encoding="utf-8"))["features"]
    [boundary] = read_boundaries(town.boundary.read_bytes()).boundaries
    shapes = [shapely.geometry.shape(each["geometry"]) for each in districts]
    assert [each["properties"]["name"] for each in districts] == ["川西", "鏡池", "中之島", "川東", "山手"]
    assert shapely.union_all(shapes).symmetric_difference(boundary.area.geometry).area < 1e-6


def test_the_order_is_live_and_the_drill_a_drill(town: TownFiles) -> None:
    order, drill = parsed(town, town.evacuation), parsed(town, town.drill)
    assert (order.mode, drill.mode) == (Mode.LIVE, Mode.DRILL)
    assert set(order.texts) >= {"ja", "ja-x-easy", "en", "vi", "zh-Hans"}
    assert order.valid_until == NOW + timedelta(hours=6)


def test_the_order_concerns_some_of_the_land_and_the_drill_all_of_it(town: TownFiles) -> None:
    [boundary] = read_boundaries(town.boundary.read_bytes()).boundaries
    order, drill = parsed(town, town.evacuation), parsed(town, town.drill)
    assert order.area is not None
    assert drill.area == boundary.area
    assert 0.05 < order.area.geometry.intersection(boundary.area.geometry).area / boundary.area.geometry.area < 0.5


async def test_boundary_shelters_and_every_subscriber_can_be_imported(pool: Pool, town: TownFiles) -> None:
    await import_boundaries(pool, town.boundary.read_bytes())
    await import_shelters(pool, town.shelters.read_bytes())
    result = await import_subscribers(pool, await open_vault(pool, b"k" * 32), town.subscribers)
    assert (result.rejected, result.subscribers_new) == (0, 500)
