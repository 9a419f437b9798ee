"""`todoke send`, `status` and `stop`, as officers and programs run them."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from click.testing import CliRunner

from channels.sandbox.journal import lines
from tests.dispatcher.engine_room import CAST, HEADER, RIVERSIDE, crowd
from tests.scenarios.cli import Ended
from tests.todoke import running
from todoke.__main__ import COMMANDS, LazyGroup

BOTH = ("--requested-by", "佐藤", "--approved-by", "森")
FIVE = {"ja": {"subject": "緊急安全確保", "body": "川沿いに{level_name}。"}}
STATUS_KEYS = {
    "dispatch", "event", "class", "mode", "state", "requested_by", "approved_by", "approved_at", "valid_until",
    "audience", "late_entries", "channels", "seconds", "counted", "held", "emergencies",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Look-alikes of the providers, all tests' own: each sees what was accepted since it began."""

    settings: Path
    calls_before: int = 0
    requests_before: int = 0

    def multicasts(self) -> list[dict[str, Any]]:
        return list(lines(self.settings.parent / "line.jsonl"))[self.calls_before :]

    def requests(self) -> list[dict[str, Any]]:
        return list(lines(self.settings.parent / "requests.jsonl"))[self.requests_before :]


@pytest.fixture(scope="module")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    directory = tmp_path_factory.mktemp("sandbox")
    ports = ("--http-port=0", "--smtp-port=0", "--line-rate=0", "--sms-rate=0", "--callback=")
    process = running.started("sandbox", "--json", f"--dir={directory}", *ports)
    assert process.stdout is not None
    yield Sandbox(Path(json.loads(process.stdout.readline())["settings"]))
    process.kill()
    process.communicate()


@pytest.fixture
def sandbox(providers: Sandbox) -> Sandbox:
    return replace(providers, calls_before=len(providers.multicasts()), requests_before=len(providers.requests()))


@dataclass(frozen=True, slots=True)
class Todoke:
    """The whole command line on one database and data directory, without a process for each command."""

    data: Path
    environment: dict[str, str]
    config: Path | None

    def run(self, *words: str | Path) -> Ended:
        command = LazyGroup(COMMANDS, help="")
        said = CliRunner().invoke(command, self._words(words), env=self.environment)
        return Ended(said.exit_code, said.stdout, said.stderr)

    def ok(self, *words: str | Path) -> Ended:
        """The command, which has to succeed."""
        ended = self.run(*words)
        assert ended.code == 0, f"{words}: {ended.out}{ended.err}"
        return ended

    def in_a_process(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        return running.todoke(*self._words(words), environment=self.environment)

    def _words(self, words: tuple[str | Path, ...]) -> list[str]:
        config = ["--config", str(self.config)] if self.config else []
        return [*map(str, words), "--data", str(self.data), *config]


@pytest.fixture
def todoke(tmp_path: Path, fresh_database_url: str, sandbox: Sandbox) -> Todoke:
    """Kawabe with its cast signed up; nobody is at work."""
    environment = {"TODOKE_DATABASE_URL": fresh_database_url, "TODOKE_LANGUAGE": "en"}
    todoke = Todoke(tmp_path / "data", environment, sandbox.settings)
    people = tmp_path / "people.csv"
    people.write_text(HEADER + "\n".join(CAST.values()) + "\n", encoding="utf-8")
    todoke.ok("import", "subscribers", people)
    return todoke


def event(todoke: Todoke, **changes: Any) -> Path:
    """A live evacuation order for the riverside, or what `changes` makes of it, as a file."""
    document: dict[str, Any] = {
        "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "川辺町長", "id": "flood-1",
        "area": {"type": "Polygon", "coordinates": RIVERSIDE},
        "texts": {"ja": {"subject": "避難指示", "body": "川沿いに{level_name}。"}},
        "valid_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    } | changes  # fmt: skip
    document = {key: value for key, value in document.items() if value is not None}
    path = todoke.data.parent / "event.json"
    path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return path


async def _execute(todoke: Todoke, statement: str) -> None:
    connection = await asyncpg.connect(todoke.environment["TODOKE_DATABASE_URL"])
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def dispatches(todoke: Todoke) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = todoke.ok("status", "--json").last["dispatches"]
    return listed


def test_send_and_wait_ends_with_the_object_that_formats_promises(todoke: Todoke) -> None:
    end = json.loads(todoke.in_a_process("send", event(todoke), *BOTH, "--wait", "--json").stdout.splitlines()[-1])
    assert end.keys() == STATUS_KEYS
    assert (end["state"], end["audience"], end["requested_by"], end["approved_by"]) == ("drained", 4, "佐藤", "森")
    assert {name: counts["accepted"] for name, counts in end["channels"].items()} == {"line": 2, "sms": 2, "email": 1}
    assert end["seconds"].keys() == {"match", "planned", "first_send", "drained"}


def test_send_and_wait_ends_with_a_table_for_people(todoke: Todoke) -> None:
    said = todoke.ok("send", event(todoke), *BOTH, "--wait").out
    assert said.startswith("LIVE ")
    assert "drained, 4 people" in said
    assert "accepted" in said


def test_an_order_nobody_is_there_to_send_waits_and_says_so(todoke: Todoke, sandbox: Sandbox) -> None:
    said = todoke.ok("send", event(todoke), *BOTH).out
    assert "No worker is running: start todoke worker or todoke serve" in said
    assert [each["state"] for each in dispatches(todoke)] == ["approved"]
    assert sandbox.multicasts() == []


def test_a_drill_is_signed_by_whoever_is_logged_in_and_reaches_the_drill_list(todoke: Todoke, sandbox: Sandbox) -> None:
    end = todoke.ok("send", event(todoke, mode="drill"), "--wait", "--json").last
    assert (end["mode"], end["audience"]) == ("drill", 1)
    assert end["requested_by"] == end["approved_by"] != ""
    (call,) = sandbox.multicasts()
    assert call["messages"][0]["text"].startswith("【訓練】")


@pytest.mark.parametrize(
    ("signed", "reason"),
    [
        ((), "A live send needs the names of who asks and who approves: give --requested-by and --approved-by."),
        (("--requested-by", "佐藤"), "A live send needs the names of who asks and who approves"),
        (("--requested-by", "佐藤", "--approved-by", "佐藤"), "A live send needs two different people."),
    ],
)
def test_a_live_send_without_two_officers_is_refused_and_leaves_nothing(
    todoke: Todoke, signed: tuple[str, ...], reason: str
) -> None:
    said = todoke.run("send", event(todoke), *signed)
    assert said.code == 1
    assert said.err.startswith(f"approved_by: {reason}")
    assert dispatches(todoke) == []


def test_every_problem_of_an_event_is_told_at_once_and_nothing_is_sent(todoke: Todoke) -> None:
    bad = event(todoke, level=3, hazard="alien", area=None, mode="LIVE")
    said = todoke.run("send", bad, *BOTH, "--json")
    assert said.code == 1
    assert {"/level", "/hazard", "/area", "/mode"} <= {problem["where"] for problem in said.last["problems"]}
    assert said.last["problems"][0].keys() == {"code", "where", "ja", "en"}
    assert dispatches(todoke) == []


def test_the_same_order_pressed_twice_is_refused_with_what_to_do(todoke: Todoke) -> None:
    first = todoke.ok("send", event(todoke), *BOTH, "--json").last["dispatch"]
    said = todoke.run("send", event(todoke), *BOTH)
    assert said.code == 1
    assert f"already sent as {first}" in said.err
    assert "add --again" in said.err


def test_a_request_made_twice_is_one_dispatch(todoke: Todoke) -> None:
    asked = ("send", event(todoke), *BOTH, "--request", "console-17", "--json")
    first = todoke.ok(*asked).last["dispatch"]
    assert todoke.ok(*asked).last["dispatch"] == first
    assert len(dispatches(todoke)) == 1


def test_a_request_is_not_used_again_for_something_else(todoke: Todoke) -> None:
    first = todoke.ok("send", event(todoke), *BOTH, "--request", "console-17", "--json").last["dispatch"]
    said = todoke.run("send", event(todoke, id="flood-2", level=5), *BOTH, "--request", "console-17")
    assert said.code == 1
    assert said.err.startswith(f"request: This request already led to dispatch {first}, of other content.")


def test_only_what_was_looked_at_is_approved_by_its_digest(todoke: Todoke) -> None:
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    digest = todoke.ok("match", event(todoke, valid_until=until), "--json").last["digest"]
    said = todoke.run("send", event(todoke, valid_until=until, level=5, texts=FIVE), *BOTH, "--digest", digest[:12])
    assert said.code == 1
    assert said.err.startswith("digest: The content is not what was approved. Look at it once more with todoke match")
    assert dispatches(todoke) == []
    todoke.ok("send", event(todoke, valid_until=until), *BOTH, "--digest", digest[:12])


def test_the_count_of_the_approval_is_kept(todoke: Todoke) -> None:
    said = todoke.ok("send", event(todoke), *BOTH)
    assert said.out.splitlines()[0].endswith(" approved for 4 people.")
    assert dispatches(todoke)[0]["counted"] == 4


def test_a_held_order_says_why_and_is_sent_once_an_officer_releases_it(todoke: Todoke, tmp_path: Path) -> None:
    name = todoke.ok("send", event(todoke), *BOTH, "--json").last["dispatch"]
    people = tmp_path / "more.csv"
    people.write_text(HEADER + "\n".join(crowd(21)) + "\n", encoding="utf-8")
    todoke.ok("import", "subscribers", people)
    said = todoke.run("send", event(todoke, id="next"), *BOTH, "--wait")
    assert said.code == 0
    (held,) = [each for each in dispatches(todoke) if each["dispatch"] == name]
    assert {**held["held"], "at": ""} == {"reason": "drift", "counted": 4, "found": 25, "at": ""}
    assert "It was approved for 4 people, but just before sending there were 25." in todoke.ok("status").out
    assert "The dispatch is held; nobody has been written to." in todoke.ok("why", name, "hana").out
    released = todoke.ok("release", name, "--by", "森", "--yes", "--json")
    assert "There are 25 people in its area now (at the approval: 4)." in released.err
    assert (released.last["state"], released.last["counted"]) == ("approved", 25)
    todoke.ok("report", name, "--out", tmp_path / "report.html")
    assert "released by 森" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_who_waits_for_a_held_order_is_told_what_to_do(todoke: Todoke) -> None:
    name = todoke.ok("send", event(todoke, mode="drill"), "--json").last["dispatch"]
    asyncio.run(_execute(todoke, "update event set area = null"))
    said = todoke.run("send", event(todoke, id="other", mode="drill"), "--wait")
    assert said.code == 0
    assert todoke.run("release", name, "--by", "森", "--yes").err.startswith(
        "What is stored, or its area, is not what was approved."
    )


def test_a_stopped_order_is_not_sent_by_who_comes_to_work_later(todoke: Todoke, sandbox: Sandbox) -> None:
    first = todoke.ok("send", event(todoke), *BOTH, "--json").last["dispatch"]
    assert todoke.ok("stop", first, "--json").last == {"stopped": [first], "state": "cancelled"}
    todoke.ok("send", event(todoke, id="drill-1", mode="drill"), "--wait")
    assert [len(call["to"]) for call in sandbox.multicasts()] == [1]
    assert todoke.ok("status", first, "--json").last["state"] == "cancelled"


def test_stop_says_when_there_is_nothing_to_stop(todoke: Todoke) -> None:
    end = todoke.ok("send", event(todoke, mode="drill", late_entry=False), "--wait", "--json").last
    said = todoke.ok("stop", end["dispatch"])
    assert said.out == f"{end['dispatch']} had already ended (drained); there was nothing left to stop.\n"
    assert todoke.ok("stop", "--all", "--json").last == {"stopped": []}


def test_stop_ends_late_entry_of_an_order_that_was_sent_and_says_so(todoke: Todoke) -> None:
    name = todoke.ok("send", event(todoke, mode="drill"), "--wait", "--json").last["dispatch"]
    said = todoke.ok("stop", name, "--by", "森", "--lang", "ja")
    assert said.out == f"{name} はすでに送り終えています。これから区域に入る人には届きません（停止：森）。\n"
    assert "Whoever comes into its area from now on does not get it (stopped by 森)." in todoke.ok("stop", name).out


def test_one_channel_is_stopped_and_the_others_go_on(todoke: Todoke, sandbox: Sandbox) -> None:
    name = todoke.ok("send", event(todoke), *BOTH, "--json").last["dispatch"]
    said = todoke.ok("stop", name, "--channel", "line", "--lang", "ja")
    assert said.out.startswith(f"{name} の line を中止しました。")
    todoke.ok("send", event(todoke, id="drill-1", mode="drill", channels=["sms"]), "--wait")
    assert sandbox.multicasts() == []
    assert "does not use the channel 'fax'" in todoke.run("stop", name, "--channel", "fax").err
    assert todoke.run("stop", "--all", "--channel", "sms").code == 2


@pytest.mark.parametrize("words", [("status",), ("stop",)])
def test_a_dispatch_that_is_none_is_refused_by_name(todoke: Todoke, words: tuple[str, ...]) -> None:
    said: Ended = todoke.run(*words, "1123-nobody")
    assert said.code == 1
    assert said.err == "There is no dispatch '1123-nobody'. See the names with todoke status.\n"


@pytest.mark.parametrize("words", [("stop",), ("stop", "1123-k7m2qx", "--all"), ("send",), ("status", "a", "b")])
def test_wrong_usage_is_2(todoke: Todoke, words: tuple[str, ...]) -> None:
    assert todoke.run(*words).code == 2


def test_match_counts_whom_an_order_would_reach_and_sends_nothing(todoke: Todoke, sandbox: Sandbox) -> None:
    found = todoke.ok("match", event(todoke), "--json").last
    assert len(found.pop("digest")) == 64
    assert found == {
        "people": 4, "audience": 4, "channels": {"line": 2, "sms": 2, "email": 1},
        "languages": {"ja": 1, "ja-x-easy": 1, "vi": 1, "zh-Hans": 1}, "shelters": [],
    }  # fmt: skip
    assert sandbox.requests() == []


def test_match_refuses_a_reference_to_no_dispatch_as_send_would(todoke: Todoke) -> None:
    said = todoke.run("match", event(todoke, area=None, reference={"lifts": "1123-nobody"}))
    assert said.code == 1
    assert said.err.startswith("/reference/lifts: There is no dispatch '1123-nobody' to refer to.")


def test_match_counts_the_three_audiences_of_an_update(todoke: Todoke) -> None:
    first = todoke.ok("send", event(todoke), *BOTH, "--wait", "--json").last["dispatch"]
    texts = {"ja": {"subject": "避難指示", "body": "避難指示を続けます。"}}
    three = {"texts_still": texts, "texts_released": texts, "reference": {"updates": first}}
    changed = event(todoke, id="flood-2", area={"point": [133.75, 34.65], "radius_m": 500}, **three)
    assert todoke.ok("match", changed, "--json").last["audiences"] == {"new": 1, "still": 0, "released": 4}
    said = todoke.ok("match", changed).out
    assert "1 people inside, 1 of them reachable\n  newly inside: 1\n  still inside: 0\n  no longer inside: 4\n" in said


def test_match_takes_an_area_alone(todoke: Todoke) -> None:
    area = todoke.data.parent / "riverside.geojson"
    area.write_text(json.dumps({"type": "Polygon", "coordinates": RIVERSIDE}), encoding="utf-8")
    assert "4 people inside, 4 of them reachable" in todoke.ok("match", area).out
    said = todoke.run("match", "99999")
    assert (said.code, said.err) == (
        1,
        "No boundary is stored under the code 99999. Import one with todoke import areas.\n",
    )


def test_match_takes_metres_around_a_point_and_refuses_none(todoke: Todoke) -> None:
    area = todoke.data.parent / "station.json"
    area.write_text('{"point": [133.70, 34.60], "radius_m": 2000}', encoding="utf-8")
    assert "4 people inside" in todoke.ok("match", area).out
    area.write_text('{"point": [133.70, 34.60], "radius_m": 0}', encoding="utf-8")
    said = todoke.run("match", area)
    assert (said.code, said.err) == (1, "/radius_m: 0 metres cannot be used; write 1 to 500,000.\n")


def test_without_channels_a_send_says_how_to_get_some(todoke: Todoke) -> None:
    bare = replace(todoke, config=None)
    said = bare.run("send", event(todoke), *BOTH)
    assert said.code == 1
    assert said.err.startswith("channels: No channel is configured.")


def test_what_was_kept_long_enough_is_dropped_on_demand(todoke: Todoke) -> None:
    """Dispatches whose names have no year are older than anything that is kept."""
    sent = json.loads(todoke.in_a_process("send", event(todoke), *BOTH, "--wait", "--json").stdout.splitlines()[-1])
    assert todoke.ok("age", "--json", "--set", "records.keep_years=0").last == {"added": [], "dropped": []}
    assert todoke.ok("age", "--set", "records.keep_years=50").out == "There is nothing to drop.\n"
    assert todoke.ok("status", "--json", sent["dispatch"]).last["channels"] == sent["channels"]
