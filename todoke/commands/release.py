"""`todoke release`: an officer's word that a held dispatch is sent after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dispatcher.bell import anybody_at_work
from dispatcher.dispatches import Status, status
from dispatcher.holding import Hold
from dispatcher.model import DispatchState
from dispatcher.releasing import releasable, release, stored_event
from todoke.cli import Context, common_options
from todoke.reading import counted
from todoke.working import configured_channels

if TYPE_CHECKING:
    from asyncpg import Pool


@click.command("release")
@click.argument("dispatch")
@click.option("--by", metavar="NAME", required=True, help="The officer who says so.")
@click.option("--yes", is_flag=True, help="Release it without being asked again.")
@common_options
def command(ctx: Context, dispatch: str, by: str, yes: bool) -> None:
    """Have DISPATCH, which is held, sent as it is now. Shows first what that will be, and asks.

    A dispatch is held when the database was restored from a backup, or when it concerns quite others than the number it
    was approved for. To end it instead: todoke stop.

    \b
    Example:
      todoke release 261123-k7m2qx --by 森
    """
    ctx.run(_release(ctx, dispatch, by, sure=yes))


async def _release(ctx: Context, dispatch: str, by: str, *, sure: bool) -> None:
    async with ctx.database() as pool:
        hold = await releasable(pool, dispatch)
        people = await _people(ctx, pool, dispatch, hold)
        _show(ctx, await status(pool, dispatch), hold, people)
        if not sure:
            click.confirm("送りますか" if ctx.tongue == "ja" else "Send it", abort=True, err=True)
        await release(pool, dispatch, by=by, counted=people)
        ctx.emit((await status(pool, dispatch)).as_json())
        ctx.say(ja=f"{dispatch} の保留を解除しました。", en=f"{dispatch} released.")
        if not await anybody_at_work(pool):
            ctx.say(
                ja="いま動いている worker がありません。todoke worker か todoke serve を動かすと送信が始まります。",
                en="No worker is running: start todoke worker or todoke serve, and it will be sent.",
            )


async def _people(ctx: Context, pool: Pool, dispatch: str, hold: Hold) -> int | None:
    """How many people are in its area now; None where nobody is matched any more."""
    if hold.was is not DispatchState.APPROVED:
        return None
    async with configured_channels(ctx.settings) as channels:
        return await counted(pool, await stored_event(pool, dispatch), channels)


def _show(ctx: Context, now: Status, hold: Hold, people: int | None) -> None:
    """On standard error, so that it is read also where a program listens."""
    ja, en = [hold.say("ja")], [hold.say("en")]
    waiting = sum(sum(counts.get(name, 0) for name in _WAITING) for counts in now.channels.values())
    if people is not None:
        ja.append(f"いま区域にいるのは {people:,} 人です（承認の時 {_told(now.counted, '数えていません', ' 人')}）。")
        en.append(
            f"There are {people:,} people in its area now (at the approval: {_told(now.counted, 'not counted', '')})."
        )
    if waiting:
        ja.append(f"送り終えていないもの {waiting:,} 件を送ります。")
        en.append(f"{waiting:,} messages that are not through will be sent.")
    if hold.was is DispatchState.DRAINED:
        ja.append("これから区域に入る人に、また届くようになります。")
        en.append("Whoever comes into its area will get it again.")
    ja.append(f"依頼 {now.requested_by}、承認 {now.approved_by}（{now.approved_at:%Y-%m-%d %H:%M} UTC）。")
    en.append(f"Asked for by {now.requested_by}, approved by {now.approved_by} ({now.approved_at:%Y-%m-%d %H:%M} UTC).")
    click.echo("\n".join(ja if ctx.tongue == "ja" else en), err=True)


_WAITING = ("pending", "retry", "ambiguous")


def _told(number: int | None, nobody: str, unit: str) -> str:
    return f"{number:,}{unit}" if number is not None else nobody
