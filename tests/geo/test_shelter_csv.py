"""The official CSV files of shelters are read as they come, and a bad row never stops the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from geo.shelter_csv import HEADERS, read_shelters
from geo.shelters import hazard_bit
from words.problem import Refused

SITES = ",".join(HEADERS["site"])
SHELTERS = ",".join(HEADERS["shelter"])
SCHOOL = "1,E9920100001201,岡山県川辺町,川辺小学校,川辺町1-1,1,,,1,,,,,1,34.6,133.7,"
PARK = "2,E9920100002201,岡山県川辺町,丘の上公園,川辺町2-1,,1,1,1,1,1,1,1,,34.65,133.75,"


def written(*lines: str, encoding: str = "utf-8") -> bytes:
    return "".join(f"{line}\r\n" for line in lines).encode(encoding)


def problem_of(row: str) -> str:
    found = read_shelters(written(SITES, SCHOOL, row))
    assert [shelter.name for shelter in found.rows] == ["川辺小学校"]
    return "; ".join(f"{problem.say('ja')} {problem.en}" for problem in found.problems)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_sites_are_read_in_each_encoding_offices_use(encoding: str) -> None:
    found = read_shelters(written(SITES, SCHOOL, PARK, encoding=encoding))
    school, park = found.rows
    assert (found.kind, found.problems) == ("site", ())
    assert (school.id, school.name, school.address) == ("E9920100001201", "川辺小学校", "川辺町1-1")
    assert (school.lon, school.lat, school.stay, school.capacity) == (133.7, 34.6, True, None)
    assert school.hazards == hazard_bit("flood") | hazard_bit("earthquake")
    assert (park.hazards, park.stay) == (0b1111_1110, False)


def test_a_shelter_to_stay_in_is_fit_for_no_hazard() -> None:
    found = read_shelters(written(SHELTERS, "1,E9920100001111,岡山県川辺町,川辺小学校,川辺町1-1,1,,,34.6,133.7,"))
    assert found.kind == "shelter"
    assert [(shelter.hazards, shelter.stay) for shelter in found.rows] == [(0, True)]


def test_a_quoted_field_may_hold_commas_and_line_breaks() -> None:
    found = read_shelters(written(SITES, SCHOOL.replace("川辺町1-1", '"川辺町1-1,\r\n体育館"')))
    assert found.rows[0].address == "川辺町1-1,\r\n体育館"


def test_a_last_column_may_tell_the_capacity() -> None:
    found = read_shelters(
        written(SITES + ",収容人数", SCHOOL + ",350", PARK + ",", PARK.replace("E99", "F99") + ",many")
    )
    assert [shelter.capacity for shelter in found.rows] == [350, None]
    assert found.problems[0].en == "“many” is not a number of people; write digits only, or nothing."
    assert found.problems[0].where == "line 4, 収容人数"


def test_blank_lines_are_no_rows() -> None:
    found = read_shelters(written(SITES, "", SCHOOL, "," * 16, ""))
    assert (len(found.rows), found.problems) == (1, ())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("E9920100002201", ""), "line 3, 共通ID: 共通IDがありません。"),
        (("丘の上公園", ""), "line 3, 施設・場所名: 施設・場所名がありません。"),
        (("34.65", "北緯34度"), "“北緯34度” is not a coordinate"),
        (("34.65", "nan"), "“nan” is not a coordinate"),
        (("34.65", ""), "line 3, 緯度: 緯度がありません。"),
        (("34.65,133.75", "133.75,34.65"), "seem to be swapped"),
        (("34.65", "3.465"), "[133.75, 3.465]（経度、緯度）は日本の範囲の外です"),
        ((",,1,1,1", ",,1,○,1"), "line 3, 高潮: 「○」は使えません。該当するなら 1、しないなら空欄にしてください。"),
        (("E9920100002201", "E9920100001201"), "already stands in a line above"),
        (("川辺町2-1", "川辺町2,1"), "There are 18 columns; there must be 17"),
    ],
)
def test_a_bad_row_is_named_and_the_others_are_kept(change: tuple[str, str], said: str) -> None:
    assert said in problem_of(PARK.replace(*change, 1))


def test_everything_wrong_with_a_row_is_said_at_once() -> None:
    row = PARK.replace("丘の上公園", "").replace("34.65", "?").replace("133.75", "?")
    assert [problem.where for problem in read_shelters(written(SITES, row)).problems] == [
        "line 2, 施設・場所名",
        "line 2, 緯度",
        "line 2, 経度",
    ]


def test_an_unknown_header_is_refused_with_the_expected_one() -> None:
    with pytest.raises(Refused) as refused:
        read_shelters(written("id,name,lat,lon", "1,川辺小学校,34.6,133.7"))
    (problem,) = refused.value.problems
    assert f"指定緊急避難場所なら「{SITES}」、指定避難所なら「{SHELTERS}」" in problem.say("ja")
    assert f"It must be “{SITES}” for emergency evacuation sites" in problem.say("en")


@pytest.mark.parametrize("data", [b"", b"\r\n", b'"' + b"x" * 200_000])
def test_a_file_without_a_header_is_refused(data: bytes) -> None:
    with pytest.raises(Refused, match="The header is not the official one"):
        read_shelters(data)


def test_a_file_in_another_encoding_is_refused() -> None:
    with pytest.raises(Refused, match=r"neither UTF-8 nor Shift_JIS \(cp932\)"):
        read_shelters(b"NO,\x81\x20")


def test_a_quotation_mark_never_closed_is_named() -> None:
    found = read_shelters(written(SITES, SCHOOL, PARK.replace("丘", '"丘') + "x" * 140_000))
    assert len(found.rows) == 1
    assert found.problems[0].en.startswith("This is not readable as CSV")


def test_kurashikis_own_files_are_read_whole(shared_data: Callable[..., Path]) -> None:
    sites = read_shelters(shared_data("shelters", "332020-emergency.csv").read_bytes())
    stays = read_shelters(shared_data("shelters", "332020-evacuation.csv").read_bytes())
    assert (sites.kind, len(sites.rows), sites.problems) == ("site", 253, ())
    assert (stays.kind, len(stays.rows), stays.problems) == ("shelter", 191, ())
    assert not {site.id for site in sites.rows} & {stay.id for stay in stays.rows}
    assert Counter(bool(site.hazards & hazard_bit("flood")) for site in sites.rows)[True] > 100
