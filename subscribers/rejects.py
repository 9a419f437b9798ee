"""The reject file: which rows were left out and why, without any address."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from words.problem import Problem, Refused

COLUMNS = ("line", "column", "reason_ja", "reason_en")


class Rejects:
    """Rows left out, in the order of being read; a row with several problems has several lines."""

    def __init__(self, file: TextIO) -> None:
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(COLUMNS)
        self.rows = 0

    def add(self, line: int, problems: Iterable[Problem]) -> None:
        self.rows += 1
        self._writer.writerows((line, problem.where, problem.ja, problem.en) for problem in problems)


@contextmanager
def open_rejects(path: Path, *, source: Path) -> Iterator[Rejects]:
    """A new reject file at `path` in UTF-8; removed again when no row was left out.

    Raises Refused when it cannot be written or is `source` itself.
    """
    if path.resolve() == source.resolve():
        raise Refused(_same_file(path))
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise Refused(_unwritable(path, error)) from error
    with file:
        rejects = Rejects(file)
        yield rejects
    if not rejects.rows:
        path.unlink()


def _same_file(path: Path) -> Problem:
    return Problem(
        "import.rejects_same",
        str(path),
        "除外された行のファイルが、取り込むファイルと同じです。--rejects で別の名前にしてください。",
        "The reject file is the file to import. Name another with --rejects.",
    )


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        "import.rejects_unwritable",
        str(path),
        f"除外された行のファイルを書けません({error.strerror})。--rejects で書ける場所を指定してください。",
        f"The reject file cannot be written ({error.strerror}). Name a place that can with --rejects.",
    )
