"""Where an event applies: drawn in the document or in a file beside it, so many metres around a point or along a
line, or a boundary named by its code.

No area means nobody, never everybody (Los Angeles County 2025, where a polygon was lost on the way).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from dispatcher.model import Relation
from dispatcher.sheet import Sheet
from dispatcher.strict_json import shown
from geo.area import MAX_BYTES, Area, area_from_geojson, parse_geojson
from geo.around import area_in_metres, is_in_metres
from geo.municipality import municipality_code
from words.phrases import AREA
from words.problem import Refused

Areas = Callable[[str], tuple[Area, str] | None]
"""A boundary and its name for a municipality code; None where none was imported."""


def read_area(
    sheet: Sheet, relation: Relation | None, areas: Areas, base_dir: Path | None
) -> tuple[Area | None, dict[str, str]]:
    """The area, and its name per language as far as the area itself tells (else 対象地域 and its translations)."""
    value = sheet.get("area")
    if "area" not in sheet.document and relation in {Relation.CORRECTS, Relation.LIFTS}:
        return None, AREA
    try:
        return _resolve(sheet, value, areas, base_dir)
    except Refused as refusal:
        sheet.adopt(refusal)
        return None, AREA


def _resolve(sheet: Sheet, value: Any, areas: Areas, base_dir: Path | None) -> tuple[Area | None, dict[str, str]]:
    if not value or not isinstance(value, dict):
        _no_area(sheet, value)
    elif "type" in value:
        return area_from_geojson(value, where="/area"), AREA
    elif is_in_metres(value):
        return area_in_metres(value, where="/area"), AREA
    elif value.keys() == {"code"}:
        return _of_code(sheet, value["code"], areas)
    elif value.keys() == {"file"}:
        return _of_file(sheet, value["file"], base_dir), AREA
    else:
        _no_area(sheet, value)
    return None, AREA


def _no_area(sheet: Sheet, value: Any) -> None:
    given_ja, given_en = ("書かれた値は区域ではありません。", "this value is none. ") if value else ("", "")
    sheet.refuse(
        "event.area",
        "/area",
        f'区域がないので、誰にも送りません。{given_ja}GeoJSON、{{"point": [133.7, 34.6], "radius_m": 800}}、'
        '{"line": [[133.7, 34.6], [133.8, 34.6]], "width_m": 100}、{"code": "33202"}、{"file": "area.geojson"} の'
        "どれかで書いてください。全域に送るときは市町村の code を書きます。",
        f"Without an area nobody is notified{'; ' if value else '. '}{given_en}"
        'Write GeoJSON, {"point": [133.7, 34.6], "radius_m": 800}, {"line": [[133.7, 34.6], [133.8, 34.6]], '
        '"width_m": 100}, {"code": "33202"} or {"file": "area.geojson"}; the whole municipality is its code.',
    )


def _of_code(sheet: Sheet, code: Any, areas: Areas) -> tuple[Area | None, dict[str, str]]:
    if not isinstance(code, str):
        sheet.refuse(
            "event.type",
            "/area/code",
            '市区町村コードは、引用符で囲んだ文字列で書いてください（例："33202"）。',
            'Write the municipality code as a string in quotation marks, such as "33202".',
        )
        return None, AREA
    municipality_code(shown(code), where="/area/code")
    found = areas(code)
    if found is None:
        sheet.refuse(
            "event.area_code",
            "/area/code",
            f"コード{code}の境界は取り込まれていません。todoke import areas で取り込んでください。",
            f"No boundary with the code {code} was imported; import it with todoke import areas.",
        )
        return None, AREA
    area, name = found
    return area, {"ja": name}


def _of_file(sheet: Sheet, name: Any, base_dir: Path | None) -> Area | None:
    path = _beside(sheet, name, base_dir)
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)
    except OSError as error:
        _unreadable(sheet, shown(name), error.strerror or "OSError")
        return None
    return parse_geojson(text, where="/area")


def _beside(sheet: Sheet, name: Any, base_dir: Path | None) -> Path | None:
    """The file, when it is an ordinary one in the directory of the event document or below."""
    if base_dir is None or not isinstance(name, str) or not name:
        _not_here(sheet)
        return None
    try:
        path = (base_dir / name).resolve()
    except (OSError, ValueError, RuntimeError):
        _not_here(sheet)
        return None
    if Path(name).is_absolute() or not path.is_relative_to(base_dir.resolve()):
        _not_here(sheet)
    elif not path.is_file():
        _unreadable(sheet, shown(name), "no such file")
    else:
        return path
    return None


def _not_here(sheet: Sheet) -> None:
    sheet.refuse(
        "event.area_file",
        "/area/file",
        "区域のファイルは、イベント文書のファイルと同じフォルダーか、その下のものを相対パスで書いてください。",
        "Name an area file by a relative path, in the directory of the event file or below it.",
    )


def _unreadable(sheet: Sheet, name: str, why: str) -> None:
    sheet.refuse(
        "event.area_file",
        "/area/file",
        f"区域のファイル「{name}」を読めません（{why}）。名前と場所を確かめてください。",
        f"The area file '{name}' cannot be read ({why}); check its name and place.",
    )
