"""The product's own engine over a measuring town: the wiring of `todoke worker`, and a watch on one dispatch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic

import structlog
from asyncpg import Pool
from pydantic import BaseModel, SecretStr

from bench.remote import Remote
from bench.town import OFFICERS, Town
from channels.email import EmailSettings
from channels.line import LineSettings
from channels.registry import open_channels
from channels.sms import SmsSettings
from config import Settings
from dispatcher.dispatches import create, status
from dispatcher.events import Event
from todoke.working import working
from words.sql import sql

NO_LIMIT = 1e9
GLANCE = 0.02
PATIENCE = 900
_OVER = sql("bench", "dispatch_is_over")


def line(remote: Remote, *, rate: float = NO_LIMIT, connections: int = 16) -> LineSettings:
    return LineSettings(token=SecretStr("bench"), endpoint=remote.url, rate=rate, connections=connections)


def sms(remote: Remote, *, rate: float = NO_LIMIT, connections: int = 16) -> SmsSettings:
    return SmsSettings(
        account_sid="AC" + "0" * 32, auth_token=SecretStr("bench"), from_number="+815000000000",
        endpoint=remote.url, rate=rate, connections=connections,
    )  # fmt: skip


def email(port: int, *, connections: int = 20) -> EmailSettings:
    return EmailSettings(
        host="127.0.0.1", port=port, tls="none", from_address="bosai@kawabe.example", rate=NO_LIMIT,
        lane_rate=NO_LIMIT, connections=connections, lane_connections=connections, messages_per_connection=1_000_000,
    )  # fmt: skip


@asynccontextmanager
async def at_work(town: Town, pool: Pool, channels: Mapping[str, BaseModel]) -> AsyncIterator[None]:
    """An engine in this process, as `todoke worker` has it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = Settings(data=town.directory)
    async with open_channels(channels) as opened, working(settings, pool, opened):
        yield


@dataclass(frozen=True, slots=True)
class Sent:
    """One dispatch, timed. `began` is on the monotonic clock, when its approval was committed."""

    dispatch: str
    began: float
    seconds: float
    phases: Mapping[str, float]


async def approve(pool: Pool, event: Event) -> tuple[str, float]:
    """A dispatch, and when its approval was committed."""
    dispatch = await create(pool, event, OFFICERS, again=True)
    return dispatch, monotonic()


async def over(pool: Pool, dispatch: str) -> None:
    """Until every outcome of the dispatch is committed."""
    async with asyncio.timeout(PATIENCE):
        while not await pool.fetchval(_OVER, dispatch):
            await asyncio.sleep(GLANCE)


async def send(pool: Pool, event: Event) -> Sent:
    """From the approval to the last outcome."""
    dispatch, began = await approve(pool, event)
    await over(pool, dispatch)
    seconds = monotonic() - began
    while (now := await status(pool, dispatch)).state.open:
        await asyncio.sleep(GLANCE)
    return Sent(dispatch, began, seconds, now.seconds)


async def outcomes(pool: Pool, dispatch: str) -> dict[str, dict[str, int]]:
    """Recipients by channel and outcome, as PostgreSQL has them."""
    return (await status(pool, dispatch)).channels
