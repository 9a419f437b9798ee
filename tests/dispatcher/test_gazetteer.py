"""Boundaries and shelters are stored once, however often they are imported, and found again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dispatcher import gazetteer
from geo.area import area_from_geojson
from geo.boundaries import read_boundaries
from geo.shelter_csv import HEADERS
from geo.shelters import ShelterStatus
from words.problem import Refused

if TYPE_CHECKING:
    from asyncpg import Pool

RING = [[133.69, 34.59], [133.72, 34.59], [133.72, 34.61], [133.69, 34.61], [133.69, 34.59]]
KAWABE = {"type": "Feature", "properties": {"name": "川辺町"}, "geometry": {"type": "Polygon", "coordinates": [RING]}}
SCHOOL = "1,E1,岡山県川辺町,川辺小学校,川辺町1-1,1,,,1,,,,,1,34.60,133.70,"
PARK = "2,E2,岡山県川辺町,丘の上公園,川辺町2-1,1,,,,1,,,,,34.65,133.75,"
HALL = "1,S1,岡山県川辺町,川辺公民館,川辺町3-1,1,,,34.601,133.701,"


def sites(*rows: str) -> bytes:
    return "\r\n".join((",".join(HEADERS["site"]), *rows, "")).encode()


def stays(*rows: str) -> bytes:
    return "\r\n".join((",".join(HEADERS["shelter"]), *rows, "")).encode()


def counted(stored: gazetteer.ShelterImport) -> tuple[int, int, int]:
    return stored.new, stored.changed, stored.unchanged


async def test_a_boundary_is_found_under_its_code(pool: Pool) -> None:
    await gazetteer.import_boundaries(pool, json.dumps(KAWABE).encode(), "99201")
    found = await gazetteer.boundary(pool, "99201")
    assert found == (area_from_geojson(KAWABE), "川辺町")
    assert await gazetteer.boundary(pool, "992011") == found


@pytest.mark.parametrize("code", ["99202", "992012", "川辺町", ""])
async def test_a_code_nobody_imported_names_no_area(pool: Pool, code: str) -> None:
    await gazetteer.import_boundaries(pool, json.dumps(KAWABE).encode(), "99201")
    assert await gazetteer.boundary(pool, code) is None


async def test_importing_a_boundary_twice_changes_nothing(pool: Pool) -> None:
    for _ in range(2):
        await gazetteer.import_boundaries(pool, json.dumps(KAWABE).encode(), "99201")
    rows = await pool.fetch("select code, xmin::text from boundary")
    assert len(rows) == 1
    await gazetteer.import_boundaries(pool, json.dumps(KAWABE).encode(), "99201")
    assert await pool.fetch("select code, xmin::text from boundary") == rows


async def test_a_newer_boundary_replaces_the_old_one(pool: Pool) -> None:
    await gazetteer.import_boundaries(pool, json.dumps(KAWABE).encode(), "99201")
    grown = json.dumps(KAWABE).replace("133.69", "133.68").encode()
    await gazetteer.import_boundaries(pool, grown, "99201")
    assert await gazetteer.boundary(pool, "99201") == (read_boundaries(grown, "99201").boundaries[0].area, "川辺町")


async def test_a_file_that_is_refused_stores_nothing(pool: Pool) -> None:
    good = {**KAWABE, "properties": {"N03_007": "99201"}}
    bad = json.loads(json.dumps({**KAWABE, "properties": {"N03_007": "99202"}}).replace("133.69", "13.369"))
    with pytest.raises(Refused, match="lies outside Japan"):
        await gazetteer.import_boundaries(
            pool, json.dumps({"type": "FeatureCollection", "features": [good, bad]}).encode()
        )
    assert await pool.fetchval("select count(*) from boundary") == 0


async def test_shelters_are_new_once_and_then_only_changed(pool: Pool) -> None:
    assert counted(await gazetteer.import_shelters(pool, sites(SCHOOL, PARK))) == (2, 0, 0)
    assert counted(await gazetteer.import_shelters(pool, sites(SCHOOL, PARK))) == (0, 0, 2)
    moved = await gazetteer.import_shelters(pool, sites(SCHOOL.replace("34.60", "34.61"), PARK))
    assert counted(moved) == (0, 1, 1)


async def test_a_bad_row_is_reported_and_the_others_are_stored(pool: Pool) -> None:
    stored = await gazetteer.import_shelters(pool, sites(SCHOOL, PARK.replace("133.75", "?")))
    assert counted(stored) == (1, 0, 0)
    assert [problem.where for problem in stored.problems] == ["line 3, 経度"]


async def test_an_open_shelter_stays_open_when_the_list_is_imported_again(pool: Pool) -> None:
    await gazetteer.import_shelters(pool, sites(SCHOOL))
    await gazetteer.set_status(pool, "E1", ShelterStatus.CROWDED)
    await gazetteer.import_shelters(pool, sites(SCHOOL.replace("川辺小学校", "川辺第一小学校")))
    (listed,) = await gazetteer.shelters(pool)
    assert (listed.shelter.name, listed.status) == ("川辺第一小学校", ShelterStatus.CROWDED)


async def test_a_list_of_shelters_to_stay_in_takes_no_hazard_from_a_site(pool: Pool) -> None:
    await gazetteer.import_shelters(pool, sites(SCHOOL))
    await gazetteer.import_shelters(pool, stays(HALL, HALL.replace("S1", "E1")))
    await gazetteer.set_all_statuses(pool, ShelterStatus.OPEN)
    everything = await gazetteer.board(pool)
    assert everything.ids == ("E1", "S1")
    assert everything.for_hazard("flood").ids == ("E1",)


async def test_a_known_capacity_is_not_forgotten(pool: Pool) -> None:
    header, row = sites(SCHOOL).decode().splitlines()
    await gazetteer.import_shelters(pool, f"{header},収容人数\r\n{row},350\r\n".encode())
    await gazetteer.import_shelters(pool, sites(SCHOOL))
    assert (await gazetteer.shelters(pool))[0].shelter.capacity == 350


async def test_ken_is_sent_to_the_nearest_shelter_that_is_not_full(pool: Pool) -> None:
    await gazetteer.import_shelters(pool, sites(SCHOOL, PARK))
    await gazetteer.set_statuses(pool, ["E1", "E2"], ShelterStatus.OPEN)
    await gazetteer.set_status(pool, "E1", ShelterStatus.FULL)
    open_ones = await gazetteer.board(pool)
    rows, _ = open_ones.for_hazard("flood").nearest(np.array([133.70]), np.array([34.60]))
    assert [open_ones.names[row] for row in rows] == ["丘の上公園"]


async def test_no_shelter_is_open_until_somebody_says_so(pool: Pool) -> None:
    await gazetteer.import_shelters(pool, sites(SCHOOL, PARK))
    assert len(await gazetteer.board(pool)) == 0


async def test_all_sites_fit_for_a_hazard_open_at_once(pool: Pool) -> None:
    await gazetteer.import_shelters(pool, sites(SCHOOL, PARK))
    opened = await gazetteer.set_all_statuses(pool, ShelterStatus.OPEN, hazard="tsunami")
    assert [(each.shelter.id, each.status) for each in opened] == [("E2", ShelterStatus.OPEN)]
    assert (await gazetteer.board(pool)).ids == ("E2",)


async def test_an_unknown_shelter_is_refused_with_the_nearest_ones_and_nothing_opens(pool: Pool) -> None:
    await gazetteer.import_shelters(pool, sites(SCHOOL, PARK))
    with pytest.raises(Refused) as refused:
        await gazetteer.set_statuses(pool, ["E1", "川辺小"], ShelterStatus.OPEN)
    (problem,) = refused.value.problems
    assert problem.say("ja").startswith("川辺小: この共通IDの避難所はありません。近いものは E1（川辺小学校）、")
    assert problem.en.startswith("No shelter has this id. The nearest are E1 (川辺小学校)")
    assert len(await gazetteer.board(pool)) == 0


async def test_without_any_shelters_the_import_is_pointed_to(pool: Pool) -> None:
    with pytest.raises(Refused, match="No shelters have been imported yet; do so with todoke import shelters"):
        await gazetteer.set_status(pool, "E1", ShelterStatus.OPEN)


async def test_kurashiki_is_imported_from_its_own_files(pool: Pool, shared_data: Callable[..., Path]) -> None:
    found = await gazetteer.import_boundaries(pool, shared_data("boundaries", "33202.geojson").read_bytes(), "332020")
    stored = await gazetteer.boundary(pool, "33202")
    assert stored == (found.boundaries[0].area, "岡山県倉敷市")
    assert stored[0].wkb == found.boundaries[0].area.wkb
    for name, count in (("emergency", 253), ("evacuation", 191)):
        data = shared_data("shelters", f"332020-{name}.csv").read_bytes()
        assert counted(await gazetteer.import_shelters(pool, data)) == (count, 0, 0)
        assert counted(await gazetteer.import_shelters(pool, data)) == (0, 0, count)
