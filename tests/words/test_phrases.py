"""How distances, times and drills are said."""

from __future__ import annotations

from datetime import datetime

import pytest

from words.languages import LANGUAGES
from words.phrases import (
    AREA,
    DRILL_MARKS,
    NO_SHELTER,
    begins_as_drill,
    distance,
    drill_mark,
    drill_word,
    moment,
)

EVENING = datetime(2026, 11, 23, 21, 5)  # noqa: DTZ001  the reader's own time, whatever its zone


@pytest.mark.parametrize(
    ("metres", "language", "said"),
    [
        (800, "ja", "約800m"),
        (800, "en", "about 800 m"),
        (1500, "ja", "約1.5km"),
        (1500, "en", "about 1.5 km"),
        (1500, "vi", "khoảng 1,5 km"),
        (2000, "zh-Hant", "約2公里"),
        (12000, "ja-x-easy", "だいたい 12キロメートル"),
        (500, "xx", "about 500 m"),
    ],
)
def test_a_distance_is_said_as_people_say_it(metres: int, language: str, said: str) -> None:
    assert distance(metres, language) == said


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("ja", "11月23日21時05分"),
        ("en", "21:05, 23 Nov"),
        ("ko", "11월 23일 21시 05분"),
        ("th", "21:05 น. 23 พ.ย."),
        ("id", "pukul 21.05, 23 Nov"),
        ("vi", "21:05 ngày 23/11"),
    ],
)
def test_a_time_is_written_as_its_reader_writes_it(language: str, said: str) -> None:
    assert moment(EVENING, language) == said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_phrase(language: str) -> None:
    assert AREA[language]
    assert len({NO_SHELTER[language].name, NO_SHELTER[language].distance, NO_SHELTER[language].url}) == 3
    assert distance(100, language).startswith("about") is (language == "en")
    assert "23" in moment(EVENING, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_mark_of_a_drill_is_known_as_one(language: str) -> None:
    text = DRILL_MARKS[language] + "…"
    assert begins_as_drill(text, language)
    assert drill_mark(text)
    assert drill_word(text, language)


@pytest.mark.parametrize(
    ("text", "language", "word"),
    [
        ("これは訓練です", "ja", "訓練"),
        ("訓(くん)練(れん)です", "ja-x-easy", "訓練"),
        ("避難指示(れんしゅう)", "ja", "れんしゅう"),
        ("This is a ＴＥＳＴ.", "en", "test"),
        ("Esto es un simulacro", "es", "simulacro"),
        ("the latest news on drilling", "en", None),
        ("避難してください", "ja", None),
    ],
)
def test_words_of_a_drill_are_found(text: str, language: str, word: str | None) -> None:
    assert drill_word(text, language) == word


def test_only_a_word_in_brackets_is_a_mark() -> None:
    assert drill_mark("防災訓練のお知らせ") is None
    assert drill_mark("［ 訓練 ］避難指示") == "( 訓練 )"


def test_a_mark_counts_at_the_beginning_only() -> None:
    assert begins_as_drill("（訓練）避難指示", "ja")
    assert not begins_as_drill("避難指示【訓練】", "ja")
