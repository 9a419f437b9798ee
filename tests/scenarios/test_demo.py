"""What a newcomer sees first: one command, nothing else running, and a report at its end."""

import json
import re
from pathlib import Path

from tests.todoke.running import todoke


def test_the_demo_sends_a_drill_and_an_order_from_nothing_and_writes_a_report_of_its_own(tmp_path: Path) -> None:
    words = ("--leave", "--subscribers", "300", "--json", "--set", "serve.port=0", "--data", str(tmp_path / "data"))
    ended = todoke("demo", *words)
    assert ended.returncode == 0, ended.stderr
    result = json.loads(ended.stdout.splitlines()[-1])
    drill, order = result["dispatches"]
    assert (drill["mode"], order["mode"]) == ("drill", "live")
    assert 0 < drill["audience"] < order["audience"] < 300
    assert all(counts["accepted"] > 0 for counts in order["channels"].values())
    assert [each["login"] for each in result["officers"]] == ["sato", "mori"]
    page = Path(result["report"]).read_text(encoding="utf-8")
    assert order["dispatch"] in page
    assert not re.search(r"<script|<link|<img|@import|url\((?!['\"]?#)", page)
