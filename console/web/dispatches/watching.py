"""Step 5: one dispatch, live. Figures are rendered once a look and a language, however many watch."""

from __future__ import annotations

import asyncio
from functools import partial

from aiohttp import web

from console.accounts import Role
from console.watch.export import MAY_EXPORT
from console.watch.hub import Hub, Watcher
from console.watch.look import Look, head, look
from console.web.dispatches.common import NAME, fragment, name_of, stoppable, words
from console.web.guard import needs, officer_of
from console.web.language import language_of
from console.web.pages import page
from console.web.parts import CONSOLE
from dispatcher.channel_stops import channel_stops
from words.problem import Tongue

routes = web.RouteTableDef()
HUB = web.AppKey("hub", Hub)
SLOW_SECONDS = 10.0
"""Who takes nothing for so long is let go; the browser comes back by itself."""
_AGAIN = b"retry: 2000\n\n"


@routes.get(f"/dispatches/{NAME}")
@needs()
async def show(request: web.Request) -> web.Response:
    pool, roles = request.app[CONSOLE].pool, officer_of(request).roles
    known = await head(pool, name_of(request))
    now = await look(pool, known.dispatch)
    return page(
        request,
        "dispatches/show.html",
        mode=known.mode,
        head=known,
        stops=await channel_stops(pool, known.dispatch),
        look=now,
        may_stop=stoppable(request, known.event_class),
        may_release=Role.APPROVER in roles,
        may_write=Role.AUTHOR in roles or (known.event_class == "tourism" and Role.TOURISM in roles),
        may_export=bool(roles & set(MAY_EXPORT)),
        may_read=roles != {Role.VIEWER},
        **words(language_of(request)),
    )


@routes.get(f"/dispatches/{NAME}/events")
@needs(quiet=True)
async def events(request: web.Request) -> web.StreamResponse:
    """Figures as they come, until the sign-in ends. It keeps no sign-in alive."""
    dispatch, tongue = name_of(request), language_of(request)
    await head(request.app[CONSOLE].pool, dispatch)
    async with request.app[HUB].watching(dispatch, officer_of(request).session) as watcher:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        response.headers["X-Accel-Buffering"] = "no"
        await response.prepare(request)
        try:
            await _tell(response, _AGAIN)
            await _tell_all(response, watcher, tongue)
        except (TimeoutError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
    return response


async def _tell_all(response: web.StreamResponse, watcher: Watcher, tongue: Tongue) -> None:
    state: str | None = None
    troubled = False
    while await watcher.changed():
        now = watcher.look
        if watcher.without_database or troubled:
            troubled = watcher.without_database
            await _tell(response, watcher.once(f"trouble {tongue}", partial(_trouble, watcher, tongue)))
            continue
        if now is None:
            continue
        await _tell(response, watcher.once(f"figures {tongue}", partial(_figures, now, tongue)))
        if state != now.status.state:
            state = now.status.state
            await _tell(response, _event("state", fragment("dispatches/_state.html", tongue, look=now)))
    if watcher.signed_out:
        await _tell(response, _event("trouble", fragment("dispatches/_signed_out.html", tongue)))
    await _tell(response, _event("closed", ""))


async def _tell(response: web.StreamResponse, what: bytes) -> None:
    """Raises TimeoutError for who does not take it."""
    async with asyncio.timeout(SLOW_SECONDS):
        await response.write(what)


def _figures(now: Look, tongue: Tongue) -> bytes:
    unsent = fragment("dispatches/_unsent.html", tongue, look=now)
    return _event("figures", fragment("dispatches/_figures.html", tongue, look=now)) + _event("unsent", unsent)


def _trouble(watcher: Watcher, tongue: Tongue) -> bytes:
    shown = fragment("dispatches/_trouble.html", tongue, watcher=watcher) if watcher.without_database else ""
    return _event("trouble", shown)


def _event(name: str, text: str) -> bytes:
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"event: {name}\n{lines}\n".encode()
