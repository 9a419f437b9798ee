"""docs/channels.md must not drift from the code it describes."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels.contract import Channel, Verdict
from channels.twilio_codes import PAUSES
from tests.channels.plugins import PLUGINS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")


def test_the_page_names_every_member_of_the_contract() -> None:
    members = {name for name in (*Channel.__annotations__, *vars(Channel)) if not name.startswith("_")}
    assert members
    assert [name for name in sorted(members) if f"`{name}" not in PAGE] == []


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_page_explains_every_verdict(verdict: Verdict) -> None:
    assert f"| `{verdict.name}` |" in PAGE


def test_the_page_tells_which_codes_of_twilio_call_the_operator() -> None:
    waiting = [code for code, pause in PAUSES.items() if pause.seconds is None]
    assert [code for code in waiting if str(code) not in PAGE] == []


def test_the_pages_entry_point_is_the_examples() -> None:
    example = (PLUGINS / "letterbox" / "pyproject.toml").read_text(encoding="utf-8")
    lines = example.partition('[project.entry-points."todoke.channels"]')[2].split("\n")
    assert lines[1] in PAGE
