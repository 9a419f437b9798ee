"""Step 1 of an order, served by itself: the page, its files and its data, under the policy that all pages have."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from importlib import resources
from pathlib import Path

import jinja2
from aiohttp import web

from console.web.map_data import MapData
from console.web.static_files import StaticFiles

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "font-src 'self'; worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
DATA = web.AppKey("data", MapData)
FILES = web.AppKey("files", StaticFiles)
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(str(resources.files("console") / "templates"))),
    autoescape=True,
    undefined=jinja2.ChainableUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@asynccontextmanager
async def served(data: MapData) -> AsyncIterator[str]:
    """The address of the page's server."""
    app = web.Application(middlewares=[_under_the_policy])
    app[DATA], app[FILES] = data, StaticFiles()
    app.add_routes([*data.routes(), *app[FILES].routes(), web.get("/orders/new", _where), web.post("/orders", _sent)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@web.middleware
async def _under_the_policy(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    response = await handler(request)
    response.headers["Content-Security-Policy"] = POLICY
    return response


async def _where(request: web.Request) -> web.Response:
    tongue = "en" if request.query.get("lang") == "en" else "ja"
    page = TEMPLATES.get_template("orders/where.html").render(
        say=lambda ja, en: en if tongue == "en" else ja,
        tongue=tongue,
        static=request.app[FILES].url,
        town="川辺町",
        mode="drill",
        token="a-token",
        path="/orders/new",
        officer=None,
        chosen=request.query.get("areas", "[]"),
        municipalities=await request.app[DATA].layers.municipalities(),
        districts=request.app[DATA].layers.districts(),
    )
    return web.Response(text=page, content_type="text/html")


async def _sent(request: web.Request) -> web.Response:
    form = await request.post()
    return web.json_response({"mode": form["mode"], "areas": json.loads(str(form["areas"]))})
