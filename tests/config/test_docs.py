"""docs/settings.md is the reference: a setting that is not in it is not there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined

from channels.registry import BUILT_IN
from config.leaves import Leaf, leaves

REFERENCE = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = {line.split("`")[1]: line for line in REFERENCE.splitlines() if line.startswith("| `")}
LEAVES = leaves({name: channel.Settings for name, channel in BUILT_IN.items()})


@pytest.mark.parametrize("leaf", LEAVES.values(), ids=LEAVES)
def test_every_setting_has_a_row_with_its_variable_and_default(leaf: Leaf) -> None:
    row = ROWS[leaf.name]
    assert f"`{leaf.variable}`" in row
    assert _default(leaf) in row


def test_every_row_is_a_setting() -> None:
    assert set(ROWS) == set(LEAVES)


def _default(leaf: Leaf) -> str:
    default: Any = leaf.field.default
    if default is PydanticUndefined or default is None or default == "":
        return "|"
    if isinstance(default, bool | dict | list | tuple):
        return json.dumps(default)
    return f"{default:g}" if isinstance(default, float) else str(default)
