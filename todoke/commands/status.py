"""`todoke status`: how dispatches stand, and who is at work."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from console.report.labels import CANARIES, STATES_JA
from dispatcher import canary
from dispatcher.alarms import Standing, standing
from dispatcher.dispatches import recent, status, workers
from dispatcher.holding import remedy
from dispatcher.trouble import Trouble
from todoke.cli import Context, common_options
from todoke.progress import outcome_table


@click.command("status")
@click.argument("dispatch", required=False)
@common_options
def command(ctx: Context, dispatch: str | None) -> None:
    """Show DISPATCH by channel and outcome; without it the latest dispatches and the workers.

    \b
    Examples:
      todoke status
      todoke status 261123-k7m2qx --json
    """
    ctx.run(_one(ctx, dispatch) if dispatch else _all(ctx))


async def _one(ctx: Context, dispatch: str) -> None:
    async with ctx.database() as pool:
        now = await status(pool, dispatch)
    ctx.emit(now.as_json())
    if not ctx.json:
        click.echo(outcome_table(now, ctx.tongue))


async def _all(ctx: Context) -> None:
    async with ctx.database() as pool:
        latest, working = await recent(pool), await workers(pool)
        alarms, canaries = await standing(pool), await canary.latest(pool)
    ctx.emit(
        {
            "dispatches": [each.as_json() for each in latest],
            "workers": working,
            "alarms": [each.as_json() for each in alarms],
            "canaries": canaries,
        }
    )
    for alarm in alarms:
        _say_alarm(ctx, alarm)
    for each in latest:
        people = each.audience if each.audience is not None else "?"
        ctx.say(
            ja=f"{each.dispatch}  {'訓練' if each.mode == 'drill' else '本番'}  {STATES_JA[each.state]}  {people} 人  {each.event}",
            en=f"{each.dispatch}  {each.mode}  {each.state}  {people} people  {each.event}",
        )
        if each.held is not None:
            remedy_ja, remedy_en = remedy(each.held)
            ctx.say(ja=f"  {each.held.say('ja')}{remedy_ja}", en=f"  {each.held.say('en')} {remedy_en}")
    if not latest:
        ctx.say(ja="まだ配信はありません。", en="There are no dispatches yet.")
    for worker in working:
        name = f"{worker['host']} ({worker['pid']})"
        ctx.say(ja=f"worker {name}", en=f"worker {name}")
        for trouble in map(Trouble.from_json, worker["trouble"]):
            ctx.say(ja=f"  支障: {trouble.say('ja')}", en=f"  trouble: {trouble.say('en')}")
    for bird in canaries:
        _say_canary(ctx, bird)


def _say_alarm(ctx: Context, alarm: Standing) -> None:
    since = alarm.since.astimezone(ZoneInfo(ctx.settings.timezone))
    ctx.say(
        ja=f"警報 {since:%m-%d %H:%M} から  {alarm.trouble.say('ja')}",
        en=f"ALARM since {since:%m-%d %H:%M}  {alarm.trouble.say('en')}",
    )
    if alarm.failures:
        ctx.say(
            ja=f"  この警報を外に知らせることに {alarm.failures} 回失敗しています。alarms.command と alarms.webhook を確かめてください。",
            en=f"  Telling this alarm has failed {alarm.failures} times. See to alarms.command and alarms.webhook.",
        )


def _say_canary(ctx: Context, bird: Mapping[str, Any]) -> None:
    sent_at = datetime.fromisoformat(bird["sent_at"]).astimezone(ZoneInfo(ctx.settings.timezone))
    ja, en = CANARIES[bird["result"]]
    seconds = f" {bird['seconds']:g} s" if bird["seconds"] is not None else ""
    ctx.say(
        ja=f"カナリア {bird['channel']}  {sent_at:%m-%d %H:%M:%S}  {ja}{seconds}({bird['proof']})",
        en=f"canary {bird['channel']}  {sent_at:%m-%d %H:%M:%S}  {en}{seconds} ({bird['proof']})",
    )
