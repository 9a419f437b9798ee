"""What a spreadsheet would reckon with becomes text."""

from __future__ import annotations

import csv
import io

import pytest

from words.csv_cells import cell, lines


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+81", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＠x", "＋1", " =1", "　=1", "|cmd", "%x"],
)
def test_a_formula_becomes_text(text: str) -> None:
    assert cell(text) == f"'{text}"


@pytest.mark.parametrize(
    ("value", "told"), [("川沿い", "川沿い"), (-5, "-5"), (None, ""), ("a=b", "a=b"), ("a\0b", "ab")]
)
def test_what_is_none_stays(value: object, told: str) -> None:
    assert cell(value) == told


def test_quotes_commas_and_line_ends_are_read_back() -> None:
    told = lines([["a,b", 'c"d', "e\r\nf"]])
    assert list(csv.reader(io.StringIO(told, newline=""))) == [["a,b", 'c"d', "e\r\nf"]]
    assert told.endswith("\r\n")
