"""One process at work: the engine with its channels, subscribers, vault and limiter."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from channels.contract import Channel
from channels.registry import open_channels
from config import Settings
from dispatcher.engine import Pace, Parts, running
from dispatcher.limiter import MemoryLimiter
from dispatcher.session import Session
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from subscribers.keyfile import load_key
from subscribers.vault import open_vault
from todoke.reading import town_of
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool


@asynccontextmanager
async def configured_channels(settings: Settings) -> AsyncIterator[Mapping[str, Channel]]:
    """The channels that are configured, open. Raises Refused when there is none."""
    if not settings.channels:
        raise Refused(_no_channels())
    async with open_channels(settings.channels) as channels:
        yield channels


@asynccontextmanager
async def working(settings: Settings, pool: Pool, channels: Mapping[str, Channel]) -> AsyncIterator[Session]:
    """Plan and send for as long as this lasts. Raises Refused when the vault's key is not the database's."""
    vault = await open_vault(pool, vault_key(settings))
    parts = Parts(
        pool=pool,
        audience=await open_audience(pool),
        addresses=Addresses(pool, vault),
        channels=channels,
        limiter=MemoryLimiter(),
        town=town_of(settings),
    )
    sending = settings.sending
    pace = Pace(
        batch_size=sending.batch_size,
        poll_seconds=sending.poll_seconds,
        beat_seconds=sending.beat_seconds,
        expire_seconds=sending.expire_seconds,
        call_seconds=sending.call_seconds,
    )
    async with running(parts, pace) as session:
        yield session


def vault_key(settings: Settings) -> bytes:
    """Raises Refused when the key is unusable."""
    return load_key(settings.vault.key.get_secret_value() if settings.vault.key is not None else None, settings.data)


def _no_channels() -> Problem:
    return Problem(
        "channels.none",
        "channels",
        "配信手段がひとつも設定されていません。channels.line.token などを設定するか、"
        "`todoke sandbox` を動かして、それが書く todoke.toml を --config に指定してください。",
        "No channel is configured. Set channels.line.token and the like, or run `todoke sandbox` "
        "and pass the todoke.toml it writes with --config.",
    )
