"""`todoke worker`: plan and send, without the web side."""

from __future__ import annotations

import asyncio
import signal

import click

from todoke.anew import anew_if_replaced, attentive
from todoke.cli import Context, common_options
from todoke.watchman import watching
from todoke.without_database import database_or_journal
from todoke.working import configured_channels, working

POOL_SIZE = 30
"""Every pump, attempt and agent holds a connection only while it speaks to the database."""


@click.command("worker")
@common_options
def command(ctx: Context) -> None:
    """Plan and send what is approved, until SIGTERM or Ctrl-C. Several may run, on several hosts.

    \b
    Example:
      todoke worker --set database_url=postgresql://todoke@db/todoke
    """
    ctx.run(_work(ctx))


async def _work(ctx: Context) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ctx = attentive(ctx, stop.set)
    async with (
        database_or_journal(ctx, POOL_SIZE) as pool,
        configured_channels(ctx.settings) as channels,
        watching(ctx.settings, pool, channels),
        working(ctx.settings, pool, channels, ctx.epoch) as session,
    ):
        ctx.emit({"session": session.number, "channels": sorted(channels)})
        ctx.say(ja="送信を待っています。止めるには Ctrl-C。", en="Waiting for something to send. Ctrl-C stops it.")
        await stop.wait()
    anew_if_replaced(ctx)
