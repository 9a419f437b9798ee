"""The main job on real ground: who is written to equals, person by person, what shapely says of the CSV."""

from __future__ import annotations

import csv
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely

from channels.sandbox.process import SandboxProcess, start_sandbox
from tests.scenarios.cli import Todoke

SharedData = Callable[..., Path]


@pytest.fixture
async def sandbox(tmp_path: Path) -> Any:
    async with start_sandbox(tmp_path / "sandbox", line_rate=0, sms_rate=0) as sandbox:
        yield sandbox


@pytest.fixture
def todoke(tmp_path: Path, fresh_database_url: str, sandbox: SandboxProcess) -> Todoke:
    return Todoke(tmp_path / "data", fresh_database_url, sandbox.settings_file)


def ragged_polygon(lon: float, lat: float, degrees: float, corners: int = 200) -> dict[str, Any]:
    """An irregular polygon around a point, star-shaped, with the hand of a tired officer."""
    hand = random.Random(7)
    ring = []
    for corner in range(corners):
        turn, reach = 2 * math.pi * corner / corners, degrees * hand.uniform(0.55, 1)
        ring.append([lon + reach * math.cos(turn), lat + reach * math.sin(turn)])
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def order(area: dict[str, Any], **more: Any) -> dict[str, Any]:
    texts = {
        "ja": {
            "subject": "避難指示",
            "body": "{area_name}に{level_name}。{shelter_name}（{shelter_distance}）へ。{shelter_url}",
        },
        "ja-x-easy": {"subject": "にげてください", "body": "{level_name}。いま にげて ください。"},
        "en": {
            "subject": "Evacuate now",
            "body": "{level_name}. Go to {shelter_name} ({shelter_distance}). {shelter_url}",
        },
    }
    until = (datetime.now(UTC) + timedelta(hours=3)).isoformat()
    return {
        "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "倉敷市長", "area": area,
        "area_name": {"ja": "西部", "en": "the west"}, "texts": texts, "channels": ["line", "sms", "email"],
        "valid_until": until,
    } | more  # fmt: skip


def written_to(sandbox: SandboxProcess) -> dict[str, list[str]]:
    """Every address a message was accepted for, as the providers recorded it."""
    return {
        "line": [person for call in sandbox.records("line") for person in call["to"]],
        "sms": [message["to"] for message in sandbox.records("sms")],
        "email": [message["to"] for message in sandbox.records("email")],
    }


def should_be_written_to(people: Path, area: dict[str, Any]) -> dict[str, list[str]]:
    """The independent check: everybody in the CSV with a place that intersects the area, by every contact they have."""
    shape, inside = shapely.geometry.shape(area), set()
    contacts: dict[str, dict[str, str]] = defaultdict(dict)
    with people.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            contacts[row["id"]] |= {kind: row[kind] for kind in ("line_user_id", "phone", "email") if row[kind]}
            if shape.intersects(shapely.Point(float(row["lon"]), float(row["lat"]))):
                inside.add(row["id"])
    found: dict[str, list[str]] = {
        channel: [contacts[one][kind] for one in inside if kind in contacts[one]]
        for channel, kind in (("line", "line_user_id"), ("sms", "phone"), ("email", "email"))
    }
    found["sms"] = [international(phone) for phone in found["sms"]]
    return found


def international(phone: str) -> str:
    digits = phone.replace("-", "")
    return digits if digits.startswith("+") else "+81" + digits.removeprefix("0")


async def settle(todoke: Todoke, boundary: Path, code: str, shelters: Path | None, people: int) -> Path:
    """A town with its people, and every shelter open."""
    out = todoke.data.parent / "town"
    with_shelters = ["--shelters", str(shelters)] if shelters else []
    await todoke.ok(
        "make-town", "--boundary", boundary, *with_shelters, "--subscribers", str(people), "--seed", "3", "--out", out
    )
    await todoke.ok("import", "areas", boundary, "--code", code)
    await todoke.ok("import", "subscribers", out / "subscribers.csv")
    if shelters:
        await todoke.ok("import", "shelters", shelters)
        await todoke.ok("shelter", "open", "--all")
    return out / "subscribers.csv"


async def send(todoke: Todoke, event: dict[str, Any]) -> dict[str, Any]:
    path = todoke.data.parent / "event.json"
    path.write_text(json.dumps(event, ensure_ascii=False), encoding="utf-8")
    ended = await todoke.ok("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--wait", "--json")
    result: dict[str, Any] = ended.last
    return result


def same_people(
    sandbox: SandboxProcess, people: Path, area: dict[str, Any]
) -> Iterator[tuple[str, list[str], list[str]]]:
    written, expected = written_to(sandbox), should_be_written_to(people, area)
    for channel, addresses in expected.items():
        yield channel, sorted(written[channel]), sorted(addresses)


async def test_an_order_for_the_west_of_kurashiki_reaches_exactly_who_lives_there(
    todoke: Todoke, sandbox: SandboxProcess, shared_data: SharedData
) -> None:
    boundary, shelters = shared_data("boundaries", "33202.geojson"), shared_data("shelters", "332020-emergency.csv")
    people = await settle(todoke, boundary, "33202", shelters, 50_000)
    area = ragged_polygon(133.69, 34.56, 0.06)
    result = await send(todoke, order(area))
    for channel, written, expected in same_people(sandbox, people, area):
        assert len(expected) > 500
        assert written == expected
        assert result["channels"][channel]["accepted"] == len(expected)


async def test_an_order_for_a_town_of_islands_reaches_everyone_and_counts_them(
    todoke: Todoke, sandbox: SandboxProcess, shared_data: SharedData
) -> None:
    boundary = shared_data("boundaries", "47381.geojson")
    people = await settle(todoke, boundary, "47381", None, 3_000)
    result = await send(todoke, order({"code": "47381"}, issuer="竹富町長"))
    land = json.loads(boundary.read_text(encoding="utf-8"))
    whole = shapely.union_all([shapely.geometry.shape(feature["geometry"]) for feature in land["features"]])
    for channel, written, expected in same_people(sandbox, people, shapely.geometry.mapping(whole)):
        assert written == expected
        assert result["channels"][channel]["accepted"] == len(expected)


async def test_whoever_lives_in_the_hole_of_an_area_hears_nothing(
    todoke: Todoke, sandbox: SandboxProcess, shared_data: SharedData
) -> None:
    people = await settle(todoke, shared_data("boundaries", "33202.geojson"), "33202", None, 5_000)
    around, hole = ragged_polygon(133.77, 34.60, 0.08), ragged_polygon(133.77, 34.60, 0.02)
    area = {"type": "Polygon", "coordinates": [*around["coordinates"], *hole["coordinates"]]}
    await send(todoke, order(area))
    assert len(should_be_written_to(people, hole)["line"]) > 20
    for _, written, expected in same_people(sandbox, people, area):
        assert written == expected


async def test_every_variant_names_the_nearest_open_shelter_fit_for_a_flood(
    todoke: Todoke, sandbox: SandboxProcess, shared_data: SharedData
) -> None:
    boundary, shelters = shared_data("boundaries", "33202.geojson"), shared_data("shelters", "332020-emergency.csv")
    people = await settle(todoke, boundary, "33202", shelters, 2_000)
    area = ragged_polygon(133.69, 34.56, 0.06)
    await send(todoke, order(area))
    nearest = nearest_flood_shelters(people, shelters, shapely.geometry.shape(area))
    japanese = [call for call in sandbox.records("line") if "）へ。" in call["messages"][0]["text"]]
    assert japanese
    for call in japanese:
        for person in call["to"]:
            assert nearest[person] in call["messages"][0]["text"]


def nearest_flood_shelters(people: Path, shelters: Path, area: shapely.Geometry) -> dict[str, str]:
    """For every LINE id: the name of the nearest site with the flood flag, from the first of their places that is inside."""
    with shelters.open(encoding="utf-8-sig", newline="") as file:
        sites = [row for row in csv.DictReader(file) if row["洪水"] == "1"]
    line_ids: dict[str, str] = {}
    found: dict[str, str] = {}
    with people.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            line_ids.setdefault(row["id"], row["line_user_id"])
            lon, lat = float(row["lon"]), float(row["lat"])
            person = line_ids[row["id"]]
            if person and person not in found and area.intersects(shapely.Point(lon, lat)):
                site = min(sites, key=lambda site: metres(lon, lat, float(site["経度"]), float(site["緯度"])))
                found[person] = site["施設・場所名"]
    return found


def metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Haversine."""
    a, b = math.radians(lat1), math.radians(lat2)
    half = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * 6_371_008.8 * math.asin(math.sqrt(half))
