"""JSON as strangers write it, read so that nothing surprising comes through.

Refused besides broken syntax: keys given twice, NaN and infinities (also `1e999` and integers of 5,000
digits), nesting deeper than 32, NUL and lone surrogates (PostgreSQL can store neither).
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any

from words.problem import Problem, Refused

MAX_DEPTH = 32
MAX_DIGITS = 18
_LISTED_AT_MOST = 10


def read(document: bytes, *, limit: int) -> tuple[Any, list[Problem]]:
    """The value of a UTF-8 (with or without BOM) JSON text of at most `limit` bytes, and what it may not hold.

    Raises Refused for what cannot be read at all.
    """
    if len(document) > limit:
        raise Refused(_too_large(len(document), limit))
    try:
        value, problems = _parse(document.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise Refused(_not_utf8(error.start)) from None
    except json.JSONDecodeError as error:
        raise Refused(_syntax(error)) from None
    except RecursionError:
        raise Refused(_too_deep("")) from None
    return value, problems + unsound(value)


def unsound(value: Any, where: str = "") -> list[Problem]:
    """What a parsed JSON value may not hold, each with its place; also for values somebody else parsed.

    Raises Refused where it is nested too deeply, for then nobody can safely read on.
    """
    return list(_unsound(value, where, 0))


def pointer(where: str, key: str | int) -> str:
    """The JSON pointer (RFC 6901) of a member; a long key is cut, for it comes from outside."""
    return f"{where}/" + shown(key, 80).replace("~", "~0").replace("/", "~1")


def shown(value: object, limit: int = 40) -> str:
    """A stranger's value for a sentence on a terminal or page: cut to `limit`, unprintable characters as U+FFFD."""
    text = str(value)
    cut = text if len(text) <= limit else text[:limit] + "…"
    return "".join(char if char.isprintable() else "\ufffd" for char in cut)


def _parse(text: str) -> tuple[Any, list[Problem]]:
    twice: dict[str, None] = {}

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) < len(pairs):
            counts = Counter(name for name, _ in pairs)
            twice.update((name, None) for name, count in counts.items() if count > 1)
        return made

    value = json.loads(text, object_pairs_hook=members, parse_int=_integer)
    return value, [_twice(name) for name in islice(twice, _LISTED_AT_MOST)]


def _integer(digits: str) -> int | float:
    """A number too long for an integer becomes a float: `int` raises an error of its own at 4,300 digits."""
    return int(digits) if len(digits) <= MAX_DIGITS else float(digits)


def _unsound(value: Any, where: str, depth: int) -> Iterator[Problem]:
    kind = type(value)
    if kind is float:
        if not math.isfinite(value):
            yield _infinite(where)
    elif kind is str:
        yield from _bad_characters(value, where)
    elif kind is dict or kind is list:
        yield from _inside(value, where, depth + 1)
    elif kind is int:
        yield from _too_long(value, where)
    elif kind is not bool and value is not None:
        yield _foreign(where, kind.__name__)


def _inside(value: dict[Any, Any] | list[Any], where: str, depth: int) -> Iterator[Problem]:
    if depth > MAX_DEPTH:
        raise Refused(_too_deep(where))
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _unsound(item, f"{where}/{number}", depth)
        return
    for key, item in value.items():
        if not isinstance(key, str):
            yield _foreign(where, type(key).__name__)
            continue
        yield from _bad_characters(key, where)
        yield from _unsound(item, pointer(where, key), depth)


def _bad_characters(text: str, where: str) -> Iterator[Problem]:
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        yield Problem(
            "json.character",
            where,
            "文字として扱えない値（NUL、または対にならないサロゲート）が含まれています。取り除いてください。",
            "This holds something that is no character (NUL or a lone surrogate); remove it.",
        )


def _too_long(value: int, where: str) -> Iterator[Problem]:
    if abs(value) >= 10**MAX_DIGITS:
        yield Problem(
            "json.number",
            where,
            f"整数が大きすぎます。{MAX_DIGITS}桁までにしてください。",
            f"This integer is too large; integers may have up to {MAX_DIGITS} digits.",
        )


def _infinite(where: str) -> Problem:
    return Problem(
        "json.number",
        where,
        "有限の数ではありません。ふつうの数を書いてください。",
        "This is not a finite number; write an ordinary one.",
    )


def _foreign(where: str, kind: str) -> Problem:
    return Problem(
        "json.type",
        where,
        f"JSONにない型の値（{kind}）があります。",
        f"There is a value of a type JSON does not have ({kind}).",
    )


def _too_deep(where: str) -> Problem:
    return Problem(
        "json.too_deep",
        where[:80],
        f"入れ子が深すぎます。{MAX_DEPTH}段までにしてください。",
        f"This is nested too deeply; at most {MAX_DEPTH} levels are read.",
    )


def _too_large(size: int, limit: int) -> Problem:
    return Problem(
        "json.too_large",
        "",
        f"イベント文書が{size:,}バイトあります。{limit:,}バイトまでにしてください。広い区域は境界コードで指定できます。",
        f"The event document has {size:,} bytes and may have {limit:,}; name a large area by its boundary code.",
    )


def _not_utf8(at: int) -> Problem:
    return Problem(
        "json.encoding",
        "",
        f"UTF-8ではありません（{at + 1}バイト目）。UTF-8で保存し直してください。",
        f"This is not UTF-8 (byte {at + 1}); save the file as UTF-8.",
    )


def _syntax(error: json.JSONDecodeError) -> Problem:
    return Problem(
        "json.syntax",
        f"line {error.lineno}, column {error.colno}",
        "JSONとして読めません。かっこ、引用符、読点（,）の書き忘れがないか、この位置の前後を確かめてください。",
        "This cannot be read as JSON; look for a missing bracket, quotation mark or comma around here.",
    )


def _twice(name: str) -> Problem:
    return Problem(
        "json.duplicate_key",
        "",
        f"項目「{shown(name)}」が同じ場所に2回以上書かれています。どちらを使うか決められないので、1つにしてください。",
        f"The key '{shown(name)}' is given more than once in one place; keep one, for nobody can say which one counts.",
    )
