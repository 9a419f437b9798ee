"""The subscribers' CSV file: its encoding, its header, and its rows, gathered by subscriber.

A first pass keeps 16 bytes a line (where it starts, and a hash of its id), so that all rows of a
subscriber come in one chunk however far apart they stand, and a file of any length is read in
bounded memory. Each line is parsed by itself: an unclosed quote costs one row, not the rest.
"""

from __future__ import annotations

import csv
import mmap
import os
import re
import unicodedata
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from subscribers.topics import MOST_TOPICS, split_topics, too_many_topics
from words.problem import Problem, Refused

COLUMNS = ("id", "language", "topics", "line_user_id", "phone", "email", "place", "lat", "lon")
_UTF8_BOM = b"\xef\xbb\xbf"
_OTHER_BOMS = (b"\xff\xfe", b"\xfe\xff")
_REMEMBERED_CELLS = 10_000
_UNDECODED = re.compile(r"[\udc80-\udcff]")


class BrokenLine(Exception):
    """A line that does not hold one cell for each column. Carries the Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.en)
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the file, by its number (the header is line 1), not yet parsed."""

    number: int
    text: str


@contextmanager
def open_table(path: Path) -> Iterator[Table]:
    """The file, opened and passed over once. Raises Refused: no file, empty, another header, too many topics."""
    with _mapped(path) as content:
        yield Table(content)


def _mapped(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            if not os.fstat(file.fileno()).st_size:
                raise Refused(_no_header())
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise Refused(_unreadable(path, error)) from error


class Table:
    """The rows of a subscribers' file."""

    def __init__(self, content: mmap.mmap) -> None:
        self._content = content
        self.encoding = _encoding(content)
        self._columns = self._read_header()
        self._starts, self._numbers, self._ids = self._survey()

    def __len__(self) -> int:
        """How many rows there are; blank lines are none."""
        return len(self._starts)

    def chunks(self, size: int) -> Iterator[list[Line]]:
        """Every row once, gathered by subscriber in the order of their first rows: about `size` subscribers a chunk."""
        order, ends = self._gathered()
        for start in range(0, len(ends), size):
            first = ends[start - 1] if start else 0
            last = ends[min(start + size, len(ends)) - 1]
            yield [self._line(int(row)) for row in order[first:last]]

    def cells(self, line: Line) -> dict[str, str]:
        """The cells of a line by column, without surrounding space. Raises BrokenLine."""
        if not line.text.isascii() and _UNDECODED.search(line.text):
            raise BrokenLine(_undecodable(self.encoding))
        found = _split(line.text)
        if found is None:
            raise BrokenLine(_bad_quotes())
        if len(found) != len(self._columns):
            raise BrokenLine(_wrong_count(len(found), len(self._columns)))
        return {column: cell.strip() for column, cell in zip(self._columns, found, strict=True)}

    def _line(self, row: int) -> Line:
        start = self._starts[row]
        end = self._content.find(b"\n", start)
        return Line(self._numbers[row], self._decoded(self._content[start : end if end >= 0 else len(self._content)]))

    def _decoded(self, line: bytes) -> str:
        # Macs write が as two characters: equal names must be equal.
        return unicodedata.normalize("NFC", line.decode(self.encoding, "surrogateescape")).rstrip("\r\n")

    def _read_header(self) -> tuple[str, ...]:
        self._content.seek(len(_UTF8_BOM) if self._content[:3] == _UTF8_BOM else 0)
        header = tuple(cell.strip().lower() for cell in _split(self._decoded(self._content.readline())) or ())
        _check_header(header)
        return header

    def _survey(self) -> tuple[array[int], array[int], array[int]]:
        """Start, line number and hash of the id of every row that is not blank."""
        starts, numbers, ids = array("q"), array("q"), array("q")
        topics = _TopicCount()
        topics_column = self._columns.index("topics")
        id_column = self._columns.index("id")
        start, number = self._content.tell(), 1
        while line := self._content.readline():
            number += 1
            if line.strip(b' ,"\t\r\n'):
                cells = _split(self._decoded(line)) or []
                starts.append(start)
                numbers.append(number)
                ids.append(hash(cells[id_column].strip()) if len(cells) > id_column else 0)
                if len(cells) == len(self._columns):
                    topics.add(cells[topics_column])
            start = self._content.tell()
        self.topics = frozenset(topics.names)
        return starts, numbers, ids

    def _gathered(self) -> tuple[list[int], list[int]]:
        """The rows so that those of one subscriber stand together, and where each subscriber's end."""
        if not len(self):
            return [], []
        _, first, which = np.unique(np.frombuffer(self._ids, np.int64), return_index=True, return_inverse=True)
        order = np.argsort(first[which], kind="stable")
        gathered = first[which][order]
        ends = np.append(np.flatnonzero(gathered[1:] != gathered[:-1]) + 1, len(order))
        return order.tolist(), ends.tolist()


class _TopicCount:
    """Refuses a file with more topics than there are numbers before anything of it is stored."""

    def __init__(self) -> None:
        self._cells: set[str] = set()
        self.names: set[str] = set()

    def add(self, cell: str) -> None:
        if cell in self._cells:
            return
        if len(self._cells) < _REMEMBERED_CELLS:
            self._cells.add(cell)
        self.names |= split_topics(cell)
        if len(self.names) > MOST_TOPICS:
            raise Refused(too_many_topics())


def _split(line: str) -> list[str] | None:
    try:
        return next(csv.reader((line,), strict=True), [])
    except csv.Error:
        return None


def _encoding(content: mmap.mmap) -> str:
    """UTF-8, unless more of the lines that would tell are cp932: one damaged line decides nothing."""
    if content[:3] == _UTF8_BOM:
        return "utf-8"
    if content[:2] in _OTHER_BOMS:
        raise Refused(_utf16())
    utf8 = other = 0
    while line := content.readline():
        if not line.isascii():
            good = _is_utf8(line)
            utf8, other = utf8 + good, other + (not good)
    content.seek(0)
    return "utf-8" if utf8 >= other else "cp932"


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _check_header(header: tuple[str, ...]) -> None:
    # A first line without any of the names is a row of data: its cells are not repeated.
    if not set(COLUMNS) & set(header):
        raise Refused(_no_header())
    problems = [_missing(column) for column in COLUMNS if column not in header]
    problems += [_extra(column) for column in dict.fromkeys(header) if column not in COLUMNS]
    problems += [_twice(column) for column in COLUMNS if header.count(column) > 1]
    if problems:
        raise Refused(problems)


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        "import.unreadable",
        str(path),
        f"ファイルを読めません({error.strerror})。場所と権限を確かめてください。",
        f"The file cannot be read ({error.strerror}). Check where it is and its permissions.",
    )


def _no_header() -> Problem:
    return Problem(
        "import.no_header",
        "line 1",
        f"1 行目に列の名前がありません。{','.join(COLUMNS)} と書いてください。",
        f"The first line does not name the columns. Write {','.join(COLUMNS)}.",
    )


def _missing(column: str) -> Problem:
    return Problem(
        "import.column_missing",
        "line 1",
        f"列「{column}」がありません。値がなくても列は必要です。",
        f"The column '{column}' is missing. It is needed even where it stays empty.",
    )


def _extra(column: str) -> Problem:
    shown = re.sub(r"[\x00-\x1f\x7f\udc80-\udcff]", "?", column[:40])
    return Problem(
        "import.column_unknown",
        "line 1",
        f"列「{shown}」は使えません。取り除いてください。",
        f"The column '{shown}' is not known. Remove it.",
    )


def _twice(column: str) -> Problem:
    return Problem(
        "import.column_twice",
        "line 1",
        f"列「{column}」が二つ以上あります。一つにしてください。",
        f"The column '{column}' stands there more than once. Keep one.",
    )


def _utf16() -> Problem:
    return Problem(
        "import.encoding",
        "",
        "ファイルが UTF-16 で保存されています。「CSV UTF-8」で保存し直してください。",
        "The file is saved as UTF-16. Save it again as 'CSV UTF-8'.",
    )


def _undecodable(encoding: str) -> Problem:
    name = {"utf-8": "UTF-8", "cp932": "Shift_JIS (cp932)"}[encoding]
    return Problem(
        "row.encoding",
        "",
        f"この行には {name} として読めない文字があります。書き直してください。",
        f"This row has characters that cannot be read as {name}. Write them again.",
    )


def _bad_quotes() -> Problem:
    return Problem(
        "row.quotes",
        "",
        '引用符 " が閉じていないか、セルの中に改行があります。1 行に 1 件を書いてください。',
        'A quotation mark " is not closed, or a cell has a line break. Write one row a line.',
    )


def _wrong_count(found: int, needed: int) -> Problem:
    return Problem(
        "row.cells",
        "",
        f"セルが {found} 個ありますが、列は {needed} 個です。区切りのコンマを確かめてください。",
        f"There are {found} cells for {needed} columns. Check the commas.",
    )
