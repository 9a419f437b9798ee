"""`todoke stop`: the kill switch. Two seconds later nothing leaves any more."""

from __future__ import annotations

import getpass

import click

from console.report.labels import STATES_JA
from dispatcher.channel_stops import stop_channel
from dispatcher.dispatches import status, stop, stop_all
from dispatcher.model import DispatchState
from todoke.cli import Context, common_options


@click.command("stop")
@click.argument("dispatch", required=False)
@click.option("--all", "everything", is_flag=True, help="Stop every dispatch that is not through yet.")
@click.option("--channel", metavar="NAME", help="Stop only this channel of it; the others go on.")
@click.option("--by", metavar="NAME", help="Who stops it. Default: your login name.")
@common_options
def command(ctx: Context, dispatch: str | None, everything: bool, channel: str | None, by: str | None) -> None:
    """Stop DISPATCH, or everything. What has left cannot be called back; nothing more leaves.

    \b
    Examples:
      todoke stop 261123-k7m2qx
      todoke stop 261123-k7m2qx --channel sms
      todoke stop --all --by 佐藤
    """
    if (dispatch is None) != everything:
        raise click.UsageError("name one dispatch, or give --all")
    if everything and channel is not None:
        raise click.UsageError("--channel goes with one dispatch")
    who = by or getpass.getuser()
    if dispatch is None:
        ctx.run(_stop_all(ctx, who))
    elif channel is None:
        ctx.run(_stop_one(ctx, dispatch, who))
    else:
        ctx.run(_stop_channel(ctx, dispatch, channel, who))


async def _stop_one(ctx: Context, dispatch: str, who: str) -> None:
    async with ctx.database() as pool:
        state = await stop(pool, dispatch, by=who)
        now = await status(pool, dispatch)
    ctx.emit({"stopped": [dispatch] if state is DispatchState.CANCELLED else [], "state": state})
    if state is DispatchState.CANCELLED:
        unsent = sum(
            counts.get(name, 0) for counts in now.channels.values() for name in ("pending", "retry", "cancelled")
        )
        ctx.say(ja=f"{dispatch} を中止しました。未送信 {unsent:,} 件。", en=f"{dispatch} stopped; {unsent:,} not sent.")
    elif state is DispatchState.DRAINED and now.stopped_by is not None:
        ctx.say(
            ja=f"{dispatch} はすでに送り終えています。これから区域に入る人には届きません（停止：{now.stopped_by}）。",
            en=f"{dispatch} had already been sent. Whoever comes into its area from now on does not get it "
            f"(stopped by {now.stopped_by}).",
        )
    else:
        ctx.say(
            ja=f"{dispatch} はすでに終わっています（{STATES_JA[state]}）。止めるものはありません。",
            en=f"{dispatch} had already ended ({state}); there was nothing left to stop.",
        )


async def _stop_channel(ctx: Context, dispatch: str, channel: str, who: str) -> None:
    async with ctx.database() as pool:
        state = await stop_channel(pool, dispatch, channel, by=who)
        counts = (await status(pool, dispatch)).channels.get(channel, {})
    unsent = sum(counts.get(name, 0) for name in ("pending", "retry", "cancelled"))
    ctx.emit({"stopped": [dispatch], "channel": channel, "state": state})
    ctx.say(
        ja=f"{dispatch} の {channel} を中止しました。未送信 {unsent:,} 件。ほかの経路は続けています。",
        en=f"{channel} of {dispatch} stopped; {unsent:,} not sent. The other channels go on.",
    )


async def _stop_all(ctx: Context, who: str) -> None:
    async with ctx.database() as pool:
        stopped = await stop_all(pool, by=who)
    ctx.emit({"stopped": stopped})
    ctx.say(
        ja=f"すべて中止しました: {'、'.join(stopped) or '送信中のものはありませんでした'}",
        en=f"Everything stopped: {', '.join(stopped) or 'nothing was being sent'}",
    )
