"""`todoke serve`: everything that stays up, in one process."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from uuid import uuid4

import asyncpg
import click
import structlog
from aiohttp import web

from subscribers.columns import open_audience
from todoke import answers, health, receipts
from todoke.anew import anew_if_replaced, attentive
from todoke.cli import Context, common_options
from todoke.commands.worker import POOL_SIZE
from todoke.officers import AUDIENCE, CHANNELS, console
from todoke.receipt_spool import Spool
from todoke.watchman import watching
from todoke.without_database import database_or_journal
from todoke.working import configured_channels, working
from words.problem import Problem, Refused

Background = Callable[[Context, asyncpg.Pool, web.Application], AbstractAsyncContextManager[None]]
"""Something that runs as long as the server does, and may add pages of its own before it starts."""


@asynccontextmanager
async def engine(ctx: Context, pool: asyncpg.Pool, app: web.Application) -> AsyncIterator[None]:
    """Plan, send and take receipts; without a configured channel only the web side runs, and says so."""
    spool = Spool(ctx.settings.data)
    app.add_routes(receipts.routes(pool, ctx.settings.channels, spool))
    app.add_routes(answers.routes(pool))
    audience = app[AUDIENCE] = await open_audience(pool)
    if not ctx.settings.channels:
        log.warning("nothing_is_sent", reason="no channel is configured")
        app[CHANNELS] = {}
        async with audience.following(), watching(ctx.settings, pool, {}):
            yield
        return
    async with (
        receipts.taking_in(pool, spool),
        configured_channels(ctx.settings) as channels,
        watching(ctx.settings, pool, channels),
        working(ctx.settings, pool, channels, ctx.epoch, audience),
    ):
        app[CHANNELS] = channels
        yield


BACKGROUND: Sequence[Background] = (engine, console)
REQUEST_BYTES = 1024 * 1024
log = structlog.get_logger()


@click.command("serve")
@common_options
def command(ctx: Context) -> None:
    """Serve the web side and send what is due, until SIGTERM or Ctrl-C.

    \b
    Example:
      todoke serve --set serve.port=8090
    """
    ctx.run(serve(ctx))


async def serve(ctx: Context, background: Sequence[Background] = BACKGROUND) -> None:
    """Serve until SIGTERM. Raises Refused when there is no database, or the port cannot be had."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ctx = attentive(ctx, stop.set)
    async with serving(ctx, background) as (address, _):
        ctx.say(ja=f"{address} で待っています。止めるには Ctrl-C。", en=f"Listening on {address}. Ctrl-C stops it.")
        ctx.emit({"listening": address})
        await stop.wait()
    anew_if_replaced(ctx)


@asynccontextmanager
async def serving(
    ctx: Context, background: Sequence[Background] = BACKGROUND
) -> AsyncIterator[tuple[str, asyncpg.Pool]]:
    """Serve for as long as this lasts; gives the address people reach it by, and the database."""
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(database_or_journal(ctx, POOL_SIZE))
        app = web.Application(client_max_size=REQUEST_BYTES, middlewares=[_apologising])
        app.on_response_prepare.append(_nameless)
        app.add_routes(health.routes(await _checks(ctx, pool, stack)))
        for each in background:
            await stack.enter_async_context(each(ctx, pool, app))
        yield await _listen(ctx, app, stack), pool


async def _checks(ctx: Context, pool: asyncpg.Pool, stack: AsyncExitStack) -> dict[str, health.Check]:
    checks = {"database": health.database_check(pool)}
    if ctx.settings.redis_url is not None:
        url = ctx.settings.redis_url.get_secret_value()
        checks["redis"] = await stack.enter_async_context(health.redis_check(url))
    return checks


async def _listen(ctx: Context, app: web.Application, stack: AsyncExitStack) -> str:
    """The address people reach it by."""
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    host, port = ctx.settings.serve.host, ctx.settings.serve.port
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise Refused(_no_port(host, port, error)) from None
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{runner.addresses[0][1]}"


@web.middleware
async def _apologising(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Whatever nobody expected becomes a number; its trace is in the log under that number."""
    try:
        return await handler(request)
    except web.HTTPException:
        raise
    except Exception:
        name = uuid4().hex[:12]
        log.exception("request failed", id=name, method=request.method, route=_route(request))
        return web.json_response({"error": "internal", "id": name}, status=500)


def _route(request: web.Request) -> str:
    """The pattern, not the path: a path may hold a token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "?"


async def _nameless(_request: web.Request, response: web.StreamResponse) -> None:
    response.headers.pop("Server", None)


def _no_port(host: str, port: int, error: OSError) -> Problem:
    reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
    return Problem(
        "serve.no_port",
        "serve.port",
        f"{host} の {port} 番で待ち受けられません({reason})。"
        "serve.host と serve.port を変えるか、使っているものを止めてください。",
        f"Cannot listen on {host} port {port} ({reason}). "
        "Change serve.host or serve.port, or stop whatever is using it.",
    )
