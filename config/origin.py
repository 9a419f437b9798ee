"""Where a setting's value came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Origin:
    said: str
    """As `todoke config check` shows it: `environment TODOKE_SERVE__PORT`."""
    where: str
    """As a problem names it: the variable, the file and key, or the flag."""


DEFAULT = Origin("default", "")


@dataclass(frozen=True, slots=True)
class Given:
    """A value as somebody gave it, not yet checked."""

    value: Any
    origin: Origin
