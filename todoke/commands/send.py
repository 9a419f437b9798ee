"""`todoke send`: approve an event and have it sent."""

from __future__ import annotations

import getpass
from dataclasses import replace
from pathlib import Path

import click

from dispatcher.bell import anybody_at_work
from dispatcher.dispatches import Signatures, Status, create, status
from dispatcher.events import Event
from dispatcher.model import Mode
from dispatcher.signing import check_signatures
from todoke.cli import Context, common_options
from todoke.progress import Progress, outcome_table
from todoke.reading import Reader, counted, town_of
from todoke.watching import watch
from todoke.working import configured_channels


@click.command("send")
@click.argument("event", type=click.Path(path_type=Path))
@click.option("--requested-by", metavar="NAME", help="Who asks for it. A drill: default is your login name.")
@click.option("--approved-by", metavar="NAME", help="Who approves it; a live send needs another person than the first.")
@click.option("--wait", is_flag=True, help="Show progress until it is through, and send from here when no worker runs.")
@click.option("--digest", metavar="DIGEST", help="Send only what has this digest: the one that match showed.")
@click.option("--request", metavar="NAME", help="A name for this one wish: with it, asking again sends nothing twice.")
@click.option("--again", is_flag=True, help="Send an event that was already sent under the same id.")
@common_options
def command(
    ctx: Context,
    event: Path,
    requested_by: str | None,
    approved_by: str | None,
    wait: bool,
    digest: str | None,
    request: str | None,
    again: bool,
) -> None:
    """Check EVENT, a JSON document, count whom it concerns, record both signatures, and send it.

    What is approved is this content for about so many people: if there are quite others when it is sent, it is held.

    \b
    Examples:
      todoke send evacuation.json --requested-by 佐藤 --approved-by 森 --wait
      todoke send evacuation.json --requested-by 佐藤 --approved-by 森 --digest 3f1c09a4b2d7
    """
    wish = Signatures(requested_by or "", approved_by or "", digest=digest, request=request)
    ctx.run(_send(ctx, event, wish, wait=wait, again=again))


async def _send(ctx: Context, path: Path, wish: Signatures, *, wait: bool, again: bool) -> None:
    async with ctx.database() as pool:
        async with configured_channels(ctx.settings) as channels:
            event = await Reader(pool, town_of(ctx.settings), channels).event(path)
            signatures = _signatures(event, wish)
            check_signatures(event, signatures)
            signatures = replace(signatures, counted=await counted(pool, event, channels))
        dispatch = await create(pool, event, signatures, again=again)
        _announce(ctx, event, dispatch, signatures.counted)
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


def _signatures(event: Event, wish: Signatures) -> Signatures:
    """A drill may be signed by whoever is logged in; a live send is signed by the names given, and by no default."""
    nobody = getpass.getuser() if event.mode is Mode.DRILL else ""
    return replace(wish, requested_by=wish.requested_by or nobody, approved_by=wish.approved_by or nobody)


def _announce(ctx: Context, event: Event, dispatch: str, people: int | None) -> None:
    counted_ja = f"（区域内 {people:,} 人）" if people is not None else ""
    counted_en = f" for {people:,} people" if people is not None else ""
    if event.mode is Mode.DRILL:
        ctx.say(
            ja=f"訓練 {dispatch} を承認しました{counted_ja}。訓練名簿だけに届きます。",
            en=f"Drill {dispatch} approved{counted_en}; it reaches the drill list only.",
        )
    else:
        ctx.say(ja=f"本番 {dispatch} を承認しました{counted_ja}。", en=f"LIVE {dispatch} approved{counted_en}.")


def _tell_end(ctx: Context, end: Status) -> None:
    if ctx.json:
        ctx.emit(end.as_json())
    else:
        click.echo(outcome_table(end, ctx.tongue))
