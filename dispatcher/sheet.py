"""An event document while it is read: what it says, and every problem found on the way."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from dispatcher.strict_json import pointer, shown
from words.problem import Problem, Refused

Choice = TypeVar("Choice", bound=StrEnum)

_LINE_BREAKS = frozenset("\u2028\u2029")
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass
class Sheet:
    """Readers take what they need from `document` and leave their problems here, so that all are listed at once."""

    document: Mapping[str, Any]
    problems: list[Problem] = field(default_factory=list)

    def get(self, key: str) -> Any:
        """The value, or None: an explicit null counts as not given."""
        return self.document.get(key)

    def refuse(self, code: str, where: str, ja: str, en: str) -> None:
        self.problems.append(Problem(code, where, ja, en))

    def adopt(self, refusal: Refused) -> None:
        """Take over the problems of a part that somebody else read, but for places already complained of."""
        places = [problem.where + "/" for problem in self.problems]
        self.problems.extend(
            problem
            for problem in refusal.problems
            if not any(place.startswith(problem.where + "/") for place in places)
        )

    def missing(self, where: str, what_ja: str, what_en: str) -> None:
        self.refuse("event.required", where, f"{what_ja}がありません。必ず書いてください。", f"{what_en} is missing.")

    def unknown_keys(self, found: Iterable[str], known: Iterable[str], where: str = "") -> None:
        """Refuse every key that is not known, with the nearest one that is."""
        names = tuple(known)
        for key in found:
            if key not in names:
                meant_ja, meant_en = meant(key, names)
                self.refuse(
                    "event.unknown_key",
                    pointer(where, key),
                    f"「{shown(key)}」という項目はありません。{meant_ja}書けるのは {'、'.join(names)} です。",
                    f"There is no '{shown(key)}' here.{meant_en} These are known: {', '.join(names)}.",
                )

    def choice(self, key: str, kinds: type[Choice], default: Choice | None = None) -> Choice | None:
        """One of an enumeration's values; `default` where nothing is given, and a problem where there is no default."""
        value = self.get(key)
        if value is None:
            if default is None:
                self.missing(f"/{key}", f"「{key}」（{'、'.join(kinds)}）", f"'{key}' ({', '.join(kinds)})")
            return default
        if isinstance(value, str) and value in list(kinds):
            return kinds(value)
        self.not_among(f"/{key}", value, list(kinds))
        return None

    def not_among(self, where: str, value: Any, known: Iterable[str]) -> None:
        names = tuple(known)
        meant_ja, meant_en = meant(value, names)
        self.refuse(
            "event.choice",
            where,
            f"「{shown(value)}」は選べません。{meant_ja}選べるのは {'、'.join(names)} です。",
            f"'{shown(value)}' is no choice here.{meant_en} These are: {', '.join(names)}.",
        )

    def line(self, where: str, value: Any, limit: int) -> str | None:
        """A string of one line, 1 to `limit` characters, without control characters."""
        if not isinstance(value, str):
            self.refuse("event.type", where, "文字列で書いてください。", "This must be a string.")
            return None
        text = value.strip()
        if not text:
            self.refuse("event.empty", where, "空です。内容を書いてください。", "This is empty; write something.")
        elif len(text) > limit:
            self.refuse(
                "event.too_long",
                where,
                f"{len(text)}文字あります。{limit}文字までにしてください。",
                f"This has {len(text)} characters and may have {limit}.",
            )
        elif not self.characters(where, text, one_line=True):
            return None
        else:
            return text
        return None

    def characters(self, where: str, text: str, *, one_line: bool) -> bool:
        """Refuse control characters (a body may hold newlines and tabs) and those that turn the reading direction."""
        bad = next((at for at, char in enumerate(text) if _is_bad(char, one_line=one_line)), None)
        if bad is None:
            return True
        name = f"U+{ord(text[bad]):04X}"
        self.refuse(
            "text.control_character",
            where,
            f"{bad + 1}文字目に、{'1行の文字列では' if one_line else ''}使えない制御文字（{name}）があります。"
            "取り除いてください。",
            f"Character {bad + 1} is a control character ({name}) that cannot be used "
            f"{'in a single line' if one_line else 'in a text'}; remove it.",
        )
        return False


def _is_bad(char: str, *, one_line: bool) -> bool:
    if char in "\n\t":
        return one_line
    return unicodedata.category(char) == "Cc" or char in _LINE_BREAKS or char in _BIDI_CONTROLS


def meant(value: Any, known: Iterable[str]) -> tuple[str, str]:
    """ "Did you mean …?" in Japanese and English, or two empty strings."""
    near = difflib.get_close_matches(str(value)[:80].lower(), list(known), n=1)
    return (f"「{near[0]}」のことではありませんか。", f" Did you mean '{near[0]}'?") if near else ("", "")


def without_controls(text: str) -> str:
    """`text` on one line, control characters taken out: for names that come from imported files."""
    if text.isprintable():
        return text
    line = " ".join(text.split())
    return "".join(char for char in line if not _is_bad(char, one_line=True))
