"""docs/operations.md is what an officer reads at night: an alarm that is not in it is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PACKAGES = ("dispatcher", "subscribers", "console", "todoke")
CODE = re.compile(r"\bTrouble\(\s*f?\"([a-z_.]+)")
CODES = sorted(
    {
        code
        for package in PACKAGES
        for module in (ROOT / package).rglob("*.py")
        for code in CODE.findall(module.read_text(encoding="utf-8"))
    }
    - {"test"}
)


def test_there_are_alarms() -> None:
    assert {"canary.missing", "database.gone", "late.", "quota.gone"} <= set(CODES)


@pytest.mark.parametrize("code", CODES)
def test_every_alarm_has_a_row_that_says_what_to_do(code: str) -> None:
    rows = [line for line in OPERATIONS.splitlines() if line.startswith("| `") and f"`{code}" in line]
    assert rows
    assert all(len(row.split("|")) == 5 for row in rows)
