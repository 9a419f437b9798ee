"""`todoke config check`: every setting as it holds."""

from __future__ import annotations

import sys
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from todoke.cli import Context, common_options

UNBROKEN = 1000
"""Columns, where no terminal says how wide it is: one setting stays one line."""


@click.command("check")
@common_options
def command(ctx: Context) -> None:
    """Show every setting, its value (secrets masked) and where it came from.

    \b
    Example:
      todoke config check --set sending.batch_size=100
    """
    effective = ctx.configuration.effective()
    ctx.emit({"settings": [{"name": each.name, "value": each.value, "origin": each.origin} for each in effective]})
    if not ctx.json:
        table = Table("setting", "value", "origin", box=None, pad_edge=False)
        for each in effective:
            table.add_row(each.name, _shown(each.value), each.origin)
        Console(width=None if sys.stdout.isatty() else UNBROKEN).print(table)


def _shown(value: Any) -> str:
    return "" if value is None else str(value)
