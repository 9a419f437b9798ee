"""What an approval is bound to: one hash over everything that decides who gets which words, and until when."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

FORM = 1
"""Raised when the canonical form changes: an approval given under an older form then no longer matches."""


def canonical(content: Any) -> bytes:
    """JSON with sorted keys, without spaces, in UTF-8: equal content gives equal bytes.

    Raises ValueError for a float that is not finite.
    """
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical form, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical({"form": FORM, **content})).hexdigest()
