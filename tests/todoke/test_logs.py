"""Log lines hold no address, whatever somebody put into them."""

from __future__ import annotations

import errno
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import REGISTRY

from config.settings import Log
from todoke import logs

ADDRESSES = [
    "U4af4980629abcdef0123456789abcdef",
    "hana@kawabe.example",
    "tome..tome.@docomo.ne.jp",
    "+819012345678",
    "+81 90-1234-5678",
    "090-1234-5678",
    "09012345678",
    "086(426)3030",
]
HARMLESS = [
    "2026-11-23T12:53:41.055Z",
    "0193a1f0-7c1e-7000-8000-0123456789ab",
    "dispatch 12, batch 4711, 500 members",
    "127.0.0.1:8080",
    "133.70012345",
    "sha256:00123456789012345678",
]


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.configure(Log(format="json", level="info"), stream)
    yield stream
    structlog.reset_defaults()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_hidden_wherever_it_stands(lines: io.StringIO, address: str) -> None:
    structlog.get_logger().info(
        f"to {address}.", who=address, many=[{"a": (address,)}], error=ValueError(f"<{address}>")
    )
    assert address not in lines.getvalue()
    assert json.loads(lines.getvalue())["who"] == logs.HIDDEN


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_address_stays(lines: io.StringIO, text: str) -> None:
    structlog.get_logger().info("sent", what=text)
    assert json.loads(lines.getvalue())["what"] == text


def test_an_address_in_a_trace_is_hidden_too(lines: io.StringIO) -> None:
    structlog.get_logger().error("crashed", exc_info=RuntimeError("hana@kawabe.example bounced"))
    told = json.loads(lines.getvalue())
    assert "RuntimeError: ‹hidden› bounced" in told["exception"]


def test_a_json_line_says_when_how_bad_and_what(lines: io.StringIO) -> None:
    structlog.get_logger().warning("lane paused", lane="docomo", seconds=3)
    told: dict[str, Any] = json.loads(lines.getvalue())
    assert (told["event"], told["level"], told["lane"], told["seconds"]) == ("lane paused", "warning", "docomo", 3)
    assert told["timestamp"].endswith("Z")


def test_a_new_line_in_a_value_starts_no_new_log_line(lines: io.StringIO) -> None:
    structlog.get_logger().info('subject\n{"event": "forged"}')
    assert len(lines.getvalue().splitlines()) == 1


def test_people_get_columns() -> None:
    stream = io.StringIO()
    logs.configure(Log(format="human", level="warning"), stream)
    structlog.get_logger().info("not this")
    structlog.get_logger().warning("lane paused", lane="docomo")
    structlog.reset_defaults()
    assert "lane paused" in stream.getvalue()
    assert "not this" not in stream.getvalue()


def test_what_libraries_say_is_a_line_of_ours_without_addresses(lines: io.StringIO) -> None:
    hung_up = ConnectionError("hana@kawabe.example hung up")
    logging.getLogger("asyncpg.pool").error("Lost %s", "+819012345678", exc_info=hung_up)
    line = json.loads(lines.getvalue())
    assert (line["logger"], line["level"], line["event"]) == ("asyncpg.pool", "error", f"Lost {logs.HIDDEN}")
    assert "ConnectionError" in line["exception"]
    assert "hana" not in lines.getvalue()


def dropped_so_far() -> float:
    return REGISTRY.get_sample_value("todoke_log_lines_dropped_total") or 0


class FullDisk(io.StringIO):
    """A log on a disk that is full, until somebody makes room."""

    full = True

    def flush(self) -> None:
        if self.full:
            self.truncate(0)
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_cannot_be_written_is_counted_and_stops_nobody() -> None:
    disk = FullDisk()
    logs.configure(Log(format="json", level="info"), disk)
    dropped = dropped_so_far()
    for _ in range(3):
        structlog.get_logger().info("sent")
    disk.full = False
    structlog.get_logger().info("sent again")
    structlog.reset_defaults()
    assert dropped_so_far() - dropped >= 3
    assert '"lines": ' in disk.getvalue()


def test_a_closed_log_stops_nobody() -> None:
    stream = io.StringIO()
    logs.configure(Log(format="json", level="info"), stream)
    stream.close()
    structlog.get_logger().info("sent")
    structlog.reset_defaults()


def test_a_crash_is_told_even_where_its_trace_cannot_be_kept(lines: io.StringIO, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the directory should be")
    name = logs.crash(ValueError("broken"), Log(format="human"), tmp_path / "data")
    assert json.loads(lines.getvalue())["id"] == name
