"""Topics by name: how they are written, and how many there may be."""

from __future__ import annotations

import re
import unicodedata

from words.problem import Problem

MOST_TOPICS = 63
"""A subscriber's topics are the bits of one signed 64-bit number (table `topic`)."""

_SEPARATORS = re.compile(r"[;|\s]+")


def topic_name(text: str) -> str:
    """A topic as it is stored and compared: `Drill` and `ｄｒｉｌｌ` are `drill`."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def split_topics(text: str) -> frozenset[str]:
    """The topics of a cell, separated by `;`, `|` or space."""
    return frozenset(name for name in _SEPARATORS.split(topic_name(text)) if name)


def too_many_topics() -> Problem:
    return Problem(
        "topics.too_many",
        "topics",
        f"トピックは全体で {MOST_TOPICS} 種類までです。種類を減らしてください。何も取り込んでいません。",
        f"There can be {MOST_TOPICS} different topics in all. Use fewer; nothing was imported.",
    )
