"""Hazards that a row puts into its workers' own code (hazard/sitecustomize.py)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from tests.faults.process import ROOT

FOLDER = Path(__file__).parent / "hazard"


def with_hazard(**hazard: Any) -> dict[str, str]:
    """The environment of a worker that meets it."""
    path = os.pathsep.join(filter(None, [str(FOLDER), str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {"PYTHONPATH": path, "HAZARD": json.dumps(hazard)}
