"""`todoke import shelters` and `todoke shelter`, as an officer types them."""

from __future__ import annotations

import json
from pathlib import Path

import click
from click.testing import CliRunner, Result

from geo.shelter_csv import HEADERS
from todoke.commands import import_shelters, shelter

SCHOOL = "1,E1,岡山県川辺町,川辺小学校,川辺町1-1,1,,,1,,,,,1,34.60,133.70,"
PARK = "2,E2,岡山県川辺町,丘の上公園,川辺町2-1,1,,,,1,,,,,34.65,133.75,"


def run(command: click.Command, url: str, *arguments: str | Path, tongue: str = "ja") -> Result:
    environment = {"TODOKE_DATABASE_URL": url, "TODOKE_LANGUAGE": tongue}
    return CliRunner().invoke(command, [str(argument) for argument in arguments], env=environment)


def sites(folder: Path, *rows: str) -> Path:
    path = folder / "sites.csv"
    path.write_bytes("\r\n".join((",".join(HEADERS["site"]), *rows, "")).encode("cp932"))
    return path


def imported(url: str, folder: Path) -> str:
    assert run(import_shelters.command, url, sites(folder, SCHOOL, PARK)).exit_code == 0
    return url


def test_shelters_are_imported_and_counted(fresh_database_url: str, tmp_path: Path) -> None:
    path = sites(tmp_path, SCHOOL, PARK)
    first, again = (run(import_shelters.command, fresh_database_url, path) for _ in range(2))
    assert first.output == f"{path}: 指定緊急避難場所 新規2件、変更0件、変更なし0件\n"
    assert again.output == f"{path}: 指定緊急避難場所 新規0件、変更0件、変更なし2件\n"


def test_a_row_left_out_is_named_with_its_file_and_line(fresh_database_url: str, tmp_path: Path) -> None:
    path = sites(tmp_path, SCHOOL, PARK.replace("133.75", "?"))
    result = run(import_shelters.command, fresh_database_url, path, tongue="en")
    assert result.exit_code == 0
    assert result.stderr == f"{path}, line 3, 経度: “?” is not a coordinate; write decimal degrees such as 34.602289.\n"


def test_a_program_reads_the_counts_and_what_was_left_out(fresh_database_url: str, tmp_path: Path) -> None:
    path = sites(tmp_path, SCHOOL, PARK.replace("133.75", "?"))
    (file,) = json.loads(run(import_shelters.command, fresh_database_url, path, "--json").stdout)["files"]
    assert (file["kind"], file["new"], file["left_out"][0]["where"]) == ("site", 1, "line 3, 経度")


def test_one_file_refused_means_none_is_stored(fresh_database_url: str, tmp_path: Path) -> None:
    wrong = tmp_path / "people.csv"
    wrong.write_text("id,name\n1,Hana\n", encoding="utf-8")
    result = run(import_shelters.command, fresh_database_url, sites(tmp_path, SCHOOL), wrong)
    assert result.exit_code == 1
    assert f"{wrong}, line 1: 見出しが公式の様式と違います" in result.stderr
    assert run(shelter.command, fresh_database_url, "list").output == "当てはまる避難所はありません。\n"


def test_shelters_open_fill_up_and_close(fresh_database_url: str, tmp_path: Path) -> None:
    url = imported(fresh_database_url, tmp_path)
    assert run(shelter.command, url, "open", "E1", "E2").output == "E1 開設 川辺小学校\nE2 開設 丘の上公園\n"
    assert run(shelter.command, url, "crowded", "E2").output == "E2 混雑 丘の上公園\n"
    assert run(shelter.command, url, "full", "E1").output == "E1 満員 川辺小学校\n"
    assert run(shelter.command, url, "close", "--all").output == "E1 閉鎖 川辺小学校\nE2 閉鎖 丘の上公園\n"


def test_sites_fit_for_a_hazard_open_together(fresh_database_url: str, tmp_path: Path) -> None:
    url = imported(fresh_database_url, tmp_path)
    assert run(shelter.command, url, "open", "--fit", "tsunami").output == "E2 開設 丘の上公園\n"
    assert run(shelter.command, url, "list").output == "E1 未開設 川辺小学校\nE2 開設 丘の上公園\n"
    assert run(shelter.command, url, "list", "--status", "unopened").output == "E1 未開設 川辺小学校\n"


def test_a_program_reads_the_list(fresh_database_url: str, tmp_path: Path) -> None:
    url = imported(fresh_database_url, tmp_path)
    listed = json.loads(run(shelter.command, url, "list", "--json").stdout)["shelters"]
    assert listed[0] == {
        "id": "E1",
        "name": "川辺小学校",
        "address": "川辺町1-1",
        "status": "unopened",
        "hazards": ["flood", "earthquake"],
        "stay": True,
        "lon": 133.7,
        "lat": 34.6,
        "capacity": None,
    }


def test_an_unknown_shelter_is_refused_with_the_nearest_one(fresh_database_url: str, tmp_path: Path) -> None:
    result = run(shelter.command, imported(fresh_database_url, tmp_path), "open", "E3")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("E3: この共通IDの避難所はありません。近いものは E1（川辺小学校）、E2（丘の上公園）")


def test_opening_nothing_in_particular_is_wrong_usage(fresh_database_url: str) -> None:
    result = run(shelter.command, fresh_database_url, "open")
    assert result.exit_code == 2
    assert "Name the shelters by their ids, or use --all or --fit HAZARD" in result.stderr


def test_each_command_has_an_example_in_its_help() -> None:
    for arguments in (["--help"], ["open", "--help"], ["full", "--help"], ["list", "--help"]):
        assert "todoke shelter" in CliRunner().invoke(shelter.command, arguments).output.split("Example:")[1]
    assert "332020-emergency.csv" in CliRunner().invoke(import_shelters.command, ["--help"]).output
