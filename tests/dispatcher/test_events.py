"""What an event document says, and every sentence it is refused with."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.events import Event, parse_event
from dispatcher.model import Delivery, EventClass, Mode, Relation, ShelterChoice
from geo.area import Area
from tests.dispatcher.drafts import (
    NOW,
    RIVERSIDE,
    boundaries,
    festival,
    live,
    only_problem,
    order,
    parsed,
    problems,
)
from words.problem import Problem, Refused


def test_an_order_is_a_drill_unless_it_says_live() -> None:
    event = parsed(order())
    assert event.mode is Mode.DRILL
    assert parsed(live()).mode is Mode.LIVE
    assert (event.event_class, event.hazard, event.level) == (EventClass.EVACUATION, "flood", 4)


def test_what_is_left_out_has_a_safe_default() -> None:
    event = parsed(order())
    assert event.channels == ("line", "sms", "email")
    assert event.delivery is Delivery.ALL
    assert event.issuer == "川辺町"
    assert event.valid_until == datetime(2026, 11, 23, 18, 5, tzinfo=UTC)
    assert event.area_name["ja"] == "対象地域"
    assert (event.topics, event.relation, event.parent) == ((), None, None)


def test_tourism_uses_the_first_channel_that_reaches() -> None:
    event = parsed(festival())
    assert event.delivery is Delivery.FIRST_REACHABLE
    assert event.topics == ("festival",)


def test_an_id_left_out_is_derived_from_the_content() -> None:
    event = parsed(order())
    assert event.id == f"evacuation-{event.digest[:8]}"
    assert parsed(order(id="kawabe-1")).id == "kawabe-1"


def test_the_digest_ignores_the_name_and_how_the_area_was_given() -> None:
    by_code = order(area={"code": "99201"}, area_name="対象地域")
    drawn = order(area_name="対象地域", id="another")
    assert parsed(by_code).digest == parsed(drawn).digest


@pytest.mark.parametrize(
    "change",
    [
        {"mode": "live", "issuer": "川辺町", "valid_until": "2026-11-23T18:05:00+00:00"},
        {"level": 5, "texts": {"ja": {"subject": "{level_name}", "body": "{level_name}です。"}}},
        {"hazard": "landslide"},
        {"channels": ["line", "email"]},
        {"channels": ["email", "sms", "line"]},
        {"delivery": "first_reachable"},
        {"valid_until": "2026-11-23T18:06:00+00:00"},
        {"area_name": "川辺地区"},
        {"reference": {"updates": "d-1"}},
        {"area": {**RIVERSIDE, "coordinates": [RIVERSIDE["coordinates"][0][:3] + RIVERSIDE["coordinates"][0][:1]]}},
    ],
)
def test_the_digest_follows_everything_that_is_approved(change: dict[str, Any]) -> None:
    assert parsed(order(**change)).digest != parsed(order()).digest


def test_a_stored_document_gives_the_same_event_again() -> None:
    event = parsed(live(reference={"updates": "d-1"}, area={"code": "99201"}, area_name={"ja": "川辺", "en": "Kawabe"}))
    stored = json.loads(json.dumps(event.document))
    assert Event.restore(stored, event.area) == event


def test_a_decoded_document_is_read_like_a_file() -> None:
    event = parse_event(order(), now=NOW, areas=boundaries, channels=("line", "sms", "email"), town="川辺町")
    assert event == parsed(order())


def test_a_file_saved_with_a_byte_order_mark_is_read() -> None:
    assert parsed(b"\xef\xbb\xbf" + json.dumps(order()).encode()).level == 4


def test_a_boundary_lends_the_area_its_name() -> None:
    event = parsed(order(area={"code": "99201"}))
    assert event.area_name == {"ja": "川辺町"}
    assert event.area is not None


def test_an_area_may_stand_in_a_file_beside_the_document(tmp_path: Path) -> None:
    (tmp_path / "riverside.geojson").write_text(json.dumps(RIVERSIDE))
    assert parsed(order(area={"file": "riverside.geojson"}), tmp_path).area == parsed(order()).area


def test_an_area_may_be_metres_around_a_point_or_along_a_line() -> None:
    around = parsed(order(area={"point": [133.7, 34.6], "radius_m": 800})).area
    along = parsed(order(area={"line": [[133.69, 34.6], [133.71, 34.6]], "width_m": 100})).area
    assert around is not None
    assert along is not None
    assert around.geometry.intersects(along.geometry)


def test_an_event_in_metres_keeps_its_words_and_its_digest_when_stored() -> None:
    event = parsed(order(area={"point": [133.7, 34.6], "radius_m": 800}))
    assert event.document["area"] == {"point": [133.7, 34.6], "radius_m": 800}
    assert event.area is not None
    assert Event.restore(event.document, Area.from_wkb(event.area.wkb)).digest == event.digest


def test_late_entry_is_for_evacuations_unless_it_is_said_otherwise() -> None:
    assert parsed(order()).late_entry
    assert parsed(order(late_entry=True)).digest == parsed(order()).digest
    assert not parsed(order(late_entry=False)).late_entry
    assert not parsed(festival()).late_entry
    assert parsed(festival(late_entry=True)).late_entry


def test_shelters_are_the_nearest_unless_capacity_is_asked_for() -> None:
    assert parsed(order()).shelters is ShelterChoice.NEAREST
    assert parsed(order(shelters="nearest")).digest == parsed(order()).digest
    assert parsed(order(shelters="capacity")).shelters is ShelterChoice.CAPACITY
    assert parsed(order(shelters="capacity")).digest != parsed(order()).digest


@pytest.mark.parametrize("kind", ["corrects", "lifts"])
def test_a_correction_may_leave_the_area_to_the_dispatch_it_corrects(kind: str) -> None:
    event = parsed(order(area=None, reference={kind: "d-1"}))
    assert event.area is None
    assert (event.relation, event.parent) == (Relation(kind), "d-1")


def test_an_update_needs_an_area_of_its_own() -> None:
    problem = only_problem(order(area=None, reference={"updates": "d-1"}))
    assert "区域がないので、誰にも送りません" in problem.ja
    assert "Without an area nobody is notified" in problem.en


def test_texts_are_tidied_and_their_languages_normalised() -> None:
    texts = order()["texts"] | {"zh-TW": {"subject": "避難", "body": "避難 \r\n指示\u3000\r請\u2028走\n\n"}}
    assert parsed(order(texts=texts)).texts["zh-Hant"].body == "避難\n指示\n請\n走"


def test_all_problems_are_listed_at_once() -> None:
    document = order(level=9, hazard="flud", chanels=["line"], texts={"ja": {"subject": "避難指示", "body": "{who}"}})
    del document["area"]
    found = {problem.where for problem in problems(document)}
    assert found == {"/level", "/hazard", "/chanels", "/texts/ja/body", "/area"}


REFUSALS: list[tuple[dict[str, Any], str, str, str]] = [
    (order(hazrd="flood"), "/hazrd", "「hazard」のことではありませんか", "Did you mean 'hazard'?"),
    (order(approved_by="Mori"), "/approved_by", "送信の手続きの中で決まります", "cannot be set in a document"),
    (order(**{"class": "evacuate"}), "/class", "「evacuation」のことでは", "Did you mean 'evacuation'?"),
    (order(**{"class": None}), "/class", "「class」（evacuation", "'class' (evacuation"),
    (order(mode="LIVE"), "/mode", "「live」のことでは", "Did you mean 'live'?"),
    (order(id="../etc"), "/id", "64文字まで", "up to 64"),
    (order(hazard=None), "/hazard", "災害の種類「hazard」", "'hazard' (flood, "),
    (order(hazard="storm surge"), "/hazard", "「storm_surge」のことでは", "Did you mean 'storm_surge'?"),
    (order(level=None), "/level", "警戒レベル「level」", "The warning level"),
    (order(level=2), "/level", "1と2は気象庁が出します", "1 and 2 are JMA's"),
    (order(level="4"), "/level", "数の 3、4、5", "write the number 3, 4 or 5"),
    (order(level=True), "/level", "警戒レベルではありません", "no level a municipality issues"),
    (order(level=3), "/level", "（高齢者等避難）の class は「advisory」です", "needs the class 'advisory'"),
    (
        order(**{"class": "advisory"}),
        "/level",
        "（避難指示）の class は「evacuation」です",
        "needs the class 'evacuation'",
    ),
    (live(issuer=None), "/issuer", "発令者「issuer」", "who gives the order"),
    (
        live(issuer="川辺町長\n佐藤"),
        "/issuer",
        "1行の文字列では使えない制御文字（U+000A）",
        "control character (U+000A)",
    ),
    (order(issuer="避難勧告担当"), "/issuer", "廃止された用語です", "was abolished on 2021-05-20"),
    (order(issuer=" "), "/issuer", "空です", "This is empty"),
    (order(issuer=5), "/issuer", "文字列で書いてください", "must be a string"),
    (order(issuer="町" * 101), "/issuer", "101文字あります。100文字まで", "has 101 characters and may have 100"),
    (order(topics=["drill"]), "/topics", "tourism だけの項目です", "belongs to tourism only"),
    (festival(topics=None), "/topics", "tourism には「topics」が要ります", "A tourism event needs 'topics'"),
    (festival(topics=[]), "/topics", "関心の名前を1〜20個", "an array of 1 to 20 strings"),
    (festival(topics=["a b"]), "/topics/0", "空白や「;」「|」は使えません", "no space, ';' or '|'"),
    (festival(topics=["sake", "Ｓａｋｅ"]), "/topics", "「sake」が2回以上", "'sake' is named more than once"),
    (festival(hazard="flood"), "/hazard", "evacuation と advisory だけの項目です", "evacuation and advisory only"),
    (festival(level=4), "/level", "evacuation と advisory だけの項目です", "evacuation and advisory only"),
    (order(channels=[]), "/channels", "ひとつ以上を選ぶ配列です", "an array of one or more"),
    (order(channels=["e-mail"]), "/channels/0", "「email」のことでは", "Did you mean 'email'?"),
    (order(channels=["sms", "sms"]), "/channels", "「sms」が2回以上", "'sms' is named more than once"),
    (order(delivery="any"), "/delivery", "選べるのは all、first_reachable", "These are: all, first_reachable"),
    (order(late_entry="yes"), "/late_entry", "「late_entry」は true か false です", "'late_entry' is true or false"),
    (
        order(late_entry=True, area=None, reference={"lifts": "261123-k7m2qx"}),
        "/late_entry",
        "解除の発信は、あとから区域に入った人には送りません",
        "does not get an event that lifts another",
    ),
    (order(shelters="best"), "/shelters", "選べるのは nearest、capacity", "These are: nearest, capacity"),
    (
        festival(shelters="capacity"),
        "/shelters",
        "evacuation と advisory だけの項目です",
        "evacuation and advisory only",
    ),
    (order(reference={}), "/reference", "lifts のひとつだけ", "exactly one of updates, corrects, lifts"),
    (order(reference={"lift": "d-1"}), "/reference/lift", "「lifts」のことでは", "Did you mean 'lifts'?"),
    (order(reference={"lifts": ""}), "/reference/lifts", "対象の配信のid", "the id of the dispatch"),
    (live(valid_until=None), "/valid_until", "有効期限「valid_until」", "'valid_until' is missing"),
    (order(valid_until="2026-11-24"), "/valid_until", "時差を付けた ISO 8601", "ISO 8601 with an offset"),
    (order(valid_until="2026-11-23T23:00:00"), "/valid_until", "時差を付けた ISO 8601", "ISO 8601 with an offset"),
    (order(valid_until="2026-11-23T21:05:00+09:00"), "/valid_until", "もう過ぎています", "already past"),
    (order(valid_until="2026-11-24T21:06:00+09:00"), "/valid_until", "24時間以内", "at most 24 hours"),
    (festival(valid_until="2026-12-01T00:00:00+09:00"), "/valid_until", "168時間以内", "at most 168 hours"),
    (order(valid_until="0001-01-01T00:00:00+14:00"), "/valid_until", "もう過ぎています", "already past"),
    (order(valid_until="9999-12-31T23:59:59-14:00"), "/valid_until", "先すぎます", "too far ahead"),
    (order(area={"code": "9920"}), "/area/code", "市区町村コードではありません", "is not a municipality code"),
    (order(area={"code": 99201}), "/area/code", "引用符で囲んだ文字列", "a string in quotation marks"),
    (order(area={"code": "992010"}), "/area/code", "検査数字が合いません", "check digit"),
    (order(area={"code": "33202"}), "/area/code", "境界は取り込まれていません", "No boundary with the code 33202"),
    (order(area={"file": "a.geojson"}), "/area/file", "相対パスで書いてください", "by a relative path"),
    (order(area={"code": "99201", "file": "a"}), "/area", "書かれた値は区域ではありません", "this value is none"),
    (
        order(area={"point": [133.7, 34.6], "radius_m": 0}),
        "/area/radius_m",
        "0 メートルは使えません",
        "0 metres cannot",
    ),
    (order(area={"line": [[133.7, 34.6]], "width_m": 9}), "/area/line", "点が2つ以上", "two positions that differ"),
    (order(area_name=""), "/area_name", "空です", "This is empty"),
    (order(area_name={"en": "Kawabe"}), "/area_name/ja", "区域の日本語名", "Japanese name"),
    (order(area_name="=?utf-8?q?x?="), "/area_name", "RFC 2047", "RFC 2047"),
    (order(area_name="{shelter_name}付近"), "/area_name", "区域の名前に波かっこは使えません", "cannot hold braces"),
    (order(area_name={"ja": "川辺", "en": "Kawa{be"}), "/area_name/en", "区域の名前に波かっこ", "cannot hold braces"),
    (live(area_name="【訓練】川辺"), "/area_name", "本番（live）の文面に", "This live text says"),
]


@pytest.mark.parametrize(("document", "where", "ja", "en"), REFUSALS)
def test_a_wrong_field_is_refused_with_a_sentence(document: dict[str, Any], where: str, ja: str, en: str) -> None:
    problem = only_problem(document)
    assert problem.where == where
    assert ja in problem.ja
    assert en in problem.en


@pytest.mark.parametrize("area", [[], {}, "", "all", 0, "99201"])
def test_no_area_means_nobody_never_everybody(area: Any) -> None:
    problem = only_problem(order() | {"area": area})
    assert problem.where == "/area"
    assert "全域に送るときは市町村の code を書きます" in problem.ja
    assert "the whole municipality is its code" in problem.en


def test_an_area_of_null_is_refused_even_in_a_correction() -> None:
    assert only_problem(order(reference={"corrects": "d-1"}) | {"area": None}).where == "/area"


def test_a_broken_polygon_is_named_with_its_place() -> None:
    bowtie = {"type": "Polygon", "coordinates": [[[133.6, 34.5], [133.7, 34.6], [133.7, 34.5], [133.6, 34.6]]]}
    assert all(problem.where.startswith("/area") for problem in problems(order(area=bowtie)))


@pytest.mark.parametrize("name", ["../secret.geojson", "/etc/passwd", "sub/../../secret.geojson", "a\0b", 7, ""])
def test_an_area_file_outside_the_directory_is_refused(tmp_path: Path, name: Any) -> None:
    (tmp_path / "secret.geojson").write_text(json.dumps(RIVERSIDE))
    (tmp_path / "events").mkdir()
    found = problems(order(area={"file": name}), tmp_path / "events")
    assert {problem.where for problem in found} == {"/area/file"}


def test_a_link_does_not_lead_out_of_the_directory(tmp_path: Path) -> None:
    (tmp_path / "events").mkdir()
    (tmp_path / "secret.geojson").write_text(json.dumps(RIVERSIDE))
    (tmp_path / "events" / "link.geojson").symlink_to(tmp_path / "secret.geojson")
    assert "by a relative path" in only_problem(order(area={"file": "link.geojson"}), tmp_path / "events").en


def test_an_area_file_must_be_an_ordinary_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "missing.geojson", "."):
        problem = only_problem(order(area={"file": name}), tmp_path)
        assert "を読めません" in problem.ja
        assert "cannot be read (no such file)" in problem.en


def test_an_area_file_that_is_too_large_is_not_read_to_the_end(tmp_path: Path) -> None:
    (tmp_path / "huge.geojson").write_bytes(b" " * (2 << 20))
    assert only_problem(order(area={"file": "huge.geojson"}), tmp_path).where == "/area"


HOSTILE: list[tuple[bytes, str, str]] = [
    (b"[" * 200_000, "入れ子が深すぎます", "nested too deeply"),
    (b'{"a":' * 200_000, "入れ子が深すぎます", "nested too deeply"),
    (b'{"class":', "JSONとして読めません", "cannot be read as JSON"),
    (b"", "JSONとして読めません", "cannot be read as JSON"),
    (b"[]", "ひとつのJSONオブジェクト", "one JSON object"),
    (b'{"class": "\x82\xa0"}', "UTF-8ではありません（12バイト目）", "not UTF-8 (byte 12)"),
    (b" " * 2_000_000, "2,000,000バイトあります", "2,000,000 bytes"),
]


@pytest.mark.parametrize(("document", "ja", "en"), HOSTILE)
def test_what_cannot_be_read_is_refused_with_a_sentence(document: bytes, ja: str, en: str) -> None:
    problem = only_problem(document)
    assert ja in problem.ja
    assert en in problem.en


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e999", "9" * 5_000, "-" + "9" * 5_000])
def test_a_number_that_is_none_is_refused_where_it_stands(number: str) -> None:
    document = json.dumps(order()).replace("133.69", number).encode()
    found = problems(document)
    assert [problem.where for problem in found] == [f"/area/coordinates/0/{corner}/0" for corner in (0, 3, 4)]
    assert all("有限の数ではありません" in problem.ja for problem in found)


def test_a_level_of_five_thousand_digits_is_refused() -> None:
    document = json.dumps(order()).replace('"level": 4', f'"level": {"4" * 5_000}').encode()
    assert {problem.where for problem in problems(document)} == {"/level"}


def test_a_key_given_twice_is_refused() -> None:
    problem = only_problem(b'{"mode": "live", ' + json.dumps(order(mode="drill")).encode()[1:])
    assert "項目「mode」が同じ場所に2回以上" in problem.ja
    assert "'mode' is given more than once" in problem.en


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
def test_what_the_database_cannot_store_is_refused(escape: str) -> None:
    properties = f'{{"note": "{escape}"}}'
    area = json.dumps({"type": "Feature", "properties": "?", "geometry": RIVERSIDE}).replace('"?"', properties)
    problem = only_problem(json.dumps(order(area="?")).replace('"?"', area).encode())
    assert problem.where == "/area/properties/note"
    assert "NUL" in problem.ja
    assert "lone surrogate" in problem.en


def test_a_decoded_document_that_json_cannot_hold_is_refused() -> None:
    assert {problem.where for problem in _problems_of({"id": object(), 5: 1})} >= {"/id"}
    assert any("nested too deeply" in problem.en for problem in _problems_of({"area": _deep(10_000)}))


def _deep(levels: int) -> Any:
    value: Any = []
    for _ in range(levels):
        value = [value]
    return value


def _problems_of(document: dict[Any, Any]) -> list[Problem]:
    with pytest.raises(Refused) as refusal:
        parse_event(document, now=NOW, areas=boundaries, channels=("line",), town="川辺町")
    return list(refusal.value.problems)


def test_a_refusal_prints_no_escape_codes_of_a_stranger() -> None:
    for problem in problems(order(**{"\x1b[31mmode": 1, "mode": "\x1b[2J"})):
        assert "\x1b" not in problem.say("ja") + problem.say("en")


def test_the_example_in_the_documentation_is_accepted() -> None:
    formats = Path(__file__).parents[2] / "docs" / "formats.md"
    example = formats.read_text(encoding="utf-8").split("```json\n", 1)[1].split("```", 1)[0]
    assert parsed(example.encode()).id == "kawabe-2026-11-23-flood"
