"""`todoke why`: what became of one person's messages, and why."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from channels.registry import channel_types
from console.report.labels import Label
from console.report.person import Answer, explain
from console.report.telling import Kind, told
from todoke.cli import Context, common_options


@click.command("why")
@click.argument("dispatch")
@click.argument("subscriber")
@common_options
def command(ctx: Context, dispatch: str, subscriber: str) -> None:
    """Tell whether SUBSCRIBER (an id) was in DISPATCH: by which place, which messages, and what became of each.

    \b
    Examples:
      todoke why 261123-k7m2qx kawabe-000042
      todoke why 261123-k7m2qx kawabe-000042 --json
    """
    ctx.run(_why(ctx, dispatch, subscriber))


async def _why(ctx: Context, dispatch: str, subscriber: str) -> None:
    kinds = {name: getattr(channel, "contact", None) for name, channel in channel_types().items()}
    contacts = {name: kind for name, kind in kinds.items() if isinstance(kind, str)}
    async with ctx.database() as pool:
        answer = await explain(pool, dispatch, subscriber, contacts, ZoneInfo(ctx.settings.timezone))
    ctx.emit(answer.as_json())
    _tell(ctx, answer)


_BEFORE = {
    Kind.SENTENCE: Label("", ""),
    Kind.REASON: Label("・", "- "),
    Kind.MESSAGE: Label("", ""),
    Kind.EVENT: Label("  ", "  "),
    Kind.TEXT: Label("    | ", "    | "),
}


def _tell(ctx: Context, answer: Answer) -> None:
    for line in told(answer, ZoneInfo(ctx.settings.timezone)):
        if line.kind is Kind.MESSAGE:
            ctx.say(ja="", en="")
        before = _BEFORE[line.kind]
        ctx.say(ja=before.ja + line.ja, en=before.en + line.en)
