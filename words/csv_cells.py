"""Cells that a spreadsheet takes for text, whatever stands in them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

_FORMULA = frozenset("=+-@\t\r\n＝＋－＠|%")
"""What begins a formula, also full-width as Japanese input writes it (OWASP ASVS 5.0, 1.2.10)."""
BOM = "\ufeff"
"""Without it Excel takes UTF-8 for Shift_JIS."""


def cell(value: object) -> str:
    """As text; with an apostrophe before it where a spreadsheet would reckon with it. Numbers stay numbers."""
    if value is None:
        return ""
    text = str(value).replace("\0", "")
    if isinstance(value, int | float):
        return text
    return f"'{text}" if text.lstrip(" \u3000")[:1] in _FORMULA or text[:1] in _FORMULA else text


def lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as RFC 4180 has them: every cell that needs it quoted, lines that end in CRLF."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([cell(each) for each in row] for row in rows)
    return out.getvalue()
