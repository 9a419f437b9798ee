"""The subscribers' file: encodings, header, and rows gathered by subscriber."""

from __future__ import annotations

from pathlib import Path

import pytest

from subscribers.table import BrokenLine, open_table
from tests.subscribers.cast import HANA, HANA_WORK, HEADER, KEN, LINH, TOME, TOWN, written
from words.problem import Refused


def places(path: Path) -> list[str]:
    with open_table(path) as table:
        return [table.cells(line)["place"] for chunk in table.chunks(10) for line in chunk]


def refusal(folder: Path, header: str, *rows: str) -> list[str]:
    with pytest.raises(Refused) as refused, open_table(written(folder, rows, header=header)):
        pass
    assert all(problem.ja for problem in refused.value.problems)
    return refused.value.say("en")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_the_encoding_is_found_out(encoding: str, tmp_path: Path) -> None:
    assert places(written(tmp_path, TOWN, encoding=encoding)) == ["自宅", "職場", "自宅", "home", "自宅"]


def test_names_that_a_mac_wrote_are_the_same_names(tmp_path: Path) -> None:
    assert places(written(tmp_path, [HANA.replace("自宅", "が")])) == ["が"]


def test_columns_come_in_any_order(tmp_path: Path) -> None:
    path = written(
        tmp_path, ["34.6,133.7,自宅,hana,,,,,ja"], header="LAT, lon,place,id,email,phone,line_user_id,topics,language"
    )
    with open_table(path) as table:
        [[line]] = table.chunks(10)
        assert table.cells(line)["language"] == "ja"
        assert table.cells(line)["id"] == "hana"


def test_rows_of_one_subscriber_come_together_however_far_apart_they_stand(tmp_path: Path) -> None:
    with open_table(written(tmp_path, [HANA, KEN, LINH, TOME, HANA_WORK])) as table:
        chunks = [[line.number for line in chunk] for chunk in table.chunks(2)]
    assert chunks == [[2, 6, 3], [4, 5]]


def test_blank_lines_are_no_rows_but_count_as_lines(tmp_path: Path) -> None:
    with open_table(written(tmp_path, ["", HANA, ",,,,,,,,", "  ", KEN])) as table:
        assert [line.number for chunk in table.chunks(10) for line in chunk] == [3, 6]
        assert len(table) == 2


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    assert places(written(tmp_path, [])) == []


def test_a_missing_column_is_refused_by_name(tmp_path: Path) -> None:
    assert refusal(tmp_path, HEADER.replace(",phone", "").replace(",lat", "")) == [
        "line 1: The column 'phone' is missing. It is needed even where it stays empty.",
        "line 1: The column 'lat' is missing. It is needed even where it stays empty.",
    ]


def test_an_extra_or_repeated_column_is_refused_by_name(tmp_path: Path) -> None:
    assert refusal(tmp_path, f"{HEADER},fax,email") == [
        "line 1: The column 'fax' is not known. Remove it.",
        "line 1: The column 'email' stands there more than once. Keep one.",
    ]


def test_a_file_without_header_is_refused_without_repeating_its_first_row(tmp_path: Path) -> None:
    assert refusal(tmp_path, KEN) == [f"line 1: The first line does not name the columns. Write {HEADER}."]


def test_an_empty_file_has_no_header(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    with pytest.raises(Refused, match="does not name the columns"), open_table(tmp_path / "empty.csv"):
        pass


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"), open_table(tmp_path / "kawabe.csv"):
        pass


def test_utf16_is_refused_by_saying_what_to_save(tmp_path: Path) -> None:
    with (
        pytest.raises(Refused, match="Save it again as 'CSV UTF-8'"),
        open_table(written(tmp_path, TOWN, encoding="utf-16")),
    ):
        pass


def test_more_topics_than_there_are_numbers_are_refused(tmp_path: Path) -> None:
    topics = ";".join(f"topic{number}" for number in range(64))
    with (
        pytest.raises(Refused, match="There can be 63 different topics in all"),
        open_table(written(tmp_path, [HANA.replace("drill", topics)])),
    ):
        pass


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (f'"{HANA}', "A quotation mark"),
        (f"{HANA},", "There are 10 cells for 9 columns"),
        ("hana,ja", "There are 2 cells for 9 columns"),
    ],
)
def test_a_broken_line_says_how_it_is_broken(row: str, sentence: str, tmp_path: Path) -> None:
    with open_table(written(tmp_path, [row])) as table:
        [[line]] = table.chunks(10)
        with pytest.raises(BrokenLine, match=sentence):
            table.cells(line)


def test_one_damaged_line_does_not_turn_the_file_into_cp932(tmp_path: Path) -> None:
    path = written(tmp_path, TOWN)
    path.write_bytes(path.read_bytes() + LINH.replace("home", "学校").encode("cp932") + b"\n")
    with open_table(path) as table:
        *_, last = (line for chunk in table.chunks(1) for line in chunk if line.number == 7)
        assert table.encoding == "utf-8"
        with pytest.raises(BrokenLine, match="cannot be read as UTF-8"):
            table.cells(last)
