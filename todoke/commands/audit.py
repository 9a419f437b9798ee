"""`todoke audit`: whether the record of what officers did is what was written."""

from __future__ import annotations

from pathlib import Path

import click

from console.audit.heads import Seal, read_heads
from console.audit.verifying import Verdict, verify
from todoke.cli import Context, common_options
from todoke.officers import audit_heads
from todoke.working import town_vault
from words.problem import Refused


@click.command("verify")
@click.option(
    "--heads",
    metavar="DIR",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Where signed heads were put away. Default: console.audit_heads.",
)
@common_options
def command(ctx: Context, heads: Path | None) -> None:
    """Read the whole record, and compare it with the signed heads that were put away outside the database.

    Ends with 1 and the first row that is wrong. A record whose tail was cut, or that was made anew, shows only by the
    heads: keep them where nobody who rules the database can change them.

    \b
    Example:
      todoke audit verify --heads /mnt/worm/todoke
    """
    found = ctx.run(_verify(ctx, heads))
    if found.problem is not None:
        raise Refused(found.problem)
    ctx.emit({"rows": found.rows, "heads": found.heads, "hash": found.hash.hex()})
    ctx.say(
        ja=f"記録は書かれた時のままです: {found.rows:,} 行、外の控え {found.heads:,} 件と一致。最後のハッシュ {found.hash.hex()}",
        en=f"The record is what was written: {found.rows:,} rows, {found.heads:,} heads outside agree. "
        f"Its last hash is {found.hash.hex()}",
    )


async def _verify(ctx: Context, heads: Path | None) -> Verdict:
    async with ctx.database() as pool:
        seal = Seal(await town_vault(ctx.settings, pool))
        return await verify(pool, read_heads(heads or audit_heads(ctx.settings), seal))
