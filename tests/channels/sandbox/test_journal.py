"""What the sandbox writes down."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from channels.sandbox.journal import Journal, lines


async def test_a_record_can_be_read_as_soon_as_append_returns(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "line.jsonl")
    await journal.append({"to": "花"})
    assert list(lines(tmp_path / "line.jsonl")) == [{"to": "花"}]
    await journal.close()


async def test_append_returns_only_once_the_record_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def watched(descriptor: int, really: Callable[[int], None] = os.fsync) -> None:
        really(descriptor)
        synced.append(os.fstat(descriptor).st_size)

    monkeypatch.setattr(os, "fsync", watched)
    journal = Journal(tmp_path / "line.jsonl")
    await journal.append({"to": "花"})
    assert synced == [(tmp_path / "line.jsonl").stat().st_size]
    await journal.close()


async def test_records_that_come_together_are_all_kept_in_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "line.jsonl")
    await asyncio.gather(*(journal.append({"n": n}) for n in range(200)))
    await journal.close()
    assert [line["n"] for line in lines(tmp_path / "line.jsonl")] == list(range(200))


async def test_the_record_of_a_caller_that_gave_up_is_kept_and_the_others_are_not_disturbed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "line.jsonl")
    hana, ken = (asyncio.create_task(journal.append({"to": name})) for name in ("hana", "ken"))
    await asyncio.sleep(0)
    hana.cancel()
    await ken
    await journal.close()
    assert [line["to"] for line in lines(tmp_path / "line.jsonl")] == ["hana", "ken"]


async def test_a_line_torn_by_a_crash_is_dropped_and_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "line.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":' + b"2" * 100_000)
    assert [line["n"] for line in lines(path)] == [1]
    journal = Journal(path)
    await journal.append({"n": 3})
    await journal.close()
    assert [line["n"] for line in lines(path)] == [1, 3]


async def test_a_file_of_one_torn_line_becomes_empty(tmp_path: Path) -> None:
    path = tmp_path / "line.jsonl"
    path.write_bytes(b"x" * 200_000)
    await Journal(path).close()
    assert path.read_bytes() == b""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
async def test_a_full_disk_is_told_to_whoever_waits() -> None:
    with pytest.raises(OSError, match="No space left"):
        await Journal(Path("/dev/full")).append({"n": 1})
