from __future__ import annotations

import pytest

from channels.sms_text import segments


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        ("避" * 70, 1),
        ("避" * 71, 2),
        ("避" * 134, 2),
        ("避" * 135, 3),
        ("a" * 70 + "避", 2),
        ("🌊" * 35, 1),
        ("🌊" * 36, 2),
    ],
)
def test_counts_the_parts_of_a_text(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_an_escaped_character_is_not_cut_in_two() -> None:
    assert segments("a" * 152 + "€" + "a" * 152) == 3
    assert segments("a" * 151 + "€" + "a" * 153) == 2


def test_a_surrogate_pair_is_not_cut_in_two() -> None:
    assert segments("避" * 66 + "🌊" + "避" * 66) == 3
    assert segments("避" * 65 + "🌊" + "避" * 67) == 2
