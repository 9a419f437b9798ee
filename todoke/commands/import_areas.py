"""`todoke import areas`: take in the boundaries of municipalities."""

from __future__ import annotations

from pathlib import Path

import click

from dispatcher.gazetteer import import_boundaries
from geo.boundaries import MAX_BYTES, Boundary, BoundaryFile
from todoke.cli import Context, common_options
from todoke.reading import in_file, read_bytes
from words.problem import Problem, Refused

SHOWN = 20
"""Names of a whole prefecture fill screens; the machine's answer has them all."""


@click.command("areas")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--code", metavar="CODE", help="Whose boundary it is: all of the file is one area. E.g. 33202.")
@common_options
def command(ctx: Context, file: Path, code: str | None) -> None:
    """Take in boundaries from GeoJSON, each under its municipality code.

    Without --code each feature goes to the municipality in its own N03_007 (国土数値情報 行政区域データ).
    Importing a file again changes nothing.

    \b
    Example:
      todoke import areas N03-23_33.geojson
      todoke import areas kurashiki.geojson --code 33202
    """
    found = ctx.run(_import(ctx, file, code))
    ctx.emit(_for_machines(found))
    for boundary in found.boundaries[:SHOWN]:
        _say(ctx, boundary)
    if more := len(found.boundaries) - SHOWN:
        _say_more(ctx, more)
    for problem in found.problems:
        click.echo(problem.say(ctx.tongue), err=True)


async def _import(ctx: Context, file: Path, code: str | None) -> BoundaryFile:
    data = read_bytes(file, MAX_BYTES)
    async with ctx.database() as pool:
        try:
            return await import_boundaries(pool, data, code)
        except Refused as refused:
            raise Refused(_named(file, problem) for problem in refused.problems) from None


def _named(file: Path, problem: Problem) -> Problem:
    return problem if problem.where == "--code" else in_file(file, problem)


def _for_machines(found: BoundaryFile) -> dict[str, object]:
    boundaries = [
        {
            "code": each.code,
            "name": each.name,
            "polygons": each.area.polygons,
            "points": each.area.points,
            "repaired": each.repaired,
        }
        for each in found.boundaries
    ]
    left_out = [{"where": problem.where, "ja": problem.ja, "en": problem.en} for problem in found.problems]
    return {"boundaries": boundaries, "left_out": left_out}


def _say(ctx: Context, boundary: Boundary) -> None:
    polygons, points = boundary.area.polygons, boundary.area.points
    mended_ja = "、輪郭の小さな誤りを直しました" if boundary.repaired else ""
    mended_en = "; small flaws of its outline were mended" if boundary.repaired else ""
    ctx.say(
        ja=f"{boundary.code} {boundary.name}: 多角形{polygons:,}個、{points:,}点{mended_ja}",
        en=f"{boundary.code} {boundary.name}: {polygons:,} polygons, {points:,} points{mended_en}",
    )


def _say_more(ctx: Context, more: int) -> None:
    if more > 0:
        ctx.say(ja=f"ほか{more:,}件を取り込みました。", en=f"And {more:,} more.")
