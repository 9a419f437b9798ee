from __future__ import annotations

import pytest

from channels.text import body_problems, subject_problems, utf16_units


@pytest.mark.parametrize(("text", "units"), [("", 0), ("避難", 2), ("﨑", 1), ("🌊", 2), ("𠮷", 2)])
def test_counts_utf16_units(text: str, units: int) -> None:
    assert utf16_units(text) == units


def test_a_body_may_have_lines() -> None:
    assert body_problems("line", "一行目\r\n二行目\tと\n三行目") == []


@pytest.mark.parametrize(("char", "name"), [("\0", "U+0000"), ("\x1b", "U+001B"), ("\ud83d", "U+D83D")])
def test_a_body_with_a_control_character_is_told_where(char: str, name: str) -> None:
    (problem,) = body_problems("line", f"避難{char}")
    assert problem.ja == f"本文の3文字目に、送れない制御文字（{name}）があります。取り除いてください。"
    assert problem.en == f"Character 3 of the body is a control character that cannot be sent ({name}). Remove it."


@pytest.mark.parametrize("char", ["\r", "\n", "\t", "\0", "\x85", "\u2028"])
def test_a_subject_is_one_line_of_plain_characters(char: str) -> None:
    (problem,) = subject_problems("email", f"避難{char}指示")
    assert (problem.code, problem.where) == ("email.subject_control_character", "subject")


def test_a_blank_subject_is_refused() -> None:
    (problem,) = subject_problems("email", " ")
    assert problem.ja == "件名が空です。一行の件名を書いてください。"
    assert problem.en == "The subject is empty. Write a subject of one line."
