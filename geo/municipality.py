"""Municipality codes (JIS X 0402): five digits, or six with the check digit of the ministry's tables."""

from __future__ import annotations

import re

from words.problem import Problem, Refused

WEIGHTS = (6, 5, 4, 3, 2)
"""全国地方公共団体コード: the check digit is the last digit of 11 minus the remainder of the weighted sum by 11."""


def check_digit(code: str) -> int:
    """The sixth digit of a five-digit code: 33202 (倉敷市) has 0."""
    total = sum(weight * int(digit) for weight, digit in zip(WEIGHTS, code, strict=True))
    return (11 - total % 11) % 10


def municipality_code(text: str, *, where: str = "code") -> str:
    """The code in five digits. Raises Refused for anything but five digits, or six with the right check digit."""
    code = text.strip()
    if not re.fullmatch(r"[0-9]{5,6}", code):
        raise Refused(_not_a_code(code, where))
    if len(code) > len(WEIGHTS) and int(code[-1]) != check_digit(code[:-1]):
        raise Refused(_wrong_check_digit(code, where))
    return code[: len(WEIGHTS)]


def _not_a_code(code: str, where: str) -> Problem:
    return Problem(
        "boundary.code",
        where,
        f"「{code[:20]}」は市区町村コードではありません。33202 のような5桁か、検査数字の付いた6桁の数字にしてください。",
        f"“{code[:20]}” is not a municipality code; write five digits such as 33202, or six with the check digit.",
    )


def _wrong_check_digit(code: str, where: str) -> Problem:
    right = f"{code[:-1]}{check_digit(code[:-1])}"
    return Problem(
        "boundary.check_digit",
        where,
        f"市区町村コード {code} の検査数字が合いません。{code[:-1]} の6桁表記は {right} です。確かめてください。",
        f"The check digit of the municipality code {code} is wrong; {code[:-1]} has the six digits {right}. Check it.",
    )
