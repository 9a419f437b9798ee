"""The two official CSV layouts of shelters (国土地理院 指定緊急避難場所・指定避難所データ)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from geo import japan
from geo.faults import pair
from geo.shelters import Shelter
from words.problem import Problem, Refused

ShelterKind = Literal["site", "shelter"]

FLAGS = ("洪水", "崖崩れ、土石流及び地滑り", "高潮", "地震", "津波", "大規模な火事", "内水氾濫", "火山現象")
SAME_AS_SHELTER = "指定避難所との住所同一"
CAPACITY = "収容人数"
_FIRST = ("NO", "共通ID", "都道府県名及び市町村名", "施設・場所名", "住所")
_LAST = ("緯度", "経度", "備考")

HEADERS: dict[ShelterKind, tuple[str, ...]] = {
    "site": (*_FIRST, *FLAGS, SAME_AS_SHELTER, *_LAST),
    "shelter": (*_FIRST, "指定緊急避難場所との住所同一", "その他市町村長が必要と認める事項", "受入対象者", *_LAST),
}
"""指定緊急避難場所, where one flees to, and 指定避難所, where one stays. A last column 収容人数 may follow."""

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


@dataclass(frozen=True, slots=True)
class ShelterFile:
    """The good rows of a file, and a problem for every other, with its line number."""

    kind: ShelterKind
    rows: tuple[Shelter, ...]
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    kind: ShelterKind
    line: int
    cells: dict[str, str]

    def problem(self, column: str, code: str, ja: str, en: str) -> Problem:
        return Problem(f"shelter.{code}", f"line {self.line}, {column}", ja, en)


def read_shelters(data: bytes) -> ShelterFile:
    """The shelters of an official CSV, UTF-8 (with or without BOM) or cp932.

    A bad row is listed and does not stop the rest. Raises Refused when the file as a whole is no such CSV.
    """
    lines = csv.reader(io.StringIO(_text(data), newline=""))
    kind, header = _header(lines)
    rows: dict[str, Shelter] = {}
    problems: list[Problem] = []
    for row in _rows(lines, kind, header, problems):
        shelter, found = _shelter(row)
        if shelter is not None and shelter.id in rows:
            found.append(_twice(row, shelter.id))
        elif shelter is not None:
            rows[shelter.id] = shelter
        problems += found
    return ShelterFile(kind, tuple(rows.values()), tuple(problems))


def _text(data: bytes) -> str:
    for encoding in ("utf-8-sig", "cp932"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused(
        Problem(
            "shelter.encoding",
            "",
            "文字コードが UTF-8 でも Shift_JIS（cp932）でもないため読めません。どちらかで保存し直してください。",
            "The file is neither UTF-8 nor Shift_JIS (cp932); save it in one of them.",
        )
    )


def _header(lines: Iterator[list[str]]) -> tuple[ShelterKind, tuple[str, ...]]:
    try:
        found = next(lines, [])
    except csv.Error:
        found = []
    for kind, header in HEADERS.items():
        for accepted in (header, (*header, CAPACITY)):
            if tuple(name.strip() for name in found) == accepted:
                return kind, accepted
    sites, shelters = (",".join(HEADERS[kind]) for kind in ("site", "shelter"))
    raise Refused(
        Problem(
            "shelter.header",
            "line 1",
            f"見出しが公式の様式と違います。指定緊急避難場所なら「{sites}」、指定避難所なら「{shelters}」にしてください。",
            f"The header is not the official one. It must be “{sites}” for emergency evacuation sites "
            f"or “{shelters}” for shelters to stay in.",
        )
    )


def _rows(
    lines: Iterator[list[str]], kind: ShelterKind, header: tuple[str, ...], problems: list[Problem]
) -> Iterator[_Row]:
    while True:
        try:
            cells = next(lines)
        except StopIteration:
            return
        except csv.Error:
            problems.append(_unreadable(_line(lines)))
            continue
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) == len(header):
            yield _Row(kind, _line(lines), dict(zip(header, (cell.strip() for cell in cells), strict=True)))
        else:
            problems.append(_wrong_width(_line(lines), len(cells), len(header)))


def _line(lines: Iterator[list[str]]) -> int:
    number: int = lines.line_num  # type: ignore[attr-defined]
    return number


def _shelter(row: _Row) -> tuple[Shelter | None, list[Problem]]:
    problems = [_missing(row, column) for column in ("共通ID", "施設・場所名") if not row.cells[column]]
    hazards, stay = _hazards(row, problems)
    capacity = _capacity(row, problems)
    place = _place(row, problems)
    if problems or place is None:
        return None, problems
    cells = row.cells
    return Shelter(cells["共通ID"], cells["施設・場所名"], cells["住所"], hazards, stay, *place, capacity), problems


def _hazards(row: _Row, problems: list[Problem]) -> tuple[int, bool]:
    if row.kind == "shelter":
        return 0, True
    flags = [_flag(row, column, problems) for column in FLAGS]
    return sum(1 << bit for bit, set_ in enumerate(flags) if set_), _flag(row, SAME_AS_SHELTER, problems)


def _flag(row: _Row, column: str, problems: list[Problem]) -> bool:
    value = row.cells[column]
    if value not in {"", "1"}:
        problems.append(
            row.problem(
                column,
                "flag",
                f"「{value[:20]}」は使えません。該当するなら 1、しないなら空欄にしてください。",
                f"“{value[:20]}” is not allowed; write 1 where it applies and nothing where not.",
            )
        )
    return value == "1"


def _capacity(row: _Row, problems: list[Problem]) -> int | None:
    value = row.cells.get(CAPACITY, "")
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,7}", value):
        return int(value)
    problems.append(
        row.problem(
            CAPACITY,
            "capacity",
            f"「{value[:20]}」は人数ではありません。数字だけで書くか、空欄にしてください。",
            f"“{value[:20]}” is not a number of people; write digits only, or nothing.",
        )
    )
    return None


def _place(row: _Row, problems: list[Problem]) -> tuple[float, float] | None:
    wrong = [column for column in ("緯度", "経度") if not _NUMBER.fullmatch(row.cells[column])]
    problems += [_not_a_coordinate(row, column) for column in wrong]
    if wrong:
        return None
    lon, lat = float(row.cells["経度"]), float(row.cells["緯度"])
    if japan.inside(lon, lat):
        return lon, lat
    problems.append(_misplaced(row, lon, lat))
    return None


def _missing(row: _Row, column: str) -> Problem:
    return row.problem(
        column, "missing", f"{column}がありません。書き入れてください。", f"{column} is missing; fill it in."
    )


def _not_a_coordinate(row: _Row, column: str) -> Problem:
    value = row.cells[column][:20]
    if not value:
        return _missing(row, column)
    return row.problem(
        column,
        "coordinate",
        f"「{value}」は座標ではありません。34.602289 のような十進の度で書いてください。",
        f"“{value}” is not a coordinate; write decimal degrees such as 34.602289.",
    )


def _misplaced(row: _Row, lon: float, lat: float) -> Problem:
    if japan.swapped(lon, lat):
        return row.problem(
            "緯度",
            "swapped",
            f"緯度 {lat:.10g} と経度 {lon:.10g} が逆のようです。入れ替えてください。",
            f"Latitude {lat:.10g} and longitude {lon:.10g} seem to be swapped; exchange them.",
        )
    return row.problem(
        "緯度",
        "outside_japan",
        f"位置 {pair(lon, lat)}（経度、緯度）は日本の範囲の外です。確かめてください。",
        f"The position {pair(lon, lat)} (longitude, latitude) lies outside Japan; check it.",
    )


def _twice(row: _Row, identifier: str) -> Problem:
    return row.problem(
        "共通ID",
        "twice",
        f"共通ID {identifier} は前の行にもあります。どちらかを消してください。",
        f"共通ID {identifier} already stands in a line above; remove one of the two.",
    )


def _wrong_width(line: int, found: int, expected: int) -> Problem:
    return Problem(
        "shelter.columns",
        f"line {line}",
        f"列が{found}個あります。見出しと同じ{expected}個にしてください。",
        f"There are {found} columns; there must be {expected}, as in the header.",
    )


def _unreadable(line: int) -> Problem:
    return Problem(
        "shelter.unreadable",
        f"line {line}",
        "CSV として読めません。引用符や制御文字を確かめてください。",
        "This is not readable as CSV; check the quotation marks and control characters.",
    )
