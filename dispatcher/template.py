"""Texts with placeholders: parsed once, filled in one pass.

User text never meets `str.format` or a template engine, and what is filled in is never looked at
again: a shelter that is named `{area_name}` stays that.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from dispatcher.strict_json import shown
from words.problem import Problem, Refused

SHELTER_NAMES = frozenset({"shelter_name", "shelter_distance", "shelter_url"})
NAMES = ("shelter_name", "shelter_distance", "shelter_url", "area_name", "issued_at", "level_name")

_HOLE = re.compile(r"\{{1,8}[^{}\n]*\}{1,8}|[{}]|｛[^｛｝\n]*｝")
_PLAIN_HOLE = re.compile(r"\{(" + "|".join(NAMES) + r")\}")
_LISTED = "、".join(f"{{{name}}}" for name in NAMES)
_LISTED_AT_MOST = 10


@dataclass(frozen=True, slots=True)
class Template:
    """A parsed text: literal parts at even positions, names of placeholders at odd ones."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str, where: str = "") -> Template:
        """Parse `text`. Raises Refused naming every brace that is not one of NAMES in single braces, with its position.

        There is no escape: a text cannot hold a literal brace.
        """
        problems = list(islice(_strays(text, where), _LISTED_AT_MOST))
        if problems:
            raise Refused(problems)
        return cls(tuple(_PLAIN_HOLE.split(text)))

    @property
    def names(self) -> frozenset[str]:
        """The placeholders used."""
        return frozenset(self.parts[1::2])

    def render(self, values: Mapping[str, str]) -> str:
        """The text with every placeholder replaced. Raises KeyError for one without a value."""
        return "".join(values[part] if number % 2 else part for number, part in enumerate(self.parts))


def _strays(text: str, where: str) -> Iterator[Problem]:
    for hole in _HOLE.finditer(text):
        found = hole.group()
        if not _PLAIN_HOLE.fullmatch(found) and not _only_wide_brackets(found):
            yield _stray(found, *_position(text, hole.start()), where)


def _only_wide_brackets(found: str) -> bool:
    """Full-width braces are ordinary characters, unless an input method made them of a placeholder's."""
    return found[0] == "｛" and unicodedata.normalize("NFKC", found)[1:-1].strip() not in NAMES


def _position(text: str, at: int) -> tuple[int, int]:
    """Line and character, both counted from 1."""
    before = text[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1


def _stray(found: str, line: int, column: int, where: str) -> Problem:
    name = unicodedata.normalize("NFKC", found).strip("{}% ")
    near = next(iter(difflib.get_close_matches(name, NAMES, n=1)), None)
    meant = (f"「{{{near}}}」のことではありませんか。", f" Did you mean {{{near}}}?") if near else ("", "")
    return Problem(
        "text.placeholder",
        where,
        f"{line}行目の{column}文字目の「{shown(found)}」は使えません。{meant[0]}"
        f"波かっこで使えるのは {_LISTED} だけで、波かっこそのものを本文に書くことはできません。",
        f"'{shown(found)}' at line {line}, character {column} cannot be used.{meant[1]} "
        f"Braces may only hold {', '.join(NAMES)}; a brace itself cannot be written in a text.",
    )
