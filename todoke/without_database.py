"""A server that finds no database when it starts, but a journal: it goes on with that until there is one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from config import Settings
from dispatcher.emergency.journal import read
from dispatcher.emergency.ledger import Ledger
from dispatcher.emergency.shelf import SUFFIX
from dispatcher.emergency.station import Station, Ways
from dispatcher.emergency.store import sealed_addresses
from subscribers.keyfile import load_key
from subscribers.offline import JournalAddresses
from subscribers.vault import Vault
from todoke.context import Context
from todoke.emergency import counter, emergency_directory
from todoke.working import configured_channels, limiter_of
from words.problem import Refused

if TYPE_CHECKING:
    from asyncpg import Pool

_LOOK_SECONDS = 1.0
log = structlog.get_logger(__name__)


@asynccontextmanager
async def database_or_journal(ctx: Context, size: int) -> AsyncIterator[Pool]:
    """As `ctx.database`, only later, when there is no database yet but a journal of what was left to send."""
    async with AsyncExitStack() as stack:
        try:
            pool = await stack.enter_async_context(ctx.database(size))
        except Refused as refused:
            ledgers = _ledgers(emergency_directory(ctx.settings))
            if not ledgers:
                raise
            for sentence in refused.say("en"):
                log.warning("no_database", reason=sentence)
            async with _going_on(ctx, ledgers):
                pool = await _as_soon_as_there_is_one(ctx, size, stack)
        yield pool


def _ledgers(directory: Path) -> list[Ledger]:
    found = [Ledger(read(path)[0]) for path in sorted(directory.glob(f"*{SUFFIX}"))]
    return [ledger for ledger in found if ledger.head is not None]


@asynccontextmanager
async def _going_on(ctx: Context, ledgers: Sequence[Ledger]) -> AsyncIterator[None]:
    settings = ctx.settings
    names = [ledger.dispatch.dispatch for ledger in ledgers]
    async with configured_channels(settings) as channels, limiter_of(settings) as limiter:
        sending = settings.sending
        ways = Ways(channels, limiter, sending.poll_seconds, sending.call_seconds, sending.expire_seconds / 2)
        held = sealed_addresses(ledgers, {name: channel.contact for name, channel in channels.items()})
        station = Station(emergency_directory(settings), ways, JournalAddresses(held, _vault(settings)))
        async with station.at_work(), counter(station):
            ctx.emit({"without_database": names})
            ctx.say(
                ja=f"データベースがありません。指示済みの緊急送信を続けます: {'、'.join(names)}",
                en=f"There is no database. Going on with what was ordered without it: {', '.join(names)}",
            )
            yield


def _vault(settings: Settings) -> Vault:
    """Raises Refused when there is no key to open the journal's addresses with."""
    key = settings.vault.key
    return Vault(load_key(key.get_secret_value() if key is not None else None, settings.data, sealed=True))


async def _as_soon_as_there_is_one(ctx: Context, size: int, stack: AsyncExitStack) -> Pool:
    while True:
        with suppress(Refused):
            return await stack.enter_async_context(ctx.database(size))
        await asyncio.sleep(_LOOK_SECONDS)
