"""What is in the journal is there after a crash, and what was torn was never acknowledged."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.emergency.journal import Journal, read
from dispatcher.emergency.records import Ordered, Record, Stopped

AT = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SATO, MORI = Ordered("佐藤", AT), Stopped("森", AT)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "261123-k7m2qx.journal"


def tear(path: Path) -> None:
    """As a crash in the middle of a write leaves it."""
    path.write_bytes(path.read_bytes()[:-3])


async def test_what_was_appended_is_read_in_order(path: Path) -> None:
    journal = Journal.create(path, [SATO])
    await journal.append(MORI)
    journal.close()
    assert read(path)[0] == [SATO, MORI]


async def test_a_torn_end_is_cut_off_and_the_next_record_stands_where_it_was(path: Path) -> None:
    journal = Journal.create(path, [SATO])
    await journal.append(MORI)
    journal.close()
    tear(path)
    journal, records = Journal.opened(path)
    await journal.append(SATO)
    journal.close()
    assert records == [SATO]
    assert read(path)[0] == [SATO, SATO]


def test_a_damaged_record_does_not_take_those_after_it_along(path: Path) -> None:
    Journal.create(path, [SATO, MORI, SATO]).close()
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    assert read(path)[0] == [SATO, SATO]


@given(cut=st.integers(0, 400), flipped=st.integers(0, 400))
def test_whatever_is_left_of_a_file_is_read_as_some_of_its_records(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flipped: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "x.journal"
    written: list[Record] = [Ordered(f"佐藤{turn}", AT) for turn in range(6)]
    Journal.create(path, written).close()
    content = bytearray(path.read_bytes()[:cut])
    if flipped < len(content):
        content[flipped] ^= 1
    path.write_bytes(content)
    found, whole = read(path)
    assert found == [record for record in written if record in found]
    assert whole <= len(content)


def test_a_draft_that_could_not_be_finished_leaves_no_journal(path: Path) -> None:
    def records() -> list[Record]:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        Journal.create(path, (record for _ in range(1) for record in records()))
    assert list(path.parent.iterdir()) == []


async def test_a_record_that_did_not_reach_the_disk_counts_as_never_written(path: Path) -> None:
    journal = Journal.create(path, [SATO])
    journal.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        await journal.append(MORI)
    assert read(path)[0] == [SATO]
