"""The languages a municipality prepares texts in, and who reads which text.

Texts are prepared beforehand, never machine translated when sent. Who gets what:

| reader's language            | its own text | else                                             |
|------------------------------|--------------|--------------------------------------------------|
| any                          | its own      |                                                  |
| ja-x-easy (やさしい日本語)   |              | ja                                               |
| every other                  |              | ja-x-easy (ja where missing) and en, if there is |

The two texts of the last row go out as one message, easy Japanese first.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection

from words.problem import Problem, Refused

JAPANESE = "ja"
EASY_JAPANESE = "ja-x-easy"
ENGLISH = "en"

OWN_NAMES: dict[str, str] = {
    "ja": "日本語",
    "ja-x-easy": "やさしい日本語",
    "en": "English",
    "zh-Hans": "简体中文",
    "zh-Hant": "繁體中文",
    "ko": "한국어",
    "vi": "Tiếng Việt",
    "pt": "Português",
    "es": "Español",
    "th": "ไทย",
    "id": "Bahasa Indonesia",
    "tl": "Filipino",
    "ne": "नेपाली",
    "km": "ខ្មែរ",
    "my": "မြန်မာ",
    "mn": "Монгол",
}
"""Each language's name in itself."""

LANGUAGES: tuple[str, ...] = tuple(OWN_NAMES)

_ALSO_CALLED = {"fil": "tl", "in": "id", "ja-easy": EASY_JAPANESE, "ja-hira": EASY_JAPANESE}
_MISTAKEN = {"jp": "ja", "cn": "zh-Hans", "tw": "zh-Hant", "kr": "ko", "vn": "vi"}
"""Country codes written for a language: refused with a hint, for a wrong guess goes unnoticed until the flood."""

_TAG = re.compile(r"[a-z]{2,8}(-[a-z0-9]{1,8})*", re.ASCII)
_TRADITIONAL_REGIONS = frozenset({"tw", "hk", "mo"})


def normalise(tag: str, *, where: str = "") -> str:
    """One of LANGUAGES for a language tag in any case: `zh-CN` is zh-Hans, `zh-TW` zh-Hant, `en-US` en,
    `ja-Hira` ja-x-easy, `fil` tl. Raises Refused for what is none of them; `where` goes into its problem.
    """
    plain = tag.strip().replace("_", "-").lower()
    known = _known(plain) if _TAG.fullmatch(plain) else None
    if known is None:
        raise Refused(_unknown(tag, plain, where))
    return known


def _known(tag: str) -> str | None:
    primary, *subtags = tag.split("-")
    if tag == EASY_JAPANESE or tag in _ALSO_CALLED:
        return _ALSO_CALLED.get(tag, tag)
    if primary == "zh":
        return _chinese(subtags)
    primary = _ALSO_CALLED.get(primary, primary)
    return primary if primary in OWN_NAMES else None


def _chinese(subtags: list[str]) -> str:
    """The script decides; where none is given, the region does; Chinese alone is taken as simplified."""
    if "hans" in subtags:
        return "zh-Hans"
    return "zh-Hant" if "hant" in subtags or _TRADITIONAL_REGIONS & set(subtags) else "zh-Hans"


def _unknown(tag: str, plain: str, where: str) -> Problem:
    near = _MISTAKEN.get(plain) or next(iter(difflib.get_close_matches(plain, LANGUAGES, n=1)), None)
    shown = "".join(char if char.isprintable() else "\ufffd" for char in tag[:40])
    meant = f"「{near}」のことではありませんか。" if near else ""
    return Problem(
        "language.unknown",
        where,
        f"「{shown}」は使える言語ではありません。{meant}使えるのは {'、'.join(LANGUAGES)} です。",
        f"'{shown}' is not a language Todoke knows.{f' Did you mean {near}?' if near else ''} "
        f"It knows {', '.join(LANGUAGES)}.",
    )


def texts_for(language: str, available: Collection[str]) -> tuple[str, ...]:
    """The prepared texts, in order, that make up the message of a reader of `language` (the table above).

    `available` are the languages with a text. Raises ValueError when Japanese is not among them: every event has it.
    """
    if JAPANESE not in available:
        raise ValueError("every event has a Japanese text")
    if language in available:
        return (language,)
    easiest = EASY_JAPANESE if EASY_JAPANESE in available else JAPANESE
    if language == EASY_JAPANESE or ENGLISH not in available:
        return (easiest,)
    return (easiest, ENGLISH)


def combinations(available: Collection[str]) -> dict[tuple[str, ...], str]:
    """Every result `texts_for` can have, each with one language whose readers get it; singles come first."""
    found = {texts_for(language, available): language for language in reversed(LANGUAGES)}
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), LANGUAGES.index(item[0][0]))))
