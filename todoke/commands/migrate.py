"""`todoke migrate`: bring the database up to date."""

from __future__ import annotations

import click

from todoke.cli import Context, common_options
from todoke.context import connection
from todoke.migrate import Migration, migrate


@click.command("migrate")
@common_options
def command(ctx: Context) -> None:
    """Apply the migrations the database does not have yet, each once.

    \b
    Example:
      TODOKE_DATABASE_URL=postgresql://todoke@db/todoke todoke migrate
    """
    applied = ctx.run(_migrate(ctx))
    ctx.emit({"applied": [migration.name for migration in applied]})
    for migration in applied:
        ctx.say(ja=f"適用しました: {migration.name}", en=f"Applied {migration.name}")
    if not applied:
        ctx.say(ja="データベースは最新です。", en="The database is up to date.")


async def _migrate(ctx: Context) -> list[Migration]:
    async with ctx.database_server() as dsn, connection(dsn) as database:
        return await migrate(database)
