"""The officers' console, as settings make it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import asyncpg
from aiohttp import web

from channels.contract import Channel
from config import Settings
from console.audit.heads import HeadKeeper, Seal
from console.orders.desk import Desk
from console.web.app import install
from console.web.parts import Parts
from dispatcher.background import Agent
from dispatcher.stand_in import address_of
from subscribers.columns import Columns
from subscribers.vault import Vault
from todoke.context import Context, open_pool
from todoke.reading import town_of
from todoke.working import town_vault

CONNECTIONS = 8
"""The console's own: however many people press its buttons, those of sending stay free."""
_LOOK_SECONDS = 600.0
_CODE_DIGITS = 5
"""Of a municipality's code; a sixth only checks them."""
AUDIENCE = web.AppKey("audience", Columns)
CHANNELS = web.AppKey("channels", Mapping[str, Channel])
"""What the engine works with, for the console beside it."""


@asynccontextmanager
async def console(ctx: Context, pool: asyncpg.Pool, app: web.Application) -> AsyncIterator[None]:
    """Add the console to what is served, beside the engine, and put the record's head away daily."""
    settings = ctx.settings
    vault = await town_vault(settings, pool)
    meet = ctx.epoch.meet if ctx.epoch is not None else None
    async with open_pool(address_of(pool), CONNECTIONS, meet=meet) as own:
        install(app, _parts(settings, _desk(settings, own, app), vault))
        keeper = HeadKeeper(own, Seal(vault), audit_heads(settings))
        async with Agent("audit heads", keeper.tick, every=_LOOK_SECONDS):
            yield


def audit_heads(settings: Settings) -> Path:
    """Where the record's heads are put away."""
    return settings.console.audit_heads or settings.data / "audit-heads"


def _desk(settings: Settings, pool: asyncpg.Pool, app: web.Application) -> Desk:
    """With the engine's own audience, so that a town of a million is held once."""
    code = settings.town.code[:_CODE_DIGITS]
    return Desk(pool=pool, town=town_of(settings), channels=app[CHANNELS], audience=app[AUDIENCE], code=code)


def _parts(settings: Settings, desk: Desk, vault: Vault) -> Parts:
    return Parts(
        desk=desk,
        vault=vault,
        public_base_url=settings.public_base_url,
        language=settings.language,
        proxies=tuple(map(ip_network, settings.console.proxies)),
        guided=settings.console.guide,
    )
