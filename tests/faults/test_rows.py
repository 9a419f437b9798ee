"""The rows as a list, and the schedule: both follow from what was asked for and from nothing else."""

from __future__ import annotations

import random
from contextlib import AsyncExitStack
from pathlib import Path

from tests.faults.__main__ import Result, summary_of
from tests.faults.row import ROWS, Figure, Row, at_least, at_most, load_rows
from tests.faults.stage import Stage


def stage(folder: Path, *, number: int = 1, seed: int = 7) -> Stage:
    return Stage(AsyncExitStack(), folder, number=number, seed=seed, cycles=1)


def draws(source: random.Random) -> list[float]:
    return [source.random() for _ in range(10)]


def test_the_same_seed_gives_the_same_schedule_and_every_row_one_of_its_own(tmp_path: Path) -> None:
    first = draws(stage(tmp_path).random)
    assert first == draws(stage(tmp_path).random)
    assert first != draws(stage(tmp_path, seed=8).random)
    assert first != draws(stage(tmp_path, number=2).random)


def test_the_same_seed_gives_the_same_events(tmp_path: Path) -> None:
    first, again = stage(tmp_path).event(), stage(tmp_path).event()
    assert first["id"] == again["id"]
    assert first["texts"] == again["texts"]


def test_rows_are_loaded_once_by_number_and_each_keeps_its_files_apart() -> None:
    rows = load_rows()
    assert load_rows() == rows
    assert [row.number for row in rows] == sorted(row.number for row in ROWS)
    assert len({row.run.__name__ for row in rows}) == len(rows)


def test_a_figure_misses_its_target_by_the_least_bit() -> None:
    assert at_most("resumed after", 35, 35, "s").held
    assert not at_most("resumed after", 35.01, 35, "s").held
    assert str(at_most("lost", 1, 0)) == "lost 1 (target 0)"
    assert not at_least("throughput", 0.59, 0.6).held


async def _nothing(_stage: Stage) -> list[Figure]:
    return []


def test_the_last_line_holds_every_figure_and_what_was_left_out() -> None:
    missed, unplayed = Row(1, "a kill", _nothing), Row(12, "a full disk", _nothing)
    results = [Result(missed, [at_most("lost", 1, 0)], 2.0), Result(unplayed, [], 0.1, left_out="only root can")]
    summary = summary_of(results, seed=7, cycles=40)
    assert (summary["held"], summary["seed"]) == (False, 7)
    assert summary["rows"][0]["figures"] == [{"name": "lost", "value": 1, "target": "0", "held": False}]
    assert summary["rows"][1]["left_out"] == "only root can"
