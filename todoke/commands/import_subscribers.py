"""`todoke import subscribers`: take in the subscribers of a CSV file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subscribers.importer import ImportResult, default_rejects, import_subscribers
from todoke.cli import Context, common_options
from todoke.working import town_vault


@click.command("subscribers")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--rejects",
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="Where rows that were left out are listed. Default: FILE.rejects.csv.",
)
@common_options
def command(ctx: Context, file: Path, rejects: Path | None) -> None:
    """Take in subscribers from a CSV file (UTF-8 or Shift_JIS).

    Columns: id,language,topics,line_user_id,phone,email,place,lat,lon. A subscriber with several places has
    several rows. Bad rows are left out and listed with their reasons; doing it again changes nothing.

    \b
    Example:
      todoke import subscribers kawabe.csv --rejects left-out.csv
    """
    rejects = rejects or default_rejects(file)
    result = ctx.run(_import(ctx, file, rejects))
    ctx.emit(asdict(result) | {"rejects": str(rejects) if result.rejected else None})
    _tell(ctx, result, rejects)


async def _import(ctx: Context, file: Path, rejects: Path) -> ImportResult:
    async with ctx.database() as pool:
        vault = await town_vault(ctx.settings, pool)
        with _bar(ctx) as progress:
            return await import_subscribers(pool, vault, file, rejects=rejects, progress=progress)


@contextmanager
def _bar(ctx: Context) -> Iterator[Callable[[int, int], None]]:
    """A bar on a terminal; nothing elsewhere."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=ctx.json or not console.is_terminal) as bar:
        task = bar.add_task("取り込み中" if ctx.tongue == "ja" else "Importing", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _tell(ctx: Context, result: ImportResult, rejects: Path) -> None:
    new, changed, unchanged = result.subscribers_new, result.subscribers_changed, result.subscribers_unchanged
    ctx.say(
        ja=f"{result.rows:,}行: 登録者 新規{new:,}人、変更{changed:,}人、変更なし{unchanged:,}人"
        f"(場所{result.places:,}か所、連絡先{result.contacts:,}件)",
        en=f"{result.rows:,} rows: {new:,} new subscribers, {changed:,} changed, {unchanged:,} unchanged "
        f"({result.places:,} places, {result.contacts:,} contacts)",
    )
    if result.rejected:
        ctx.say(
            ja=f"{result.rejected:,}行を取り込めませんでした。行の番号と理由は {rejects} にあります。",
            en=f"{result.rejected:,} rows were left out. Their line numbers and reasons are in {rejects}.",
        )
