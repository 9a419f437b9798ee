"""Municipality codes are five digits, or six of which the last proves the others."""

from __future__ import annotations

import pytest

from geo.municipality import check_digit, municipality_code
from words.problem import Refused


@pytest.mark.parametrize("six", ["332020", "011002", "131016", "052060", "473812", "271004"])
def test_the_ministrys_six_digits_are_understood(six: str) -> None:
    assert check_digit(six[:5]) == int(six[5])
    assert municipality_code(six) == six[:5]
    assert municipality_code(f" {six[:5]} ") == six[:5]


def test_a_wrong_check_digit_is_refused_with_the_right_one() -> None:
    with pytest.raises(Refused) as refused:
        municipality_code("332021", where="--code")
    assert refused.value.say("ja") == [
        "--code: 市区町村コード 332021 の検査数字が合いません。33202 の6桁表記は 332020 です。確かめてください。"
    ]
    assert "33202 has the six digits 332020" in refused.value.say("en")[0]


@pytest.mark.parametrize("wrong", ["", "3320", "3320200", "倉敷市", "33２02", "33-02", "-3320"])
def test_anything_but_digits_is_refused(wrong: str) -> None:
    with pytest.raises(Refused, match="is not a municipality code; write five digits such as 33202"):
        municipality_code(wrong)
