"""`todoke import areas`, as an officer types it."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner, Result

from todoke.commands.import_areas import command

RING = [[133.69, 34.59], [133.72, 34.59], [133.72, 34.61], [133.69, 34.61], [133.69, 34.59]]
BOW_TIE = [[133.7, 34.6], [133.8, 34.7], [133.8, 34.6], [133.7, 34.7], [133.7, 34.6]]


def file_of(folder: Path, ring: list[list[float]], **properties: object) -> str:
    path = folder / "area.geojson"
    geometry = {"type": "Polygon", "coordinates": [ring]}
    path.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": geometry}), encoding="utf-8")
    return str(path)


def run(url: str, *arguments: str, tongue: str = "ja") -> Result:
    environment = {"TODOKE_DATABASE_URL": url, "TODOKE_LANGUAGE": tongue}
    return CliRunner().invoke(command, list(arguments), env=environment)


def test_a_boundary_is_imported_under_the_code_given(fresh_database_url: str, tmp_path: Path) -> None:
    result = run(fresh_database_url, file_of(tmp_path, RING, name="川辺町"), "--code", "99201")
    assert (result.exit_code, result.output) == (0, "99201 川辺町: 多角形1個、5点\n")


def test_a_program_reads_what_was_imported(fresh_database_url: str, tmp_path: Path) -> None:
    result = run(fresh_database_url, file_of(tmp_path, BOW_TIE, N03_004="川辺町", N03_007="99201"), "--json")
    assert json.loads(result.stdout)["boundaries"] == [
        {"code": "99201", "name": "川辺町", "polygons": 2, "points": 8, "repaired": True}
    ]


def test_a_mended_outline_is_said_to_be_mended(fresh_database_url: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, BOW_TIE, name="川辺町")
    assert "輪郭の小さな誤りを直しました" in run(fresh_database_url, path, "--code", "99201").output
    assert (
        "small flaws of its outline were mended" in run(fresh_database_url, path, "--code", "99201", tongue="en").output
    )


def test_a_boundary_without_a_code_is_refused_with_a_sentence(fresh_database_url: str, tmp_path: Path) -> None:
    result = run(fresh_database_url, file_of(tmp_path, RING, name="川辺町"))
    assert (result.exit_code, result.stdout) == (1, "")
    assert "--code 33202 のように、どの市区町村かを指定してください" in result.stderr


def test_a_refusal_names_the_file(fresh_database_url: str, tmp_path: Path) -> None:
    path = file_of(tmp_path, [[933.69, 34.59], *RING[1:4], [933.69, 34.59]])
    result = run(fresh_database_url, path, "--code", "99201")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"{path}, /geometry/coordinates/0/0: ")


def test_a_refusal_of_the_code_names_the_option(fresh_database_url: str, tmp_path: Path) -> None:
    result = run(fresh_database_url, file_of(tmp_path, RING), "--code", "川辺")
    assert result.stderr.startswith("--code: ")


def test_a_file_that_is_not_there_is_refused_by_name(fresh_database_url: str, tmp_path: Path) -> None:
    result = run(fresh_database_url, str(tmp_path / "nowhere.geojson"), "--code", "99201")
    assert result.exit_code == 1
    assert "nowhere.geojson: ファイルを読めません" in result.stderr


def test_the_help_has_an_example() -> None:
    assert "todoke import areas kurashiki.geojson --code 33202" in CliRunner().invoke(command, ["--help"]).output
