"""Whether an alarm would reach anybody is tried before it has to."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.todoke.running import todoke


def command(program: str) -> str:
    return f"alarms.command={json.dumps([sys.executable, '-c', program])}"


def test_a_hook_that_takes_the_test_is_named(tmp_path: Path) -> None:
    out = tmp_path / "told"
    ended = todoke("test-alarm", "--set", command(f"import sys; open({str(out)!r}, 'w').write(sys.stdin.read())"))
    assert (ended.returncode, ended.stdout) == (0, "command: took it.\n")
    assert json.loads(out.read_text(encoding="utf-8"))["en"] == "This is a test of the alarm. Nothing is wrong."


def test_a_hook_that_does_not_is_said_with_its_reason() -> None:
    ended = todoke("test-alarm", "--lang", "ja", "--set", command("raise SystemExit(7)"))
    assert (ended.returncode, ended.stdout) == (1, "command: 届きません(it ended with 7)。\n")


def test_without_a_hook_it_says_what_to_set() -> None:
    ended = todoke("test-alarm")
    assert ended.returncode == 1
    assert "There is nobody to tell. Set alarms.command or alarms.webhook." in ended.stderr
