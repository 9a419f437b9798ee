"""`todoke report`: what became of a dispatch, as one HTML page."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import click

from console.report import write_report
from todoke.cli import Context, common_options


@click.command("report")
@click.argument("dispatch")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to write.")
@common_options
def command(ctx: Context, dispatch: str, out: Path) -> None:
    """Write what became of DISPATCH as one self-contained HTML page: map, figures, timeline, texts.

    \b
    Example:
      todoke report 261123-k7m2qx --out report.html
    """
    ctx.run(_report(ctx, dispatch, out))


async def _report(ctx: Context, dispatch: str, out: Path) -> None:
    async with ctx.database() as pool:
        path = await write_report(
            pool, dispatch, out, zone=ZoneInfo(ctx.settings.timezone), town=ctx.settings.town.code
        )
    ctx.emit({"dispatch": dispatch, "report": str(path)})
    ctx.say(ja=f"報告: {path.resolve()}", en=f"The report: {path.resolve()}")
