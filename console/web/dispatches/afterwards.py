"""Step 6: what follows, the map of those not reached, the report, the chronology and the export."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
from typing import Any

from aiohttp import web

from console import audit
from console.accounts import Role, still
from console.orders.follow import follow
from console.report import drawing, report_page
from console.watch import export
from console.watch.chronology import chronology
from console.watch.look import head
from console.watch.unreached import FEW, KINDS, Unreaching
from console.web.dispatches.common import NAME, fragment, name_of, words
from console.web.dispatches.watching import SLOW_SECONDS
from console.web.forms import each, field
from console.web.guard import needs, officer_of
from console.web.language import language_of
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from dispatcher.model import Relation

routes = web.RouteTableDef()
UNREACHING = web.AppKey("unreaching", Unreaching)
READERS = (Role.AUTHOR, Role.APPROVER, Role.TOURISM, Role.ADMINISTRATOR, Role.AUDITOR)
"""A report shows homes to fifty metres: it is not for who may only look."""
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
REPORTING = web.AppKey("reporting", asyncio.Lock)
"""Held by whoever has a report made: one at a time, for they are large."""


@routes.post(f"/dispatches/{NAME}/follow")
@needs(Role.AUTHOR, Role.TOURISM)
async def go_on(request: web.Request) -> web.Response:
    """A draft of what follows; its own pages show whom it would reach."""
    [relation] = each(Relation, [await field(request, "relation")], "/relation")
    order = await follow(request.app[CONSOLE].desk, officer_of(request).id, name_of(request), relation)
    return see_other(f"/orders/{order.id}")


@routes.get(f"/dispatches/{NAME}/unreached")
@needs(quiet=True)
async def unreached(request: web.Request) -> web.Response:
    """A part of the page where it asks for it, a page where somebody follows the link."""
    tongue = language_of(request)
    found = await request.app[UNREACHING].of(name_of(request))
    shown: dict[str, Any] = {
        "found": found,
        "kinds": KINDS,
        "few": FEW,
        "width": drawing.WIDTH,
        "dispatch": name_of(request),
    }
    if "HX-Request" in request.headers:
        text = fragment("dispatches/_unreached.html", tongue, **shown)
        return web.Response(text=text, content_type="text/html")
    known = await head(request.app[CONSOLE].pool, name_of(request))
    return page(request, "dispatches/unreached.html", mode=known.mode, head=known, **shown, **words(tongue))


@routes.get(f"/dispatches/{NAME}/report")
@needs(*READERS)
async def report(request: web.Request) -> web.Response:
    """The page that `todoke report` writes; its own style is all that it may use."""
    desk, dispatch, officer = request.app[CONSOLE].desk, name_of(request), officer_of(request)
    async with request.app[REPORTING]:
        text = await report_page(desk.pool, dispatch, zone=desk.town.timezone, town=desk.code)
    async with desk.pool.acquire() as connection, connection.transaction():
        await still(connection, officer.id, *READERS)
        subject = f"dispatch:{dispatch}"
        await audit.record(connection, actor=officer.id, action="report.read", subject=subject, details={})
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": _policy(text)})


def _policy(text: str) -> str:
    """No more than the page's own style, by its hash."""
    style = "".join(_STYLE.findall(text)[:1])
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"


@routes.get(f"/dispatches/{NAME}/chronology")
@needs()
async def show_chronology(request: web.Request) -> web.Response:
    pool, roles = request.app[CONSOLE].pool, officer_of(request).roles
    known = await head(pool, name_of(request))
    return page(
        request,
        "dispatches/chronology.html",
        mode=known.mode,
        head=known,
        entries=await chronology(pool, known.dispatch),
        may_export=bool(roles & set(export.MAY_EXPORT)),
        **words(language_of(request)),
    )


@routes.get(f"/dispatches/{NAME}/chronology.csv")
@needs(*export.MAY_EXPORT)
async def chronology_file(request: web.Request) -> web.Response:
    text = await export.chronology_csv(request.app[CONSOLE].pool, name_of(request))
    return web.Response(text=text, headers=_as_file(f"{name_of(request)}-chronology.csv"))


@routes.post(f"/dispatches/{NAME}/export")
@needs(*export.MAY_EXPORT)
async def export_outcomes(request: web.Request) -> web.StreamResponse:
    """Streamed; who takes nothing for ten seconds is let go."""
    pool, dispatch = request.app[CONSOLE].pool, name_of(request)
    await export.begin(pool, officer_of(request), dispatch)
    response = web.StreamResponse(headers=_as_file(f"{dispatch}.csv"))
    await response.prepare(request)
    try:
        async for piece in export.outcomes(pool, dispatch):
            async with asyncio.timeout(SLOW_SECONDS):
                await response.write(piece.encode())
    except (TimeoutError, ConnectionError):
        if request.transport is not None:
            request.transport.abort()
    return response


def _as_file(name: str) -> dict[str, str]:
    """A name of ours: nothing in it needs quoting."""
    return {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": f'attachment; filename="{name}"'}
