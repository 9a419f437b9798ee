"""`todoke make-town`: make up subscribers to try things with."""

from __future__ import annotations

from pathlib import Path

import click

from todoke.cli import Context, common_options
from todoke.town.generator import TownSummary, make_town
from words.problem import Problem, Refused

MOST = 5_000_000


@click.command("make-town")
@click.option("--boundary", type=click.Path(path_type=Path), required=True, help="GeoJSON of the municipality.")
@click.option("--shelters", type=click.Path(path_type=Path), help="An official shelters CSV: homes gather around them.")
@click.option("--subscribers", type=click.IntRange(1, MOST), required=True, help="How many people.")
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The same seed, the same file.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Where to write.")
@common_options
def command(ctx: Context, boundary: Path, shelters: Path | None, subscribers: int, seed: int, out: Path) -> None:
    """Write a believable OUT/subscribers.csv: people who live inside a boundary, where people would.

    The people are made up, but their phone numbers and mail domains are of real kinds: send to them
    through the sandbox only.

    \b
    Example:
      todoke make-town --boundary 33202.geojson --shelters 332020-emergency.csv --subscribers 50000 --seed 1 --out town
    """
    try:
        summary = make_town(boundary, shelters, subscribers, seed, out)
    except OSError as error:
        raise Refused(_unwritable(out, error)) from None
    ctx.emit(summary.as_dict())
    _tell(ctx, summary)


def _tell(ctx: Context, town: TownSummary) -> None:
    contacts = [town.contacts[kind] for kind in ("line", "phone", "email")]
    shares = [f"{kind} {count:,}" for kind, count in zip(("LINE", "SMS", "email"), contacts, strict=True)]
    languages = "  ".join(f"{language} {count:,}" for language, count in town.languages.items())
    topics = "  ".join(f"{topic} {count:,}" for topic, count in town.topics.items())
    ctx.say(
        ja=f"{town.file}: 登録者 {town.subscribers:,} 人、場所 {town.rows:,} か所（架空の人々です。送信はサンドボックスだけに）",
        en=f"{town.file}: {town.subscribers:,} subscribers with {town.rows:,} places (made up: send through the sandbox only)",
    )
    ctx.say(ja=f"連絡先  {'  '.join(shares)}", en=f"contacts   {'  '.join(shares)}")
    ctx.say(ja=f"言語    {languages}", en=f"languages  {languages}")
    ctx.say(ja=f"話題    {topics}", en=f"topics     {topics}")


def _unwritable(out: Path, error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    return Problem(
        "town.unwritable",
        "--out",
        f"{out} に書き込めません（{reason}）。--out に書き込める場所を指定してください。",
        f"{out} cannot be written ({reason}). Name a place with --out where it can.",
    )
