"""The officers' console, as settings make it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_network
from pathlib import Path

import asyncpg
from aiohttp import web

from config import Settings
from console.audit.heads import HeadKeeper, Seal
from console.web.app import install
from console.web.parts import Parts
from dispatcher.background import Agent
from dispatcher.stand_in import address_of
from subscribers.vault import Vault
from todoke.context import Context, open_pool
from todoke.working import town_vault

CONNECTIONS = 8
"""The console's own: however many people press its buttons, those of sending stay free."""
_LOOK_SECONDS = 600.0


@asynccontextmanager
async def console(ctx: Context, pool: asyncpg.Pool, app: web.Application) -> AsyncIterator[None]:
    """Add the console to what is served, and put the record's head away daily."""
    settings = ctx.settings
    vault = await town_vault(settings, pool)
    meet = ctx.epoch.meet if ctx.epoch is not None else None
    async with open_pool(address_of(pool), CONNECTIONS, meet=meet) as own:
        install(app, _parts(settings, own, vault))
        keeper = HeadKeeper(own, Seal(vault), audit_heads(settings))
        async with Agent("audit heads", keeper.tick, every=_LOOK_SECONDS):
            yield


def audit_heads(settings: Settings) -> Path:
    """Where the record's heads are put away."""
    return settings.console.audit_heads or settings.data / "audit-heads"


def _parts(settings: Settings, pool: asyncpg.Pool, vault: Vault) -> Parts:
    return Parts(
        pool=pool,
        vault=vault,
        town=settings.town.name,
        public_base_url=settings.public_base_url,
        language=settings.language,
        proxies=tuple(map(ip_network, settings.console.proxies)),
    )
