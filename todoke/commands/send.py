"""`todoke send`: approve an event and have it sent."""

from __future__ import annotations

import getpass
from pathlib import Path

import click

from dispatcher.bell import anybody_at_work
from dispatcher.dispatches import Signatures, Status, create, status
from dispatcher.events import Event
from dispatcher.model import Mode
from todoke.cli import Context, common_options
from todoke.progress import Progress, outcome_table
from todoke.reading import Reader, town_of
from todoke.watching import watch
from todoke.working import configured_channels


@click.command("send")
@click.argument("event", type=click.Path(path_type=Path))
@click.option("--requested-by", metavar="NAME", help="Who asks for it. A drill: default is your login name.")
@click.option("--approved-by", metavar="NAME", help="Who approves it; a live send needs another person than the first.")
@click.option("--wait", is_flag=True, help="Show progress until it is through, and send from here when no worker runs.")
@click.option("--again", is_flag=True, help="Send an event that was already sent under the same id.")
@common_options
def command(
    ctx: Context, event: Path, requested_by: str | None, approved_by: str | None, wait: bool, again: bool
) -> None:
    """Check EVENT, a JSON document, record both signatures, and send it.

    \b
    Example:
      todoke send evacuation.json --requested-by 佐藤 --approved-by 森 --wait
    """
    ctx.run(_send(ctx, event, (requested_by, approved_by), wait=wait, again=again))


async def _send(ctx: Context, path: Path, names: tuple[str | None, str | None], *, wait: bool, again: bool) -> None:
    async with ctx.database() as pool:
        async with configured_channels(ctx.settings) as channels:
            event = await Reader(pool, town_of(ctx.settings), channels).event(path)
        dispatch = await create(pool, event, _signatures(event, names), again=again)
        _announce(ctx, event, dispatch)
        if wait:
            with Progress(ctx) as progress:
                end = await watch(ctx.settings, pool, dispatch, progress.show)
            _tell_end(ctx, end)
            return
        ctx.emit((await status(pool, dispatch)).as_json())
        if not await anybody_at_work(pool):
            ctx.say(
                ja="いま動いている worker がありません。todoke worker か todoke serve を動かすと送信が始まります。",
                en="No worker is running: start todoke worker or todoke serve, and it will be sent.",
            )


def _signatures(event: Event, names: tuple[str | None, str | None]) -> Signatures:
    """A drill may be signed by whoever is logged in; a live send is signed by the names given, and by no default."""
    nobody = getpass.getuser() if event.mode is Mode.DRILL else ""
    return Signatures(requested_by=names[0] or nobody, approved_by=names[1] or nobody)


def _announce(ctx: Context, event: Event, dispatch: str) -> None:
    if event.mode is Mode.DRILL:
        ctx.say(
            ja=f"訓練 {dispatch} を承認しました（訓練名簿だけに届きます）。",
            en=f"Drill {dispatch} approved; it reaches the drill list only.",
        )
    else:
        ctx.say(ja=f"本番 {dispatch} を承認しました。", en=f"LIVE {dispatch} approved.")


def _tell_end(ctx: Context, end: Status) -> None:
    if ctx.json:
        ctx.emit(end.as_json())
    else:
        click.echo(outcome_table(end, ctx.tongue))
