"""Todoke as people run it: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def todoke(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with no settings but those given."""
    return subprocess.run(
        [sys.executable, "-m", "todoke", *words],
        cwd=CHECKOUT,
        env=_environment(environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def started(*words: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    """Start a command that stays; its output can be read."""
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "todoke", *words],
        cwd=CHECKOUT,
        env=_environment(environment),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _environment(extra: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TODOKE_", "LC_", "LANG"))}
    return kept | {"LANG": "C.UTF-8"} | dict(extra or {})
