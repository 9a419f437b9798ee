"""`todoke import shelters`: take in the official lists of shelters."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.gazetteer import ShelterImport, store_shelters
from geo.shelter_csv import ShelterFile, read_shelters
from todoke.cli import Context, common_options
from todoke.reading import in_file, read_bytes
from words.problem import Problem, Refused

MAX_BYTES = 200 << 20
"""All of Japan's sites take 30 MB."""


@click.command("shelters")
@click.argument("files", type=click.Path(path_type=Path), nargs=-1, required=True, metavar="FILE...")
@common_options
def command(ctx: Context, files: tuple[Path, ...]) -> None:
    """Take in shelters from official CSV files: 指定緊急避難場所 and 指定避難所.

    Rows that cannot be used are named and left out. What was said of a shelter's status stays.

    \b
    Example:
      todoke import shelters 332020-emergency.csv 332020-evacuation.csv
    """
    read = _read_all(files)
    stored = ctx.run(_store(ctx, read))
    ctx.emit({"files": [_for_machines(file, each) for file, each in zip(files, stored, strict=True)]})
    for file, each in zip(files, stored, strict=True):
        _say(ctx, file, each)


def _read_all(files: tuple[Path, ...]) -> list[ShelterFile]:
    """Every file before any is stored: when one is refused, nothing changes."""
    read, problems = [], list[Problem]()
    for file in files:
        try:
            read.append(read_shelters(read_bytes(file, MAX_BYTES)))
        except Refused as refused:
            problems += [in_file(file, problem) for problem in refused.problems]
    if problems:
        raise Refused(problems)
    return read


async def _store(ctx: Context, read: list[ShelterFile]) -> list[ShelterImport]:
    async with ctx.database() as pool:
        return [await store_shelters(pool, file) for file in read]


def _for_machines(file: Path, stored: ShelterImport) -> dict[str, object]:
    left_out = [{"where": problem.where, "ja": problem.ja, "en": problem.en} for problem in stored.problems]
    counts = {"new": stored.new, "changed": stored.changed, "unchanged": stored.unchanged}
    return {"file": str(file), "kind": stored.kind, **counts, "left_out": left_out}


def _say(ctx: Context, file: Path, stored: ShelterImport) -> None:
    kind_ja, kind_en = {
        "site": ("指定緊急避難場所", "emergency evacuation sites"),
        "shelter": ("指定避難所", "shelters to stay in"),
    }[stored.kind]
    ctx.say(
        ja=f"{file}: {kind_ja} 新規{stored.new:,}件、変更{stored.changed:,}件、変更なし{stored.unchanged:,}件",
        en=f"{file}: {kind_en}: {stored.new:,} new, {stored.changed:,} changed, {stored.unchanged:,} unchanged",
    )
    for problem in stored.problems:
        click.echo(in_file(file, problem).say(ctx.tongue), err=True)
