"""`todoke emergency`: send an approved evacuation while there is no database."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from console.report.labels import OUTCOMES_JA
from todoke.cli import Context, common_options
from todoke.emergency import ask

_STATES_JA = {
    "remembered": "通常どおり(データベースあり)",
    "waiting": "指示待ち",
    "sending": "緊急送信中",
    "sent": "緊急送信済み",
    "stopped": "中止",
}


@click.command("list")
@common_options
def list_(ctx: Context) -> None:
    """Show which evacuations the running server could send without the database, and how each stands.

    \b
    Example:
      todoke emergency list
    """
    ctx.run(_list(ctx))


@click.command("send")
@click.argument("dispatch")
@click.option("--by", metavar="NAME", help="The officer who orders it.")
@click.option("--confirm", metavar="TEXT", help="The name of the area or the event, typed by the officer.")
@common_options
def send(ctx: Context, dispatch: str, by: str | None, confirm: str | None) -> None:
    """Have the running server send DISPATCH, an approved evacuation, without the database.

    \b
    Example:
      todoke emergency send 261123-k7m2qx --by 佐藤 --confirm 川辺町
    """
    ctx.run(_send(ctx, dispatch, by, confirm))


@click.command("stop")
@click.argument("dispatch")
@click.option("--by", metavar="NAME", required=True, help="The officer who stops it.")
@common_options
def stop(ctx: Context, dispatch: str, by: str) -> None:
    """Stop what is being sent without the database. What has left cannot be called back.

    \b
    Example:
      todoke emergency stop 261123-k7m2qx --by 佐藤
    """
    ctx.run(_stop(ctx, dispatch, by))


async def _list(ctx: Context) -> None:
    answer = await ask(ctx.settings, ask="list")
    ctx.emit(answer)
    if answer["database_answers"]:
        ctx.say(
            ja="データベースは応答しています。緊急送信は不要です。",
            en="The database answers: there is no need to send without it.",
        )
    else:
        ctx.say(ja="データベースが応答しません。", en="The database does not answer.")
    for each in answer["dispatches"]:
        _tell(ctx, each)
    if not answer["dispatches"]:
        ctx.say(ja="送信の終わっていない避難情報はありません。", en="There is no evacuation that is not through.")


async def _send(ctx: Context, dispatch: str, by: str | None, confirm: str | None) -> None:
    if confirm is None and not ctx.json and sys.stdin.isatty():
        confirm = await _typed(ctx, dispatch)
    answer = await ask(ctx.settings, ask="send", dispatch=dispatch, by=by or "", confirm=confirm)
    ctx.emit(answer)
    ctx.say(
        ja=f"{dispatch} をデータベースなしで送信します。状況は todoke emergency list で分かります。",
        en=f"{dispatch} is being sent without the database. See how it stands with todoke emergency list.",
    )
    _tell_people(ctx, answer["dispatches"][0])


async def _typed(ctx: Context, dispatch: str) -> str:
    """Shown first whom it would reach; then the officer types the name."""
    for each in (await ask(ctx.settings, ask="list"))["dispatches"]:
        if each["dispatch"] == dispatch:
            _tell(ctx, each)
    question = "区域または配信の名前を入力してください" if ctx.tongue == "ja" else "Type the name of the area or event"
    typed: str = click.prompt(question)
    return typed


async def _stop(ctx: Context, dispatch: str, by: str) -> None:
    answer = await ask(ctx.settings, ask="stop", dispatch=dispatch, by=by)
    ctx.emit(answer)
    left = sum(answer["dispatches"][0]["to_call"].values())
    ctx.say(ja=f"{dispatch} を中止しました。未送信 {left:,} 件。", en=f"{dispatch} stopped; {left:,} not sent.")


def _tell(ctx: Context, each: Mapping[str, Any]) -> None:
    name = each["names"][0]
    signed = f"{each['requested_by']} / {each['approved_by']}"
    ctx.say(
        ja=f"{each['dispatch']}  {name}  {_STATES_JA[each['state']]}  依頼 / 承認: {signed}",
        en=f"{each['dispatch']}  {name}  {each['state']}  asked / approved: {signed}",
    )
    if each["ordered_by"]:
        ctx.say(ja=f"  指示: {each['ordered_by']}", en=f"  ordered by {each['ordered_by']}")
    _tell_people(ctx, each)
    for channel, counts in each["counts"].items():
        ja = "、".join(f"{OUTCOMES_JA.get(outcome, outcome)} {number:,}" for outcome, number in counts.items())
        en = ", ".join(f"{outcome.replace('_', ' ')} {number:,}" for outcome, number in counts.items())
        ctx.say(ja=f"  {channel}: {ja}", en=f"  {channel}: {en}")


def _tell_people(ctx: Context, each: Mapping[str, Any]) -> None:
    left = ", ".join(f"{channel} {number:,}" for channel, number in each["to_call"].items())
    ctx.say(ja=f"  これから送る: {left or 'なし'}", en=f"  still to be written to: {left or 'nobody'}")
    if each["perhaps"]:
        doubt = ", ".join(f"{channel} {number:,}" for channel, number in each["perhaps"].items())
        ctx.say(
            ja=f"  うち、すでに届いている可能性がある: {doubt}(LINE は二重になりません。SMS とメールは最大 1 通重なります)",
            en=f"  of them, may have it already: {doubt} (LINE is never doubled; SMS and email at most once more)",
        )
    if each["others"]:
        ctx.say(
            ja=f"  ほかに {each['others']} 個のプロセスが動いていました。データベースに届くものは、自分で送り続けます。",
            en=f"  {each['others']} other processes were at work; those that still reach the database go on by themselves.",
        )
    if each["unplanned"]:
        ctx.say(
            ja="  対象者の一部はまだ計画されておらず、データベースが戻ってから送られます。",
            en="  Some of the people were not planned yet; they are written to once the database is back.",
        )
