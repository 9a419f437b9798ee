"""The console put into a web application, beside whatever else that serves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from uuid import uuid4

import structlog
from aiohttp import web
from aiohttp.typedefs import Middleware
from aiohttp.web_urldispatcher import AbstractResource

from console.people.counts import Counting
from console.watch.hub import Hub
from console.watch.unreached import Unreaching
from console.web import (
    account,
    cookie,
    forgery,
    guard,
    headers,
    map_data,
    officers,
    people,
    record,
    shelters,
    signing_in,
    state,
)
from console.web.api import about, document, door, town
from console.web.api import dispatches as api_dispatches
from console.web.api import orders as api_orders
from console.web.dispatches import afterwards, stopping, watching
from console.web.dispatches import listing as dispatch_list
from console.web.guard import Handler
from console.web.orders import approve, check, lists, templates, what, where
from console.web.pages import page
from console.web.parts import CONSOLE, OFFICER, SIGN_IN, Console, Parts
from console.web.problems import RETRY_AFTER, answer, by_status, is_program
from dispatcher.background import DATABASE_TROUBLE
from words.problem import Refused

Preparing = Callable[[web.Request, web.StreamResponse], Awaitable[None]]
BODY_SECONDS = 10.0
"""Whoever sends more slowly than this is not waited for."""
TABLES = (
    signing_in, account, officers, map_data,
    where, what, check, approve, lists, templates,
    dispatch_list, stopping, watching, afterwards, shelters, state, people, record,
    document, about, api_orders, api_dispatches, town,
)  # fmt: skip
"""Every module with pages, each with its `routes`."""
_FORMS = {"application/x-www-form-urlencoded", "multipart/form-data"}
_ERRORS = 400
log = structlog.get_logger(__name__)


def console_app(parts: Parts) -> web.Application:
    """The console alone."""
    app = web.Application()
    install(app, parts)
    return app


def install(app: web.Application, parts: Parts) -> None:
    """Add the console's pages and its guard; the guard stands before these, and before addresses that nobody serves.

    Raises ValueError for a handler that does not say who may come to it, and Refused where the package was not built.
    """
    app[CONSOLE] = Console(parts)
    app[watching.HUB] = Hub(app[CONSOLE].pool)
    app[people.COUNTING] = Counting(app[CONSOLE].pool)
    app[afterwards.REPORTING] = asyncio.Lock()
    app[afterwards.UNREACHING] = Unreaching(app[CONSOLE].pool, parts.districts)
    others = frozenset(app.router.resources())
    for module in TABLES:
        app.add_routes(module.routes)
    guard.anybody(app[CONSOLE].files.serve)
    app.add_routes(app[CONSOLE].files.routes())
    ours = frozenset(app.router.resources()) - others
    _check_marks(ours)
    app.middlewares.append(_guard(others))
    app.on_response_prepare.append(_prepare(others))
    app.on_shutdown.append(_send_home)
    app.on_cleanup.append(_close)


def _check_marks(resources: Collection[AbstractResource]) -> None:
    routes = (route for resource in resources for route in resource)
    unmarked = [str(route) for route in routes if guard.access_of(route.handler) is None]
    if unmarked:
        raise ValueError(f"nobody says who may come here: {unmarked}")


def _guard(others: Collection[AbstractResource]) -> Middleware:
    @web.middleware
    async def console(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.route.resource in others:
            return await handler(request)
        response = await _answered(request, handler)
        if not response.prepared:
            cookie.put(request, response)
            if response.status in RETRY_AFTER:
                response.headers.setdefault("Retry-After", RETRY_AFTER[response.status])
        return response

    return console


def _prepare(others: Collection[AbstractResource]) -> Preparing:
    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        if request.match_info.route.resource not in others:
            headers.put(request, response)

    return prepare


async def _answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Whatever goes wrong becomes an answer that a person, or a program, can do something with."""
    try:
        return await _let_in(request, handler)
    except Refused as refused:
        return _refused(request, refused)
    except web.HTTPException as error:
        if error.status < _ERRORS:
            raise
        said = answer(request, [by_status(error.status)], error.status)
        if isinstance(error, web.HTTPMethodNotAllowed):
            said.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
        return said
    except DATABASE_TROUBLE as trouble:
        log.warning("console_without_database", error=type(trouble).__name__)
        return answer(request, [by_status(503)], 503)
    except Exception:
        number = uuid4().hex[:12]
        log.exception("request failed", id=number, method=request.method, route=_route(request))
        return answer(request, [by_status(500, number)], 500)


async def _let_in(request: web.Request, handler: Handler) -> web.StreamResponse:
    if request.match_info.http_exception is not None:
        raise request.match_info.http_exception
    forgery.check_host(request)
    access = guard.access_of(request.match_info.handler)
    if request.method not in forgery.SAFE:
        forgery.check_origin(request)
        if "Content-Encoding" in request.headers:
            raise web.HTTPUnsupportedMediaType
    if door.is_ours(request):
        if request.method not in forgery.SAFE:
            await _receive(request)
        return await door.let_in(request, handler)
    if access is not None:
        sign_in = await guard.sign_in_of(request, access)
        if sign_in is not None:
            request[SIGN_IN] = sign_in
            if sign_in.whole:
                request[OFFICER] = sign_in.officer
        guard.check(access, sign_in)
    if request.method not in forgery.SAFE:
        await _receive(request)
        await forgery.check_token(request)
    return await handler(request)


async def _receive(request: web.Request) -> None:
    """All of what is sent, in the time there is for it."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            await (request.post() if request.content_type in _FORMS else request.read())
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except ValueError:
        raise web.HTTPBadRequest from None


def _refused(request: web.Request, refused: Refused) -> web.StreamResponse:
    """Who is not signed in is shown where to sign in, and comes back here afterwards."""
    if refused.problems[0].code == "api.key":
        said = answer(request, refused.problems)
        said.headers["WWW-Authenticate"] = 'Bearer realm="todoke"'
        return said
    if refused.problems[0].code != "sign_in.needed" or is_program(request):
        return answer(request, refused.problems)
    back = request.path_qs if request.method == "GET" else "/"
    shown = page(request, "accounts/sign_in.html", status=401, problems=refused.problems, back=back, login="")
    if "HX-Request" in request.headers:
        shown.headers["HX-Redirect"] = "/sign-in"
    return shown


def _route(request: web.Request) -> str:
    """The pattern, not the path: a path may hold a token."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else "?"


async def _send_home(app: web.Application) -> None:
    app[watching.HUB].close()


async def _close(app: web.Application) -> None:
    app[CONSOLE].passwords.close()
