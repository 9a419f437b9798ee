"""`todoke demo`: the main job in a fictional town, with look-alikes of the providers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import click

from channels.sandbox.process import start_sandbox
from config import load
from console.report import write_report
from dispatcher.dispatches import Signatures, Status, create
from dispatcher.gazetteer import import_boundaries, import_shelters, set_all_statuses
from geo.shelters import ShelterStatus
from subscribers.importer import import_subscribers
from todoke import logs
from todoke.cli import Context, common_options
from todoke.commands.serve import serving
from todoke.progress import Progress, outcome_table
from todoke.reading import Reader, town_of
from todoke.town.fictional import TownFiles, write_town
from todoke.town.officers import Login, hire
from todoke.town.welcome import show_codes, welcome
from todoke.watching import watch
from todoke.wiring import channel_settings
from todoke.working import configured_channels, town_vault

if TYPE_CHECKING:
    from asyncpg import Pool

OFFICERS = Signatures(requested_by="佐藤", approved_by="森")
TOWN = "川辺町"


@click.command("demo")
@click.option("--subscribers", default=3000, show_default=True, help="People in the town.")
@click.option("--leave", is_flag=True, help="End after the report instead of serving until Ctrl-C.")
@common_options
def command(ctx: Context, subscribers: int, leave: bool) -> None:
    """See an order arrive: a town of our own invention, a drill, an evacuation order, and the report.

    Nothing leaves this machine. It needs no settings and no database.

    \b
    Example:
      todoke demo --data demo-data
    """
    ctx.run(_demo(ctx, subscribers, leave=leave))


async def _demo(ctx: Context, subscribers: int, *, leave: bool) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ctx.say(ja="1. 架空の町、川辺町をつくります。", en="1. Making up a town: Kawabe.")
    town = await asyncio.to_thread(write_town, ctx.settings.data / "kawabe", subscribers=subscribers, seed=1)
    async with _sandboxed(ctx) as demo, serving(demo) as (address, pool):
        logins = await _settle(demo, pool, town)
        ctx.say(
            ja="3. まず訓練を送ります（訓練名簿だけに届きます）。",
            en="3. First a drill; it reaches the drill list only.",
        )
        drill = await _send(demo, pool, town.drill)
        ctx.say(ja="4. 川があふれます。避難指示を送ります。", en="4. The river rises: an evacuation order.")
        order = await _send(demo, pool, town.evacuation)
        path, zone = ctx.settings.data / "report.html", ZoneInfo(demo.settings.timezone)
        report = await write_report(pool, order.dispatch, path, zone=zone, town=demo.settings.town.code)
        _tell(demo, address, report, [drill, order], logins)
        if not leave:
            ctx.say(
                ja=f"   {address} が動いています。止めるには Ctrl-C。",
                en=f"   Serving on {address}. Ctrl-C stops everything.",
            )
            await show_codes(demo, logins, stop)


@asynccontextmanager
async def _sandboxed(ctx: Context) -> AsyncIterator[Context]:
    """The context with its channels pointed at look-alikes of the providers, in a process of their own."""
    async with start_sandbox(ctx.settings.data / "sandbox", line_rate=200, sms_rate=0) as sandbox:
        demo = Context(load(
            command_line=_settings(ctx), environment=os.environ, file=sandbox.settings_file, channels=channel_settings()
        ), ctx.json)  # fmt: skip
        logs.configure(demo.settings.log)
        yield demo


def _settings(ctx: Context) -> dict[str, str]:
    serve = ctx.settings.serve
    callback = f"http://{serve.host}:{serve.port}/receipts/sms"
    return {
        "data": str(ctx.settings.data),
        "language": ctx.tongue,
        "town.name": TOWN,
        "serve.host": serve.host,
        "serve.port": str(serve.port),
        "channels.sms.status_callback_url": callback,
        "console.guide": "true",
        "log.level": "warning",
    }


async def _settle(ctx: Context, pool: Pool, town: TownFiles) -> Sequence[Login]:
    """Boundary, shelters (all open tonight), people, and the officers, whose logins it gives."""
    await import_boundaries(pool, await asyncio.to_thread(town.boundary.read_bytes))
    await import_shelters(pool, await asyncio.to_thread(town.shelters.read_bytes))
    await set_all_statuses(pool, ShelterStatus.OPEN)
    vault = await town_vault(ctx.settings, pool)
    result = await import_subscribers(pool, vault, town.subscribers)
    people = result.subscribers_new + result.subscribers_changed + result.subscribers_unchanged
    ctx.say(
        ja=f"2. 住民と来訪者 {people:,} 人が登録しました（住所 {result.places:,} か所、連絡先 {result.contacts:,} 件）。",
        en=f"2. {people:,} residents and visitors have signed up, with {result.places:,} places and {result.contacts:,} contacts.",
    )
    return await hire(pool, vault, town.boundary.parent, town=TOWN)


async def _send(ctx: Context, pool: Pool, path: Path) -> Status:
    async with configured_channels(ctx.settings) as channels:
        event = await Reader(pool, town_of(ctx.settings), channels).event(path)
    dispatch = await create(pool, event, OFFICERS, again=True)
    with Progress(ctx) as progress:
        end = await watch(ctx.settings, pool, dispatch, progress.show)
    if not ctx.json:
        click.echo(outcome_table(end, ctx.tongue))
    return end


def _tell(ctx: Context, address: str, report: Path, dispatches: Sequence[Status], logins: Sequence[Login]) -> None:
    ctx.emit(
        {
            "report": str(report),
            "listening": address,
            "dispatches": [each.as_json() for each in dispatches],
            "officers": [asdict(each) for each in logins],
        }
    )
    ctx.say(ja=f"5. 報告書: {report.resolve()}", en=f"5. The report: {report.resolve()}")
    welcome(ctx, address, logins)
