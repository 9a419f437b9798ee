"""What machines ask a running Todoke: does it live, is it ready, how is it doing."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import asyncpg
import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from todoke.database_trouble import full
from todoke.migrate import pending
from words.problem import Problem, Refused
from words.sql import sql

Check = Callable[[], Awaitable[Sequence[Problem]]]
"""Nothing when all is well, else what is not."""

CHECK_SECONDS = 2.0
_WRITE = sql("todoke", "write_readiness")
FORWARDED = ("Forwarded", "X-Forwarded-For")
log = structlog.get_logger()


def routes(checks: Mapping[str, Check]) -> list[web.RouteDef]:
    """`/healthz`, `/readyz` with these checks, and `/metrics`."""

    async def readyz(_request: web.Request) -> web.Response:
        found = await asyncio.gather(*(_answer(name, check) for name, check in checks.items()))
        problems = [_as_json(name, each) for name, said in zip(checks, found, strict=True) for each in said]
        return web.json_response({"ready": not problems, "problems": problems}, status=503 if problems else 200)

    return [web.get("/healthz", _healthz), web.get("/readyz", readyz), web.get("/metrics", _metrics)]


def database_check(pool: asyncpg.Pool) -> Check:
    """PostgreSQL answers, its schema is this program's, and it can write."""

    async def check() -> Sequence[Problem]:
        try:
            async with pool.acquire(timeout=CHECK_SECONDS) as connection:
                if await pending(connection):
                    return [_behind()]
                await connection.execute(_WRITE)
                return []
        except asyncpg.DiskFullError:
            log.warning("not ready", check="database", error="disk full")
            return [full()]
        except Refused as refused:
            return refused.problems
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            log.warning("not ready", check="database", error=str(error))
            return [_silent("database", "PostgreSQL")]

    return check


@asynccontextmanager
async def redis_check(url: str) -> AsyncIterator[Check]:
    """Redis answers."""
    async with Redis.from_url(url, socket_timeout=CHECK_SECONDS, socket_connect_timeout=CHECK_SECONDS) as redis:

        async def check() -> Sequence[Problem]:
            try:
                await redis.echo("todoke")
            except (OSError, RedisError) as error:
                log.warning("not ready", check="redis", error=str(error))
                return [_silent("redis", "Redis")]
            return []

        yield check


async def _healthz(_request: web.Request) -> web.Response:
    """That it answers at all says that the event loop turns."""
    return web.json_response({"alive": True})


async def _metrics(request: web.Request) -> web.Response:
    """For the machine and its own network only: through a proxy from outside there is no such page."""
    if any(header in request.headers for header in FORWARDED) or not _near(request.remote):
        raise web.HTTPNotFound
    return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _near(remote: str | None) -> bool:
    return remote is not None and ipaddress.ip_address(remote.partition("%")[0]).is_private


async def _answer(name: str, check: Check) -> Sequence[Problem]:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            return await check()
    except TimeoutError:
        return [_silent(name, name)]


def _as_json(check: str, problem: Problem) -> dict[str, str]:
    return {"check": check, "code": problem.code, "ja": problem.say("ja"), "en": problem.say("en")}


def _silent(check: str, server: str) -> Problem:
    return Problem(
        f"{check}.silent",
        "",
        f"{server} が応答しません。動いているか、届くかを確かめてください。",
        f"{server} does not answer. See whether it runs and can be reached.",
    )


def _behind() -> Problem:
    return Problem(
        "database.not_migrated",
        "",
        "データベースがまだ更新されていません。`todoke migrate` を実行してください。",
        "The database is not up to date yet. Run `todoke migrate`.",
    )
