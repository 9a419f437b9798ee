"""One process at work: the engine with its channels, subscribers, vault and limiter."""

from __future__ import annotations

import gc
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from channels.contract import Channel
from channels.registry import open_channels
from config import Settings
from console.orders.releaser import Releaser
from dispatcher.canary import CanaryBook
from dispatcher.emergency.post import Post
from dispatcher.engine import Pace, Parts, running
from dispatcher.epoch import Epoch
from dispatcher.limiter import Limiter, MemoryLimiter
from dispatcher.session import Session
from dispatcher.shared_limiter import SharedLimiter
from subscribers.addressbook import Addresses
from subscribers.columns import Columns, open_audience
from subscribers.keyfile import load_key
from subscribers.offline import OfflineAddresses
from subscribers.vault import Vault, holds_contacts, open_vault
from todoke.emergency import counter, emergency_directory
from todoke.reading import town_of
from todoke.watchman import nests
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool


_RARELY = 20_000, 20, 50
"""Objects made before garbage is looked for. A batch makes thousands, hardly any of them in circles."""


@asynccontextmanager
async def configured_channels(settings: Settings) -> AsyncIterator[Mapping[str, Channel]]:
    """The channels that are configured, open. Raises Refused when there is none."""
    if not settings.channels:
        raise Refused(_no_channels())
    async with open_channels(settings.channels) as channels:
        yield channels


@asynccontextmanager
async def working(
    settings: Settings,
    pool: Pool,
    channels: Mapping[str, Channel],
    epoch: Epoch | None = None,
    audience: Columns | None = None,
) -> AsyncIterator[Session]:
    """Plan and send, and release what officers have approved, for as long as this lasts.

    Raises Refused when the vault's key is not the database's.

    `epoch` is that which met every connection of the pool; without it one of our own looks at the database now and then.
    `audience` is one that others use as well; it is followed here.
    """
    vault = await town_vault(settings, pool)
    audience = audience or await open_audience(pool)
    addresses = CanaryBook(Addresses(audience, pool, vault), nests(settings, channels))
    sending = settings.sending
    pace = Pace(
        batch_size=sending.batch_size,
        poll_seconds=sending.poll_seconds,
        beat_seconds=sending.beat_seconds,
        expire_seconds=sending.expire_seconds,
        call_seconds=sending.call_seconds,
        keep_years=settings.records.keep_years,
    )
    async with limiter_of(settings) as limiter:
        parts = Parts(
            pool=pool,
            audience=audience,
            addresses=addresses,
            channels=channels,
            limiter=limiter,
            town=town_of(settings),
            epoch=epoch or Epoch(witnesses(settings)),
            post=Post(
                directory=emergency_directory(settings),
                addresses=OfflineAddresses(audience, vault),
                grace=settings.emergency.grace_seconds,
                counter=counter,
            ),
        )
        # What is loaded by now stays: without this every full garbage collection would walk it all again.
        gc.freeze()
        gc.set_threshold(*_RARELY)
        async with audience.following(), running(parts, pace) as session, Releaser(pool).at_work():
            yield session


def witnesses(settings: Settings) -> Path:
    """Where this server keeps how far it saw its databases come (dispatcher/epoch.py)."""
    return settings.data / "epoch"


@asynccontextmanager
async def limiter_of(settings: Settings) -> AsyncIterator[Limiter]:
    """Shared by way of Redis where that is configured."""
    if settings.redis_url is None:
        yield MemoryLimiter()
        return
    async with SharedLimiter(settings.redis_url.get_secret_value()) as limiter:
        yield limiter


async def town_vault(settings: Settings, pool: Pool) -> Vault:
    """The vault of this database. Raises Refused when the key is unusable, missing or another's; then none is made."""
    setting = settings.vault.key.get_secret_value() if settings.vault.key is not None else None
    return await open_vault(pool, load_key(setting, settings.data, sealed=await holds_contacts(pool)))


def _no_channels() -> Problem:
    return Problem(
        "channels.none",
        "channels",
        "配信手段がひとつも設定されていません。channels.line.token などを設定するか、"
        "`todoke sandbox` を動かして、それが書く todoke.toml を --config に指定してください。",
        "No channel is configured. Set channels.line.token and the like, or run `todoke sandbox` "
        "and pass the todoke.toml it writes with --config.",
    )
