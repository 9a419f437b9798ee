"""The gate between processes of one data directory."""

from __future__ import annotations

import struct
import time
from pathlib import Path

from dispatcher.emergency.gate import SHUT_SECONDS, Gate


def test_a_gate_shut_by_one_is_shut_for_all(tmp_path: Path) -> None:
    one, other = Gate(tmp_path / "gate"), Gate(tmp_path / "gate")
    assert not other.is_shut
    one.shut()
    assert other.is_shut
    one.open()
    assert not other.is_shut


def test_a_gate_that_nobody_renews_is_open(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    (tmp_path / "gate").write_bytes(struct.pack("<d", time.monotonic() - 1))
    assert not gate.is_shut


def test_a_gate_of_before_the_machine_was_started_anew_is_open(tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    (tmp_path / "gate").write_bytes(struct.pack("<d", time.monotonic() + 2 * SHUT_SECONDS))
    assert not gate.is_shut
