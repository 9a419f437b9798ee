"""What is wrong with a setting is said by the name the person used, all at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tests.config.conftest import Load
from words.problem import Refused

Written = Callable[[str], Path]
SHORT_KEY = "c2hvcnQ="


def refusal(
    loaded: Load, command_line: Mapping[str, str] | None = None, environment: Mapping[str, str] | None = None
) -> Refused:
    with pytest.raises(Refused) as refused:
        loaded(command_line, environment)
    return refused.value


@pytest.mark.parametrize(
    ("variable", "value", "en", "ja"),
    [
        ("TODOKE_SERVE__PORT", "http", "Give a whole number.", "整数を指定してください。"),
        ("TODOKE_SERVE__PORT", "70000", "Give a value of at most 65535.", "65535 以下の値"),
        ("TODOKE_SENDING__BATCH_SIZE", "501", "Give a value of at most 500.", "500 以下の値"),
        ("TODOKE_SENDING__BATCH_SIZE", "0", "Give a value of at least 1.", "1 以上の値"),
        ("TODOKE_LOG__FORMAT", "xml", "Give one of these: 'human' or 'json'.", "使えるのは"),
        ("TODOKE_TIMEZONE", "Asia/Edo", "There is no such time zone.", "このタイムゾーンはありません"),
        ("TODOKE_DATABASE_URL", "mysql://db", "start with one of postgresql://", "postgresql://, postgres:// のどれか"),
        ("TODOKE_PUBLIC_BASE_URL", "todoke.example", "start with one of https://", "https://, http:// のどれか"),
        ("TODOKE_VAULT__KEY", SHORT_KEY, "The key is 32 bytes written in base64.", "32 バイトを base64"),
        ("TODOKE_TOWN__CODE", "川辺", "Give it in the form", "形式が違います"),
        ("TODOKE_SHELTERS__URL_TEMPLATE", "https://map", "must contain {lat} and {lon}", "{lat} と {lon} を含めて"),
        ("TODOKE_ALARMS__WEBHOOK", "http://8.8.8.8/alarm", "http:// and a private address", "(プライベート)アドレス"),
        ("TODOKE_ALARMS__WEBHOOK", "http://chat.example/a", "an address with https://", "https:// の URL か"),
        ("TODOKE_ALARMS__COMMAND", '"page"', "Write it as a list.", "一覧として書いてください"),
        ("TODOKE_ALARMS__WEBHOOK_SECRET", "short", "at least 16 characters", "16 文字以上"),
        ("TODOKE_CANARY__DEADLINE_SECONDS", "300", "shorter than the time between two canaries", "間隔より短く"),
        ("TODOKE_CHANNELS__LETTER__DOMAINS", "a=1", "Write tables and lists as JSON", "JSON で書いてください"),
    ],
)
def test_a_bad_value_names_its_variable(loaded: Load, variable: str, value: str, en: str, ja: str) -> None:
    refused = refusal(loaded, {"channels.letter.token": "abc"}, {variable: value})
    assert refused.say("en")[0].startswith(f"{variable}: ")
    assert en in refused.say("en")[0]
    assert ja in refused.say("ja")[0]


def test_an_unknown_name_gets_the_nearest_one(loaded: Load, written: Written) -> None:
    written("[serv]\nport = 1\n[town]\nnmae = '川辺町'")
    said = refusal(loaded, {"serve.prt": "1"}, {"TODOKE_LANG": "ja"}).say("en")
    assert [line.partition(":")[0] for line in said] == ["todoke.toml", "todoke.toml", "TODOKE_LANG", "--set serve.prt"]
    assert "Did you mean serve?" in said[0]
    assert "todoke.toml: town.nmae: There is no such setting. Did you mean town.name?" in said[1]
    assert "Did you mean TODOKE_LANGUAGE?" in said[2]
    assert "Did you mean serve.port?" in said[3]


@pytest.mark.parametrize(
    ("text", "name", "setting"),
    [("serve = 3", "serve", "host"), ("[channels]\nletter = 'abc'", "channels.letter", "token")],
)
def test_a_section_that_is_given_a_value_is_said_to_be_one(
    loaded: Load, written: Written, text: str, name: str, setting: str
) -> None:
    written(text)
    refused = refusal(loaded)
    assert refused.say("en")[0] == (
        f"todoke.toml: {name}: {name} is a section, not a setting. "
        f"Write [{name}] and below it its settings, such as {setting}."
    )
    assert len(refused.problems) == 1
    assert f"{name} は設定ではなくセクションです。" in refused.say("ja")[0]


def test_an_unknown_channel_is_refused_by_name(loaded: Load, written: Written) -> None:
    written("[channels.leter]\ntoken = 'abc'")
    assert "todoke.toml: channels.leter: There is no such setting." in refusal(loaded).say("en")[0]


def test_a_required_setting_that_is_missing_is_named(loaded: Load) -> None:
    refused = refusal(loaded, {"channels.letter.rate": "3"})
    assert refused.say("en") == ["channels.letter.token: This setting is required. Set it."]


def test_a_call_may_not_outlast_half_the_silence_of_a_worker(loaded: Load) -> None:
    said = refusal(loaded, {"sending.expire_seconds": "15"}).say("en")[0]
    assert said.startswith("--set sending.expire_seconds: sending.call_seconds must be at most half of")
    assert "sending.expire_seconds, 7.5 seconds." in said


def test_a_variable_and_its_file_exclude_each_other(loaded: Load) -> None:
    said = refusal(loaded, {}, {"TODOKE_REDIS_URL": "redis://a", "TODOKE_REDIS_URL_FILE": "/run/redis"}).say("en")
    assert said == ["TODOKE_REDIS_URL_FILE: This and TODOKE_REDIS_URL are both set. Keep one of them."]


def test_a_secret_that_everybody_can_read_is_refused(loaded: Load, tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("abc")
    secret.chmod(0o644)
    refused = refusal(loaded, {}, {"TODOKE_CHANNELS__LETTER__TOKEN_FILE": str(secret)})
    assert refused.say("en") == [
        f"{secret}: This file holds a secret, and everybody can read it. Run `chmod o-r` on it."
    ]
    assert "誰でも読めるファイルです" in refused.say("ja")[0]


def test_so_is_a_settings_file_with_a_secret_in_it(loaded: Load, written: Written) -> None:
    file = written("[channels.letter]\ntoken = 'abc'")
    file.chmod(0o644)
    assert "everybody can read it" in refusal(loaded).say("en")[0]
    file.write_text("[town]\nname = '川辺町'")
    assert loaded().settings.town.name == "川辺町"


def test_a_file_that_is_missing_or_no_toml_is_named(loaded: Load, written: Written, tmp_path: Path) -> None:
    missing = refusal(loaded, {}, {"TODOKE_REDIS_URL_FILE": str(tmp_path / "none")}).say("en")[0]
    assert missing.startswith("TODOKE_REDIS_URL_FILE")
    assert "cannot be read (No such file or directory)" in missing
    written("[town\n")
    assert (
        "This is not valid TOML (Expected ']' at the end of a table declaration (at line 1"
        in (refusal(loaded).say("en")[0])
    )


def test_the_data_directory_is_not_named_from_within(loaded: Load, written: Written) -> None:
    written("data = '/elsewhere'")
    assert "A file in the data directory cannot say where that is." in refusal(loaded).say("en")[0]


def test_all_problems_are_told_at_once_and_no_value_is_repeated(loaded: Load, written: Written) -> None:
    written("[vault]\nkey = 'hush-hush'\n[serve]\nport = 'hush-hush'")
    refused = refusal(loaded, {"sending.batch_size": "hush-hush"}, {"TODOKE_NOTHING": "hush-hush"})
    assert len(refused.problems) == 4
    assert "hush" not in " ".join(refused.say("en") + refused.say("ja"))
