"""A row as values, or everything that is wrong with it."""

from __future__ import annotations

import pytest

from subscribers.rows import parse_row
from subscribers.table import COLUMNS
from tests.subscribers.cast import HANA_LINE
from words.problem import Refused

HANA = {"id": "hana", "language": "ja", "lat": "34.6", "lon": "133.7"}


def cells(**given: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | HANA | given


def problems(**given: str) -> list[tuple[str, str]]:
    with pytest.raises(Refused) as refused:
        parse_row(2, cells(**given))
    assert all(problem.ja for problem in refused.value.problems)
    return [(problem.where, problem.en) for problem in refused.value.problems]


def test_a_row_says_who_where_and_how() -> None:
    row = parse_row(2, cells(line_user_id=HANA_LINE, phone="090-1234-5678", topics="Drill;food 祭り|drill"))
    assert row.contacts == {"line": HANA_LINE, "phone": "+819012345678"}
    assert row.topics == frozenset({"drill", "food", "祭り"})
    assert (row.place, row.lon, row.lat) == ("home", 133.7, 34.6)


def test_what_is_blank_is_not_said() -> None:
    row = parse_row(2, cells(language=""))
    assert (row.language, row.topics, row.contacts) == (None, None, {})


@pytest.mark.parametrize(
    ("written", "tag"), [("JA", "ja"), ("zh-cn", "zh-Hans"), ("ZH", "zh-Hans"), ("zh-TW", "zh-Hant")]
)
def test_languages_have_one_name(written: str, tag: str) -> None:
    assert parse_row(2, cells(language=written)).language == tag


def test_full_width_degrees_are_degrees() -> None:
    row = parse_row(2, cells(lat="３４．６", lon="１３３．７"))
    assert (row.lon, row.lat) == (133.7, 34.6)


def test_all_problems_of_a_row_are_told_at_once() -> None:
    found = problems(id="", language="xx", phone="086-426-1234", email="hana", line_user_id="hana", lat="north")
    assert {where for where, _ in found} == {"id", "language", "phone", "email", "line_user_id", "lat"}


def test_swapped_coordinates_are_told_as_such() -> None:
    [(where, sentence)] = problems(lat="133.7", lon="34.6")
    assert where == "lat"
    assert sentence == "Latitude (lat) and longitude (lon) are swapped. In Japan lat is 20 to 46 and lon 122 to 154."


def test_a_place_outside_japan_is_refused() -> None:
    assert problems(lat="51.5", lon="0.1") == [
        ("lat", "This position is outside Japan: lat is 20 to 46 and lon 122 to 154.")
    ]


@pytest.mark.parametrize("degrees", ["", "nan", "inf", "34,6", "34°36'", "1e2", "3_4"])
def test_degrees_are_decimal(degrees: str) -> None:
    [(where, sentence)] = problems(lon=degrees)
    assert where == "lon"
    assert sentence == "Latitude and longitude are decimal degrees such as 34.6021 and cannot be blank."


def test_an_address_in_the_wrong_column_is_not_repeated() -> None:
    [(where, sentence)] = problems(language="ken@example.jp")
    assert where == "language"
    assert sentence.startswith("This is not a language Todoke knows.")
    assert "ken@" not in sentence


def test_an_id_is_needed() -> None:
    assert problems(id="") == [("id", "The id is empty. Give each subscriber one id.")]


@pytest.mark.parametrize(("column", "cell"), [("id", "x" * 201), ("place", "a\0b"), ("topics", "a\tb")])
def test_names_are_ordinary_text(column: str, cell: str) -> None:
    [(where, sentence)] = problems(**{column: cell})
    assert where == column
    assert sentence == "This is too long or has control characters. Use up to 200 ordinary characters."
