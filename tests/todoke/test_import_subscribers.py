"""`todoke import subscribers`, as people and programs run it."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.subscribers.cast import HANA, HEADER, KEN, TOME, TOWN, written
from tests.todoke.running import todoke


@pytest.fixture
def database(fresh_database_url: str) -> dict[str, str]:
    return {"TODOKE_DATABASE_URL": fresh_database_url}


def take_in(database: dict[str, str], folder: Path, *words: str) -> CompletedProcess[str]:
    return todoke(
        "import",
        "subscribers",
        str(folder / "kawabe.csv"),
        "--data",
        str(folder / "data"),
        *words,
        environment=database,
    )


def test_the_counts_are_told_in_words(database: dict[str, str], tmp_path: Path) -> None:
    written(tmp_path, TOWN)
    said = take_in(database, tmp_path, "--lang", "en")
    assert said.returncode == 0, said.stderr
    assert said.stdout == "5 rows: 4 new subscribers, 0 changed, 0 unchanged (5 places, 5 contacts)\n"
    assert take_in(database, tmp_path, "--lang", "ja").stdout == (
        "5行: 登録者 新規0人、変更0人、変更なし4人(場所5か所、連絡先5件)\n"
    )


def test_rejected_rows_are_counted_and_still_end_well(database: dict[str, str], tmp_path: Path) -> None:
    written(tmp_path, [HANA, TOME.replace("080-2345-6789", "086-426-1234")])
    said = take_in(database, tmp_path, "--lang", "en", "--rejects", str(tmp_path / "out.csv"))
    assert said.returncode == 0, said.stderr
    assert f"1 rows were left out. Their line numbers and reasons are in {tmp_path / 'out.csv'}." in said.stdout
    assert (tmp_path / "out.csv").read_text(encoding="utf-8").splitlines()[1].startswith("3,phone,")


def test_a_program_gets_the_counts(database: dict[str, str], tmp_path: Path) -> None:
    written(tmp_path, [KEN, "broken"])
    said = take_in(database, tmp_path, "--json")
    assert json.loads(said.stdout) == {
        "rows": 2,
        "subscribers_new": 1,
        "subscribers_changed": 0,
        "subscribers_unchanged": 0,
        "places": 1,
        "contacts": 1,
        "rejected": 1,
        "rejects": str(tmp_path / "kawabe.csv.rejects.csv"),
    }


def test_an_unknown_header_is_refused(database: dict[str, str], tmp_path: Path) -> None:
    written(tmp_path, TOWN, header=f"{HEADER},fax")
    said = take_in(database, tmp_path, "--lang", "ja")
    assert said.returncode == 1
    assert said.stderr == "line 1: 列「fax」は使えません。取り除いてください。\n"


def test_a_missing_file_is_refused(database: dict[str, str], tmp_path: Path) -> None:
    said = take_in(database, tmp_path, "--lang", "en")
    assert said.returncode == 1
    assert "The file cannot be read" in said.stderr


def test_another_key_is_refused(database: dict[str, str], tmp_path: Path) -> None:
    written(tmp_path, TOWN)
    take_in(database, tmp_path)
    (tmp_path / "data" / "vault.key").write_text(b64encode(bytes(32)).decode())
    said = take_in(database, tmp_path, "--lang", "en")
    assert said.returncode == 1
    assert "sealed with another key" in said.stderr


def test_a_directory_is_no_file_and_said_to_be_none(database: dict[str, str], tmp_path: Path) -> None:
    said = todoke("import", "subscribers", ".", "--data", str(tmp_path), environment=database)
    assert said.returncode == 1
    assert said.stderr.startswith(".: The file cannot be read (Is a directory).")
