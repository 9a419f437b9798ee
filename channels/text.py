"""What makes a text unfit for every channel, and how long a text is to the providers."""

from __future__ import annotations

import unicodedata

from words.problem import Problem

_LINE_BREAKS = frozenset("\r\n\t")


def utf16_units(text: str) -> int:
    """Length in UTF-16 code units, as LINE and Twilio count: an emoji is two, 﨑 is one."""
    return len(text) + sum(char > "\uffff" for char in text)


def unprintable(text: str, *, allowed: frozenset[str] = frozenset()) -> int | None:
    """Position of the first control character, line separator or half of a surrogate pair, if any."""
    for position, char in enumerate(text):
        if char not in allowed and unicodedata.category(char) in {"Cc", "Cs", "Zl", "Zp"}:
            return position
    return None


def body_problems(channel: str, body: str) -> list[Problem]:
    """Problems of a body that no channel can send: it says nothing, or holds what cannot be encoded."""
    if not body.strip():
        return [
            Problem(
                f"{channel}.body_blank",
                "body",
                "本文が空です。送る文を書いてください。",
                "The body is empty. Write the text that is to be sent.",
            )
        ]
    position = unprintable(body, allowed=_LINE_BREAKS | {"\u2028", "\u2029"})
    if position is None:
        return []
    return [_unprintable(channel, "body", body, position)]


def subject_problems(channel: str, subject: str) -> list[Problem]:
    """Problems of a subject as one line of plain words."""
    if not subject.strip():
        return [
            Problem(
                f"{channel}.subject_blank",
                "subject",
                "件名が空です。一行の件名を書いてください。",
                "The subject is empty. Write a subject of one line.",
            )
        ]
    position = unprintable(subject)
    return [] if position is None else [_unprintable(channel, "subject", subject, position)]


def _unprintable(channel: str, where: str, text: str, position: int) -> Problem:
    name = {"body": "本文", "subject": "件名"}[where]
    char = f"U+{ord(text[position]):04X}"
    return Problem(
        f"{channel}.{where}_control_character",
        where,
        f"{name}の{position + 1}文字目に、送れない制御文字（{char}）があります。取り除いてください。",
        f"Character {position + 1} of the {where} is a control character that cannot be sent ({char}). Remove it.",
    )
