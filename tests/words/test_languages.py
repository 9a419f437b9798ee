"""Tags become one of sixteen languages, and everyone gets a text they can read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from words.languages import LANGUAGES, OWN_NAMES, combinations, normalise, texts_for
from words.problem import Refused

PREPARED = st.sets(st.sampled_from(LANGUAGES)).map(lambda some: some | {"ja"})
READERS = st.sampled_from(LANGUAGES) | st.text()


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *(("zh", "zh-Hans"), ("zh-CN", "zh-Hans"), ("ZH-sg", "zh-Hans"), ("zh-Hans-TW", "zh-Hans")),
        *(("zh-TW", "zh-Hant"), ("zh_hk", "zh-Hant"), ("zh-Hant-CN", "zh-Hant")),
        *(("en-US", "en"), ("pt-BR", "pt"), ("fil", "tl"), ("fil-PH", "tl"), (" JA ", "ja"), ("ja-JP", "ja")),
        *(("ja-easy", "ja-x-easy"), ("ja-Hira", "ja-x-easy"), ("JA-X-EASY", "ja-x-easy")),
    ],
)
def test_a_tag_is_understood(tag: str, language: str) -> None:
    assert normalise(tag) == language


@given(st.sampled_from(LANGUAGES), st.booleans())
def test_every_language_is_its_own_normal_form(language: str, loud: bool) -> None:
    assert normalise(language.upper() if loud else language) == language


@given(st.text())
def test_a_tag_is_one_of_ours_or_refused(tag: str) -> None:
    try:
        language = normalise(tag)
    except Refused:
        return
    assert language in LANGUAGES


@pytest.mark.parametrize(("tag", "near"), [("jp", "ja"), ("cn", "zh-Hans"), ("fr", None), ("", None)])
def test_a_country_for_a_language_is_refused_with_a_hint(tag: str, near: str | None) -> None:
    with pytest.raises(Refused) as refusal:
        normalise(tag, where="language")
    [problem] = refusal.value.problems
    assert problem.where == "language"
    assert f"「{tag}」は使える言語ではありません" in problem.ja
    assert (f"「{near}」のことではありませんか" in problem.ja) is (near is not None)
    assert (f"Did you mean {near}?" in problem.en) is (near is not None)


@pytest.mark.parametrize(
    ("reader", "prepared", "texts"),
    [
        ("vi", {"ja", "en", "vi", "ja-x-easy"}, ("vi",)),
        ("vi", {"ja", "en", "ja-x-easy"}, ("ja-x-easy", "en")),
        ("vi", {"ja", "en"}, ("ja", "en")),
        ("vi", {"ja", "ja-x-easy"}, ("ja-x-easy",)),
        ("vi", {"ja"}, ("ja",)),
        ("zh-Hans", {"ja", "en", "zh-Hant"}, ("ja", "en")),
        ("en", {"ja", "ja-x-easy"}, ("ja-x-easy",)),
        ("ja-x-easy", {"ja", "en"}, ("ja",)),
        ("ja", {"ja", "ja-x-easy", "en"}, ("ja",)),
    ],
)
def test_who_reads_what(reader: str, prepared: set[str], texts: tuple[str, ...]) -> None:
    assert texts_for(reader, prepared) == texts


@given(READERS, PREPARED)
def test_nobody_is_left_without_a_text_and_nothing_is_made_up(reader: str, prepared: set[str]) -> None:
    texts = texts_for(reader, prepared)
    assert 1 <= len(texts) <= 2
    assert set(texts) <= prepared
    assert texts == (reader,) or reader not in prepared


@given(PREPARED)
def test_the_combinations_are_what_readers_get(prepared: set[str]) -> None:
    found = combinations(prepared)
    assert set(found) == {texts_for(reader, prepared) for reader in LANGUAGES}
    assert all(texts_for(reader, prepared) == texts for texts, reader in found.items())
    assert [len(texts) for texts in found] == sorted(len(texts) for texts in found)


def test_an_event_without_japanese_is_a_mistake_of_ours() -> None:
    with pytest.raises(ValueError, match="Japanese"):
        texts_for("en", {"en"})


def test_every_language_names_itself() -> None:
    assert len(set(OWN_NAMES.values())) == len(LANGUAGES) == 16
