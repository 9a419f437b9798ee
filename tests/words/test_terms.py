"""Levels, hazards and what may no longer be written."""

from __future__ import annotations

from datetime import date

import pytest

from geo import shelters
from words.languages import LANGUAGES
from words.terms import ABOLISHED, HAZARDS, LEVELS, abolished_in, hazard_name, level_name, names_level


def test_the_three_levels_of_the_municipality_stand_since_2021() -> None:
    terms = {number: level.term for number, level in LEVELS.items()}
    assert terms == {3: "高齢者等避難", 4: "避難指示", 5: "緊急安全確保"}
    assert {level.effective for level in LEVELS.values()} == {date(2021, 5, 20)}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", LEVELS)
def test_every_language_names_every_level_with_its_number(level: int, language: str) -> None:
    assert language in LEVELS[level].names
    assert str(level) in level_name(level, language)


def test_a_level_is_named_in_full() -> None:
    assert level_name(4, "ja") == "警戒レベル4 避難指示"
    assert level_name(4, "en") == level_name(4, "xx") == "Evacuation order (Level 4)"


def test_hazards_stand_in_the_order_of_the_law() -> None:
    official = ["洪水", "崖崩れ、土石流及び地滑り", "高潮", "地震", "津波", "大規模な火事", "内水氾濫", "火山現象"]
    assert [hazard_name(hazard, "ja") for hazard in HAZARDS] == official
    assert tuple(HAZARDS) == shelters.HAZARDS
    assert hazard_name("tsunami", "mn") == "tsunami"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("避難勧告を発令しました。", ["避難勧告"]),
        ("避難(ひなん)勧告(かんこく)です", ["避難勧告"]),
        ("避難準備・高齢者等避難開始", ["避難準備・高齢者等避難開始"]),
        ("避難準備をしてください", ["避難準備"]),
        ("避難指示（緊急）、避難指示(緊急)、避難指示【緊急】", ["避難指示(緊急)"]),
        ("避\u200b難勧告と災害発生情報", ["避難勧告", "災害発生情報"]),
        ("避難指示、高齢者等避難、緊急安全確保。避難の準備を。", []),
    ],
)
def test_abolished_terms_are_found_however_they_are_written(text: str, terms: list[str]) -> None:
    assert [old.term for old in abolished_in(text)] == terms


def test_every_abolished_term_says_what_to_write_instead() -> None:
    assert all(old.abolished == date(2021, 5, 20) and not abolished_in(old.instead_ja) for old in ABOLISHED)


def test_a_term_is_found_through_its_readings() -> None:
    assert names_level("避難(ひなん)指示(しじ)が 出(で)ました", 4)
    assert not names_level("逃げてください", 4)
