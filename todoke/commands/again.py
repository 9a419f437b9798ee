"""`todoke again`: a dispatch sent again to those whom it certainly did not reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from dispatcher.bell import anybody_at_work
from dispatcher.dispatches import status
from dispatcher.replaying import Choice, Missed, missed, replay
from dispatcher.signing import Signatures
from todoke.cli import Context, common_options

if TYPE_CHECKING:
    from asyncpg import Pool


@click.command("again")
@click.argument("dispatch")
@click.option("--channel", multiple=True, metavar="NAME", help="Only by this channel; may be given several times.")
@click.option(
    "--reason", multiple=True, metavar="CODE", help="Only those refused for it, as shown; several times likewise."
)
@click.option("--requested-by", metavar="NAME", help="Who asks for it.")
@click.option("--approved-by", metavar="NAME", help="Who approves it; of a live one another person than the first.")
@click.option("--people", type=click.IntRange(1), metavar="NUMBER", help="How many people it is for, as shown.")
@common_options
def command(
    ctx: Context,
    dispatch: str,
    channel: tuple[str, ...],
    reason: tuple[str, ...],
    requested_by: str | None,
    approved_by: str | None,
    people: int | None,
) -> None:
    """Send DISPATCH again to those whom it certainly did not reach, once what stood in the way is mended.

    Without signatures it only shows whom that concerns, by channel and reason, and changes nothing. Whoever may have
    got it is left alone. Two persons sign a live one, and say for how many people.

    \b
    Examples:
      todoke again 261123-k7m2qx
      todoke again 261123-k7m2qx --reason 401 --people 12 --requested-by 佐藤 --approved-by 森
    """
    ctx.run(_again(ctx, dispatch, Choice(frozenset(channel), frozenset(reason)), requested_by, approved_by, people))


async def _again(
    ctx: Context, dispatch: str, choice: Choice, requested_by: str | None, approved_by: str | None, people: int | None
) -> None:
    async with ctx.database() as pool:
        if requested_by is None and approved_by is None and people is None:
            _show(ctx, dispatch, await missed(pool, dispatch, choice))
            return
        signatures = Signatures(requested_by or "", approved_by or "")
        await _send(ctx, pool, dispatch, await replay(pool, dispatch, signatures, people=people or 0, choice=choice))


async def _send(ctx: Context, pool: Pool, dispatch: str, found: Missed) -> None:
    ctx.emit({**_as_json(dispatch, found), "status": (await status(pool, dispatch)).as_json()})
    ctx.say(
        ja=f"{dispatch} を、届いていないことが確かな {found.people:,} 人に送り直します。",
        en=f"{dispatch} is sent again to {found.people:,} people whom it certainly did not reach.",
    )
    if not await anybody_at_work(pool):
        ctx.say(
            ja="いま動いている worker がありません。todoke worker か todoke serve を動かすと送信が始まります。",
            en="No worker is running: start todoke worker or todoke serve, and it will be sent.",
        )


def _show(ctx: Context, dispatch: str, found: Missed) -> None:
    ctx.emit(_as_json(dispatch, found))
    ctx.say(
        ja=f"{dispatch}: 届いていないことが確かな人 {found.people:,} 人(まだ何もしていません)",
        en=f"{dispatch}: {found.people:,} people whom it certainly did not reach (nothing was done yet)",
    )
    for channel, reasons in found.messages.items():
        ctx.say(ja=f"  {channel}: {_listed(reasons)}", en=f"  {channel}: {_listed(reasons)}")
    if found.people:
        ctx.say(
            ja=f"送り直すには: todoke again {dispatch} --people {found.people} --requested-by 名前 --approved-by 名前",
            en=f"To send it: todoke again {dispatch} --people {found.people} --requested-by NAME --approved-by NAME",
        )


def _listed(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} × {number:,}" for reason, number in reasons.items())


def _as_json(dispatch: str, found: Missed) -> dict[str, object]:
    return {"dispatch": dispatch, "people": found.people, "messages": found.messages}
