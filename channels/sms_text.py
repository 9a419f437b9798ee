"""How many segments an SMS takes: what Twilio bills, queues by, and the carriers deliver.

GSM 03.38: 160 septets alone, 153 a part; else UCS-2: 70 code units alone, 67 a part.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("\f^{}\\[~]|€")
"""Each of these takes an escape septet and its own."""


@lru_cache(maxsize=256)
def segments(text: str) -> int:
    """Parts the text is sent in, at least 1. One Japanese character makes the whole text UCS-2."""
    if _BASIC.issuperset(text) or (_BASIC | _EXTENDED).issuperset(text):
        return _parts([2 if char in _EXTENDED else 1 for char in text], alone=160, part=153)
    return _parts([2 if char > "\uffff" else 1 for char in text], alone=70, part=67)


def _parts(widths: Iterable[int], *, alone: int, part: int) -> int:
    """An escaped character or a surrogate pair is never cut in two, so parts may stay a unit short."""
    widths = list(widths)
    if sum(widths) <= alone:
        return 1
    count, room = 1, part
    for width in widths:
        if width > room:
            count, room = count + 1, part
        room -= width
    return count
