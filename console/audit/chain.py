"""How a row of the record is bound to the one before it. Changing this form breaks every chain there is."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

START = bytes(32)
"""The hash before the first row."""


def canonical(details: Mapping[str, Any]) -> str:
    """JSON with sorted keys and without spaces. Raises ValueError for a number that is not finite."""
    return json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def link(prior: bytes, seq: int, at: int, actor: int | None, action: str, subject: str, details: str) -> bytes:
    """The hash of a row. `at` is in microseconds since 1970 (UTC), `details` canonical.

    Every part is preceded by its length: no two rows read the same.
    """
    parts = (str(seq), str(at), "" if actor is None else str(actor), action, subject, details)
    encoded = [part.encode() for part in parts]
    return hashlib.sha256(prior + b"".join(b"%d:%s" % (len(part), part) for part in encoded)).digest()
