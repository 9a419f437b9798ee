"""The command line: what it lists, says and returns."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
import pytest

from tests.todoke.running import todoke
from todoke.__main__ import COMMANDS, Entry, Group, main
from todoke.cli import Context, common_options
from words.problem import Problem, Refused

FLOOD = Problem("river.high", "gauge 3", "水位が高すぎます。", "The river is too high.")


def entries() -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for name, entry in COMMANDS.items():
        found |= (
            {f"{name} {sub}": each for sub, each in entry.commands.items()}
            if isinstance(entry, Group)
            else {name: entry}
        )
    return found


def run(monkeypatch: pytest.MonkeyPatch, data: Path, work: click.Command, *words: str) -> int:
    """Run `work` as if it were the command `match`, through `main`, and return the exit code."""
    monkeypatch.setattr(Entry, "load", lambda _entry: work)
    monkeypatch.setattr(sys, "argv", ["todoke", "match", "--data", str(data), *words])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@click.command()
@common_options
def flooded(_ctx: Context) -> None:
    raise Refused([FLOOD, FLOOD])


@click.command()
@common_options
def broken(_ctx: Context) -> None:
    raise RuntimeError("the bridge at hana@example.jp fell")


@click.command()
@common_options
def interrupted(_ctx: Context) -> None:
    raise KeyboardInterrupt


@click.command()
@common_options
def talking(ctx: Context) -> None:
    ctx.say(ja="届きました", en="Delivered")
    ctx.emit({"delivered": 1})


def test_help_lists_every_command_with_a_line(tmp_path: Path) -> None:
    said = todoke("--help")
    assert said.returncode == 0
    for name, entry in COMMANDS.items():
        assert any(line.split()[:1] == [name] and entry.en[:30] in line for line in said.stdout.splitlines())


def test_help_speaks_the_terminals_language() -> None:
    assert "避難所を開設・満員・閉鎖にする" in todoke("--help", environment={"LANG": "ja_JP.UTF-8"}).stdout


@pytest.mark.parametrize(("name", "entry"), entries().items(), ids=entries())
def test_every_command_has_help_with_an_example(name: str, entry: Entry) -> None:
    text = entry.load().help or ""
    assert "Example" in text
    assert f"todoke {name}" in text


def test_wrong_usage_returns_2() -> None:
    assert todoke("mach").returncode == 2
    assert todoke("config", "check", "--set", "serve.port").returncode == 2


def test_a_refusal_is_its_sentences_and_returns_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, flooded, "--lang", "ja") == 1
    assert capsys.readouterr() == ("", "gauge 3: 水位が高すぎます。\n" * 2)


def test_a_program_gets_the_refusal_as_an_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, flooded, "--json") == 1
    told = json.loads(capsys.readouterr().out)["problems"]
    assert told[0] == {"code": "river.high", "where": "gauge 3", "ja": FLOOD.ja, "en": FLOOD.en}


def test_a_person_is_told_in_words_and_a_program_in_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, talking, "--lang", "ja") == 0
    assert capsys.readouterr().out == "届きました\n"
    assert run(monkeypatch, tmp_path, talking, "--json") == 0
    assert capsys.readouterr().out == '{"delivered": 1}\n'


def test_what_nobody_expected_gets_a_number_and_its_trace_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, broken, "--set", "log.format=human", "--lang", "en") == 1
    said, kept = capsys.readouterr().err, (tmp_path / "errors.log").read_text()
    assert said.startswith("Something unexpected happened (number ")
    assert said.split("number ")[1][:12] in kept
    assert "the bridge at ‹hidden› fell" in kept
    assert (tmp_path / "errors.log").stat().st_mode & 0o077 == 0


def test_ctrl_c_returns_130_and_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, tmp_path, interrupted) == 130
    assert capsys.readouterr() == ("", "")


def test_config_check_prints_names_values_and_origins(tmp_path: Path) -> None:
    said = todoke("config", "check", "--data", str(tmp_path), environment={"TODOKE_REDIS_URL": "redis://:mori@cache"})
    rows = {line.split()[0]: line.split()[1:] for line in said.stdout.splitlines()}
    assert rows["redis_url"] == ["**********", "environment", "TODOKE_REDIS_URL"]
    assert rows["data"] == [str(tmp_path), "command", "line"]
    assert "mori" not in said.stdout


def test_config_check_gives_programs_one_object(tmp_path: Path) -> None:
    told = json.loads(todoke("config", "check", "--json", "--data", str(tmp_path)).stdout)["settings"]
    assert {"name": "serve.port", "value": 8080, "origin": "default"} in told


def test_config_check_refuses_in_the_language_asked_for() -> None:
    said = todoke("config", "check", "--set", "serve.prt=1", "--lang", "ja")
    assert said.returncode == 1
    assert said.stderr == (
        "--set serve.prt: このような設定はありません。serve.port のことでしょうか。設定の一覧は docs/settings.md にあります。\n"
    )


def test_migrate_says_what_it_did(fresh_database_url: str, empty_database_url: str) -> None:
    first = todoke("migrate", "--json", environment={"TODOKE_DATABASE_URL": empty_database_url})
    assert json.loads(first.stdout)["applied"][0].startswith("0001_")
    again = todoke("migrate", environment={"TODOKE_DATABASE_URL": fresh_database_url})
    assert again.stdout == "The database is up to date.\n"


def test_a_database_that_does_not_answer_is_named_without_its_password() -> None:
    said = todoke("migrate", environment={"TODOKE_DATABASE_URL": "postgresql://sato:hush@127.0.0.1:1/todoke"})
    assert said.returncode == 1
    assert "The database on 127.0.0.1 cannot be reached" in said.stderr
    assert "hush" not in said.stderr


def test_nothing_is_started_where_a_database_is_named(empty_database_url: str, tmp_path: Path) -> None:
    said = todoke("migrate", "--data", str(tmp_path), environment={"TODOKE_DATABASE_URL": empty_database_url})
    assert said.returncode == 0
    assert list(tmp_path.iterdir()) == []
