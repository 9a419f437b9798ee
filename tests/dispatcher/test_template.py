"""Placeholders: exactly six, filled in once, and never taken for anything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.template import NAMES, Template
from words.problem import Refused

ANYTHING = st.text(alphabet=st.sampled_from("{}｛｝%._ ab7*\n避" + "area_name"), max_size=40) | st.text(max_size=40)
PIECES = st.lists(st.sampled_from([f"{{{name}}}" for name in NAMES]) | st.text(alphabet="ab 避\n%_.", max_size=5))


@given(ANYTHING)
def test_a_text_is_refused_or_comes_back_whole(text: str) -> None:
    try:
        template = Template.parse(text)
    except Refused:
        assert set(text) & set("{}｛")
        return
    assert template.render({name: f"{{{name}}}" for name in NAMES}) == text


@given(PIECES, st.dictionaries(st.sampled_from(NAMES), ANYTHING))
def test_every_placeholder_is_filled_in_and_nothing_filled_in_is_read_again(
    pieces: list[str], some: dict[str, str]
) -> None:
    values = {name: some.get(name, "{area_name}") for name in NAMES}
    template = Template.parse("".join(pieces))
    assert template.render(values) == "".join(values[piece[1:-1]] if piece[:1] == "{" else piece for piece in pieces)
    assert template.names == {piece[1:-1] for piece in pieces if piece[:1] == "{"}


@given(st.text(alphabet=st.characters(exclude_characters="{}｛｝")))
def test_a_text_without_braces_stays_as_it_is(text: str) -> None:
    assert Template.parse(text).render({}) == text


@pytest.mark.parametrize(
    "text",
    [
        *("{{7*7}}", "{%if x%}", "{0.__class__}", "{area_name!r}", "{area_name:>9}", "{ area_name }", "{AREA_NAME}"),
        *("{{area_name}}", "{", "}", "{}", "{area_name", "area_name}", "{area\n_name}", "｛area_name｝", "{{" * 5_000),
    ],
)
def test_any_other_brace_is_refused(text: str) -> None:
    with pytest.raises(Refused) as refusal:
        Template.parse(text)
    assert len(refusal.value.problems) <= 10


def test_a_refusal_says_where_and_what_was_meant() -> None:
    with pytest.raises(Refused) as refusal:
        Template.parse("避難指示\n場所は{shelter}です。", "/texts/ja/body")
    [problem] = refusal.value.problems
    assert problem.where == "/texts/ja/body"
    assert problem.ja.startswith("2行目の4文字目の「{shelter}」は使えません。「{shelter_url}」")
    assert problem.en.startswith("'{shelter}' at line 2, character 4 cannot be used. Did you mean {shelter_url}?")


def test_full_width_braces_around_other_words_are_text() -> None:
    assert Template.parse("｛注意｝").names == frozenset()
