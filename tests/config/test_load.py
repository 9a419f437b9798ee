"""File < environment < command line, and every value remembers where it came from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr

from config import load
from tests.config.conftest import Load

Written = Callable[[str], Path]


def test_with_nothing_said_the_defaults_hold(loaded: Load) -> None:
    settings = loaded().settings
    assert (settings.timezone, settings.serve.port, settings.sending.batch_size) == ("Asia/Tokyo", 8080, 500)
    assert settings.database_url is None
    assert settings.channels == {}


def test_the_environment_outdoes_the_file_and_the_command_line_both(loaded: Load, written: Written) -> None:
    written("[serve]\nport = 1001\nhost = '::1'\n[town]\nname = '川辺町'")
    found = loaded({"serve.port": "1003"}, {"TODOKE_SERVE__PORT": "1002", "TODOKE_SERVE__HOST": "127.0.0.2"})
    assert (found.settings.serve.port, found.settings.serve.host) == (1003, "127.0.0.2")
    assert found.settings.town.name == "川辺町"


def test_every_value_says_where_it_came_from(loaded: Load, written: Written) -> None:
    written("[town]\nname = '川辺町'")
    found = loaded({"serve.port": "1003"}, {"TODOKE_LANGUAGE": "ja"})
    origins = {each.name: each.origin for each in found.effective()}
    assert origins["town.name"] == "file todoke.toml"
    assert origins["language"] == "environment TODOKE_LANGUAGE"
    assert origins["serve.port"] == "command line"
    assert origins["serve.host"] == "default"


def test_a_secret_may_lie_in_a_file_of_its_own(loaded: Load, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("abc\n")
    secret.chmod(0o600)
    found = loaded(environment={"TODOKE_CHANNELS__LETTER__TOKEN_FILE": str(secret)})
    assert found.settings.channels["letter"].model_dump()["token"] == SecretStr("abc")
    assert found.origins["channels.letter.token"].said == "environment TODOKE_CHANNELS__LETTER__TOKEN_FILE"


def test_effective_settings_show_no_secret(loaded: Load) -> None:
    found = loaded({"channels.letter.token": "abc", "database_url": "postgresql://sato:abc@db/todoke"})
    shown = {each.name: each.value for each in found.effective()}
    assert shown["channels.letter.token"] == shown["database_url"] == "**********"
    assert "abc" not in str(shown)


def test_a_channel_nobody_mentions_is_not_configured(loaded: Load) -> None:
    assert "letter" not in loaded().settings.channels
    assert loaded({"channels.letter.token": "abc"}).settings.channels["letter"].model_dump()["rate"] == 200


def test_tables_are_tables_in_the_file_and_json_elsewhere(loaded: Load, written: Written) -> None:
    written("[channels.letter]\ntoken = 'abc'\n[channels.letter.domains]\n'docomo.ne.jp' = 5")
    assert loaded().settings.channels["letter"].model_dump()["domains"] == {"docomo.ne.jp": 5}
    commanded = loaded({"channels.letter.domains": '{"au.com": 7}'})
    assert commanded.settings.channels["letter"].model_dump()["domains"] == {"au.com": 7}


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "C", "LC_ALL": "ja_JP.UTF-8"}, "ja"),
        ({}, "en"),
    ],
)
def test_the_language_is_the_terminals_unless_set(loaded: Load, environment: dict[str, str], language: str) -> None:
    assert loaded(environment=environment).settings.language == language
    assert loaded({"language": "ja"}, environment).settings.language == "ja"


def test_a_file_named_by_hand_may_say_where_the_data_is(tmp_path: Path) -> None:
    file = tmp_path / "town.toml"
    file.write_text("data = 'here'")
    assert load(command_line={}, environment={}, file=file, channels={}).settings.data == tmp_path / "here"
