"""`python -m tests.faults.page RESULTS…`: the figures of runs, as `--json` printed them, into docs/guarantees.md.

Each file's last line is one run; a row that stands in several is told by the last of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click

from tests.faults.process import ROOT

PAGE = ROOT / "docs" / "guarantees.md"
BEGIN, END = "<!-- figures: python -m tests.faults.page writes them -->", "<!-- end of figures -->"


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def main(results: tuple[Path, ...]) -> None:
    """Write the figures of RESULTS into docs/guarantees.md.

    \b
    Example:
      python -m tests.faults --json > run.txt; python -m tests.faults.page run.txt
    """
    runs = [json.loads(path.read_text(encoding="utf-8").splitlines()[-1]) for path in results]
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), runs), encoding="utf-8")


def filled(page: str, runs: Sequence[dict[str, Any]]) -> str:
    """The page with the figures between its marks. Raises ValueError where it has no marks."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no place for figures")
    rows = {(row["row"], row["title"]): row for run in runs for row in run["rows"]}
    lines = ["| Row | What is broken | Figures beside their targets | |", "|---|---|---|---|"]
    lines += [_line(rows[key]) for key in sorted(rows)]
    return f"{before}{BEGIN}\n{chr(10).join(lines)}\n{END}{after}"


def _line(row: dict[str, Any]) -> str:
    figures = "<br>".join(_figures(row["figures"])) or "–"
    return f"| {row['row']} | {row['title']} | {figures} | {'held' if row['held'] else '**failed**'} |"


def _figures(figures: Iterable[dict[str, Any]]) -> Iterable[str]:
    for figure in figures:
        told = f"{figure['name']} {figure['value']:.4g} ({figure['target']})"
        yield told if figure["held"] else f"**{told}**"


if __name__ == "__main__":
    main()
