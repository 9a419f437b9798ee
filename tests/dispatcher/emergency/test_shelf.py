"""Journals that cannot be merged are put aside: nothing keeps an order in for good."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from asyncpg import Pool

from dispatcher.emergency.journal import Journal
from dispatcher.emergency.ledger import now
from dispatcher.emergency.records import Head, Ordered
from dispatcher.emergency.shelf import Shelf


def head(dispatch: str) -> Head:
    valid_until = now() + timedelta(hours=1)
    return Head(dispatch, "e", ["川辺町"], "evacuation", valid_until, "佐藤", "森", "here", 0, 0, unplanned=False)


def quietly() -> None:
    """Nobody's gate."""


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


async def test_the_journal_of_a_dispatch_the_database_does_not_know_is_put_aside(pool: Pool, tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    await shelf.add("261123-k7m2qx", [head("261123-k7m2qx"), Ordered("森", now())], [])
    await shelf.merge(pool, [], quietly)
    assert names(tmp_path) == ["261123-k7m2qx.not-merged"]
    assert shelf.books == {}


async def test_what_a_dead_process_left_is_taken_up_and_a_journal_without_its_head_is_not(tmp_path: Path) -> None:
    Journal.create(tmp_path / "261123-aaaaaa.journal", [head("261123-aaaaaa")]).close()
    Journal.create(tmp_path / "261123-bbbbbb.journal", [Ordered("森", now())]).close()
    shelf = Shelf(tmp_path)
    shelf.read()
    assert list(shelf.books) == ["261123-aaaaaa"]
    assert names(tmp_path) == ["261123-aaaaaa.journal", "261123-bbbbbb.not-merged"]
    shelf.close()
