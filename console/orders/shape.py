"""The shape of a draft: it may lack anything and say what is wrong, but what is there can be shown and put right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from words.problem import Problem

_TEXTS = dict[str, dict[str, str | None]]
_SHAPES: Mapping[str, Any] = {
    **dict.fromkeys(("id", "class", "mode", "hazard", "issuer", "delivery", "shelters", "valid_until"), str),
    "level": int | str,
    "area": dict[str, Any],
    "area_name": str | dict[str, str],
    "topics": list[str],
    **dict.fromkeys(("texts", "texts_still", "texts_released"), _TEXTS),
    "channels": list[str],
    "late_entry": bool,
    "reference": dict[str, str],
}


def misshapen(document: Mapping[str, Any]) -> Iterator[Problem]:
    """Everything of another kind than docs/formats.md gives it."""
    for key, shape in _SHAPES.items():
        value = document.get(key)
        if value is None:
            continue
        try:
            msgspec.convert(value, shape)
        except msgspec.ValidationError:
            yield Problem(
                "order.shape",
                f"/{key}",
                f"「{key}」の形が違います。docs/formats.md にある形で書いてください。",
                f"'{key}' is of another shape; write it as docs/formats.md has it.",
            )
