"""`todoke age`: drop what was kept long enough, now."""

from __future__ import annotations

import click

from dispatcher.ageing import Aged, age
from todoke.cli import Context, common_options


@click.command("age")
@common_options
def command(ctx: Context) -> None:
    """Drop the details of dispatches of years that were kept long enough (records.keep_years).

    A running worker does so by itself every hour; this is for whoever lets no worker drop tables.

    \b
    Example:
      todoke age --set records.keep_years=5
    """
    done = ctx.run(_age(ctx))
    ctx.emit({"added": done.added, "dropped": done.dropped})
    for year in done.dropped:
        ctx.say(ja=f"削除しました: {_name_ja(year)}", en=f"Dropped: {_name_en(year)}")
    if not done.dropped:
        ctx.say(ja="削除するものはありません。", en="There is nothing to drop.")


async def _age(ctx: Context) -> Aged:
    async with ctx.database() as pool:
        return await age(pool, keep_years=ctx.settings.records.keep_years)


def _name_ja(year: str) -> str:
    return f"{year} 年度" if year.isdecimal() else "年のない名前の配信"


def _name_en(year: str) -> str:
    return f"the year from April {year}" if year.isdecimal() else "dispatches named without a year"
