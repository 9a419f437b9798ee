"""The page that tells the figures: every row once, by its latest run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.faults.page import BEGIN, END, filled

PAGE = f"# Promises\n{BEGIN}\nold\n{END}\nmore\n"


def run(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"rows": list(rows)}


def row(number: int, value: float, *, held: bool = True) -> dict[str, Any]:
    figure = {"name": "lost", "value": value, "target": "0", "held": held}
    return {"row": number, "title": f"fault {number}", "held": held, "figures": [figure]}


def test_rows_are_told_in_their_order_in_place_of_the_old_ones() -> None:
    page = filled(PAGE, [run(row(4, 0), row(1, 0))])
    assert page.index("| 1 | fault 1 | lost 0 (0) | held |") < page.index("| 4 | fault 4 ")
    assert "old" not in page
    assert page.endswith("\nmore\n")


def test_a_row_that_ran_again_is_told_by_its_last_run() -> None:
    page = filled(PAGE, [run(row(1, 3, held=False)), run(row(1, 0))])
    assert page.count("fault 1") == 1
    assert "failed" not in page


def test_what_missed_its_target_stands_out() -> None:
    assert "| **lost 2 (0)** | **failed** |" in filled(PAGE, [run(row(1, 2, held=False))])


def test_a_page_without_a_place_for_them_is_refused() -> None:
    with pytest.raises(ValueError, match="no place"):
        filled("# Promises\n", [run(row(1, 0))])
