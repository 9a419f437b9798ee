"""Invented people live on land, can be imported to the last row, and are the same for the same seed."""

from __future__ import annotations

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import phonenumbers
import pytest
import shapely

from tests.todoke.running import todoke
from todoke.town.fictional import write_town
from todoke.town.generator import make_town
from words.problem import Refused

SharedData = Callable[..., Path]


@pytest.fixture(scope="module")
def kawabe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_town(tmp_path_factory.mktemp("kawabe"), subscribers=3_000, seed=1).directory


def rows(directory: Path) -> list[dict[str, str]]:
    with (directory / "subscribers.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def on_land(people: list[dict[str, str]], boundary: Path) -> bool:
    """The independent check: every place against every polygon of the file."""
    land = json.loads(boundary.read_text(encoding="utf-8"))["features"]
    whole = shapely.union_all([shapely.make_valid(shapely.geometry.shape(each["geometry"])) for each in land])
    shapely.prepare(whole)
    lons, lats = (np.array([float(row[axis]) for row in people]) for axis in ("lon", "lat"))
    return bool(shapely.contains_xy(whole, lons, lats).all())


def test_nobody_of_kawabe_lives_in_the_river_or_the_lake(kawabe: Path) -> None:
    assert on_land(rows(kawabe), kawabe / "kawabe.geojson")


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(kawabe: Path, tmp_path: Path) -> None:
    boundary, shelters = kawabe / "kawabe.geojson", kawabe / "shelters.csv"
    written = []
    for number, seed in enumerate((5, 5, 6)):
        make_town(boundary, shelters, 200, seed, tmp_path / str(number))
        written.append((tmp_path / str(number) / "subscribers.csv").read_bytes())
    assert written[0] == written[1] != written[2]


def test_channels_languages_and_places_come_in_believable_shares(kawabe: Path) -> None:
    people = {row["id"]: row for row in rows(kawabe)}
    shares = {key: sum(bool(row[key]) for row in people.values()) / 3_000 for key in ("line_user_id", "phone", "email")}
    assert shares == {
        "line_user_id": pytest.approx(0.70, abs=0.03),
        "phone": pytest.approx(0.35, abs=0.03),
        "email": pytest.approx(0.45, abs=0.03),
    }
    assert Counter(row["language"] for row in people.values())["ja"] / 3_000 == pytest.approx(0.88, abs=0.03)
    places = Counter(Counter(row["id"] for row in rows(kawabe)).values())
    assert (places[2] + places[3]) / 3_000 == pytest.approx(0.30, abs=0.03)
    assert places[3] > 0


def test_everybody_can_be_reached_and_nobody_shares_an_address(kawabe: Path) -> None:
    people = {row["id"]: row for row in rows(kawabe)}.values()
    assert all(row["line_user_id"] or row["phone"] or row["email"] for row in people)
    for kind in ("line_user_id", "phone", "email"):
        addresses = [row[kind] for row in people if row[kind]]
        assert len(set(addresses)) == len(addresses)


def test_every_row_of_one_person_says_the_same_but_for_the_place(kawabe: Path) -> None:
    said = defaultdict(set)
    for row in rows(kawabe):
        said[row["id"]].add(tuple(row[key] for key in ("language", "topics", "line_user_id", "phone", "email")))
    assert {len(each) for each in said.values()} == {1}


def test_phones_are_japanese_mobiles_among_them_060(kawabe: Path) -> None:
    numbers = [phonenumbers.parse(row["phone"], "JP") for row in rows(kawabe) if row["phone"]]
    assert {phonenumbers.number_type(number) for number in numbers} == {phonenumbers.PhoneNumberType.MOBILE}
    assert {str(number.national_number)[:2] for number in numbers} == {"60", "70", "80", "90"}


def test_old_mailboxes_with_consecutive_dots_are_among_them(kawabe: Path) -> None:
    boxes = [row["email"] for row in rows(kawabe)]
    assert any(".." in box and box.endswith(("@docomo.ne.jp", "@ezweb.ne.jp")) for box in boxes)


def test_real_islands_have_people_on_land_only(shared_data: SharedData, tmp_path: Path) -> None:
    boundary = shared_data("boundaries", "47381.geojson")
    make_town(boundary, None, 2_000, 1, tmp_path)
    assert on_land(rows(tmp_path), boundary)


def test_homes_gather_around_the_shelters_of_a_real_town(shared_data: SharedData, tmp_path: Path) -> None:
    boundary = shared_data("boundaries", "33202.geojson")
    make_town(boundary, shared_data("shelters", "332020-emergency.csv"), 2_000, 1, tmp_path)
    people = rows(tmp_path)
    assert on_land(people, boundary)
    in_town = [row for row in people if 133.74 < float(row["lon"]) < 133.80 and 34.57 < float(row["lat"]) < 34.63]
    assert len(in_town) > 0.2 * len(people)


def test_a_boundary_that_is_no_geojson_is_refused_with_its_name(tmp_path: Path) -> None:
    path = tmp_path / "town.txt"
    path.write_text("川辺町", encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        make_town(path, None, 10, 1, tmp_path)
    assert "town.txt" in refusal.value.say("en")[0]
    assert "JSON" in refusal.value.say("ja")[0]


def test_a_shelters_file_without_coordinates_is_refused_with_its_name(kawabe: Path, tmp_path: Path) -> None:
    path = tmp_path / "sites.csv"
    path.write_text("name\n川辺小学校\n", encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        make_town(kawabe / "kawabe.geojson", path, 10, 1, tmp_path)
    assert "sites.csv" in refusal.value.say("en")[0]


def test_a_boundary_too_thin_to_live_in_is_refused(tmp_path: Path) -> None:
    sliver = [[133.7000002, 34.6], [133.7000004, 34.6], [133.7000003, 34.7], [133.7000002, 34.6]]
    path = tmp_path / "sliver.geojson"
    path.write_text(json.dumps({"type": "Polygon", "coordinates": [sliver]}), encoding="utf-8")
    with pytest.raises(Refused) as refusal:
        make_town(path, None, 10, 1, tmp_path)
    assert refusal.value.say("en") == [
        "--boundary: The boundary is too thin to place homes in. Give the boundary of a whole municipality."
    ]


def test_a_place_that_cannot_be_written_is_refused_with_what_to_do(kawabe: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    out = str(tmp_path / "file" / "town")
    said = todoke("make-town", "--boundary", str(kawabe / "kawabe.geojson"), "--subscribers", "3", "--out", out)
    assert said.returncode == 1
    assert said.stderr == f"--out: {out} cannot be written (Not a directory). Name a place with --out where it can.\n"
