"""The key: from the settings, or a file of its owner's."""

from __future__ import annotations

import base64
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from subscribers.keyfile import load_key
from tests.subscribers.cast import KEY
from words.problem import Refused


def test_the_setting_is_the_key_in_base64(tmp_path: Path) -> None:
    assert load_key(base64.b64encode(KEY).decode(), tmp_path) == KEY
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("setting", ["", "x", "鍵", base64.b64encode(bytes(31)).decode(), "A" * 43 + "!"])
def test_a_setting_that_is_no_key_is_refused_without_showing_it(setting: str, tmp_path: Path) -> None:
    with pytest.raises(Refused) as refused:
        load_key(setting, tmp_path)
    assert refused.value.say("en") == [
        "vault.key: The key must be 32 bytes written in base64, 44 characters; `openssl rand -base64 32` makes one."
    ]
    assert "32 バイトを base64 で書いた 44 文字" in refused.value.say("ja")[0]


def test_without_a_setting_a_key_is_made_that_only_its_owner_can_read(tmp_path: Path) -> None:
    key = load_key(None, tmp_path / "data")
    path = tmp_path / "data" / "vault.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert base64.b64decode(path.read_text()) == key
    assert list(path.parent.iterdir()) == [path]


def test_the_key_stays(tmp_path: Path) -> None:
    assert load_key(None, tmp_path) == load_key(None, tmp_path)


def test_where_contacts_were_sealed_a_missing_key_is_refused_and_none_is_made(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with pytest.raises(Refused) as refused:
        load_key(None, data, sealed=True)
    assert refused.value.say("en")[0] == (
        f"{data}/vault.key: The key file that the contacts in this database were sealed with is missing. "
        "Put your copy of it back here. No new key was made: it could not open them."
    )
    assert "控えておいた写しをこの場所に戻してください。" in refused.value.say("ja")[0]
    assert not data.exists()


def test_where_contacts_were_sealed_the_key_that_is_there_is_taken(tmp_path: Path) -> None:
    assert load_key(None, tmp_path) == load_key(None, tmp_path, sealed=True)


def test_processes_that_start_together_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        keys = set(threads.map(lambda _: load_key(None, tmp_path), range(16)))
    assert len(keys) == 1


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o622])
def test_a_key_file_that_others_can_read_is_refused(mode: int, tmp_path: Path) -> None:
    load_key(None, tmp_path)
    path = tmp_path / "vault.key"
    path.chmod(mode)
    with pytest.raises(Refused) as refused:
        load_key(None, tmp_path)
    assert f"Others than its owner can read the key file. Run `chmod 600 {path}`" in refused.value.say("en")[0]
    assert "所有者以外も読める状態です" in refused.value.say("ja")[0]


def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    path.write_text("nothing of worth")
    path.chmod(0o600)
    with pytest.raises(Refused, match="32 bytes written in base64"):
        load_key(None, tmp_path)
    assert path.read_text() == "nothing of worth"


def test_a_key_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file where the data directory should be")
    with pytest.raises(Refused) as refused:
        load_key(None, tmp_path / "data")
    assert refused.value.problems[0].code == "vault.key_unreadable"
    assert os.strerror(17) in refused.value.say("en")[0] or os.strerror(20) in refused.value.say("en")[0]
