"""`todoke key`: the programs that may use the API."""

from __future__ import annotations

from collections.abc import Sequence

import click

from console.accounts import Role
from console.api import keys
from todoke.cli import Context, common_options


@click.command("create")
@click.argument("name")
@click.option("--role", type=click.Choice([each.value for each in keys.ROLES]), required=True, help="What it may do.")
@click.option("--may-send-drills", "drills", is_flag=True, help="Drills leave without anybody's approval.")
@common_options
def create(ctx: Context, name: str, role: str, drills: bool) -> None:
    """Make an API key called NAME, and print it once.

    A viewer reads; an author writes drafts that people approve, and stops; tourism does so for invitations.

    \b
    Example:
      todoke key create river-gauge --role author
    """
    key = ctx.run(_create(ctx, name, Role(role), drills=drills))
    ctx.emit({"name": name, "key": key})
    ctx.say(
        ja=f"API キー {name} を作りました。二度と表示されません。安全な場所に保管してください:\n{key}",
        en=f"{name} is an API key. It is not shown again; keep it in a safe place:\n{key}",
    )


@click.command("list")
@common_options
def list_(ctx: Context) -> None:
    """List all API keys, also those that were revoked.

    \b
    Example:
      todoke key list
    """
    for each in ctx.run(_listed(ctx)):
        _show(ctx, each)


@click.command("revoke")
@click.argument("name")
@common_options
def revoke(ctx: Context, name: str) -> None:
    """Make the API key NAME worthless, at once and for good.

    \b
    Example:
      todoke key revoke river-gauge
    """
    ctx.run(_revoke(ctx, name))
    ctx.emit({"name": name, "revoked": True})
    ctx.say(ja=f"API キー {name} を取り消しました。", en=f"{name} was revoked.")


async def _create(ctx: Context, name: str, role: Role, *, drills: bool) -> str:
    async with ctx.database() as pool:
        return await keys.create(pool, name, role, sends_drills=drills)


async def _listed(ctx: Context) -> Sequence[keys.Listed]:
    async with ctx.database() as pool:
        return await keys.listed(pool)


async def _revoke(ctx: Context, name: str) -> None:
    async with ctx.database() as pool:
        await keys.revoke(pool, name)


def _show(ctx: Context, key: keys.Listed) -> None:
    revoked = f"{key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else ""
    ctx.emit(
        {
            "name": key.name,
            "role": key.role.value,
            "sends_drills": key.sends_drills,
            "created_at": key.created_at.isoformat(),
            "revoked_at": key.revoked_at.isoformat() if key.revoked_at else None,
        }
    )
    ctx.say(
        ja="、".join(
            filter(
                None,
                [key.name, key.role, "訓練を送れる" if key.sends_drills else "", revoked and f"取り消し {revoked}"],
            )
        ),
        en=", ".join(
            filter(
                None,
                [key.name, key.role, "may send drills" if key.sends_drills else "", revoked and f"revoked {revoked}"],
            )
        ),
    )
