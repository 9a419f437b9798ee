"""`todoke admin`: the first administrators."""

from __future__ import annotations

import click

from console.accounts.staff import Invited, add_administrator
from todoke.cli import Context, common_options


@click.command("create")
@click.argument("login")
@click.option("--name", required=True, metavar="NAME", help="What colleagues call them, like 佐藤.")
@common_options
def command(ctx: Context, login: str, name: str) -> None:
    """Make LOGIN an administrator, and print the link with which that person enrols.

    For the first two; from then on one proposes further administrators in the console, and another agrees.

    \b
    Example:
      todoke admin create sato --name 佐藤
    """
    made = ctx.run(_create(ctx, login, name))
    link = f"{_address(ctx)}/enrol?code={made.code}"
    ctx.emit({"officer": made.officer, "enrol": link})
    ctx.say(
        ja=f"管理者 {name} を加えました。このリンクを本人だけに渡してください(24 時間、1 回だけ使えます):\n{link}",
        en=f"{name} is an administrator. Give this link to that person alone (once, within 24 hours):\n{link}",
    )


async def _create(ctx: Context, login: str, name: str) -> Invited:
    async with ctx.database() as pool:
        return await add_administrator(pool, login=login, name=name)


def _address(ctx: Context) -> str:
    """Where `todoke serve` is reached: by the world, or on this machine."""
    settings = ctx.settings
    return settings.public_base_url or f"http://127.0.0.1:{settings.serve.port}"
