"""Pages: templates with every value escaped, in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import ceil
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import jinja2
from aiohttp import web

from console.accounts.problems import ROLE_NAMES
from console.web import forgery, language
from console.web.guide import STEPS, hint_for
from console.web.navigation import entries_for
from console.web.parts import CONSOLE, OFFICER, SIGN_IN
from words.languages import OWN_NAMES
from words.problem import Problem
from words.terms import HAZARDS

_JAPAN = ZoneInfo("Asia/Tokyo")
_MINUTE, _HOUR = 60, 3600


@jinja2.pass_context
def _say(context: jinja2.runtime.Context, ja: str, en: str) -> str:
    return ja if context["tongue"] == "ja" else en


@jinja2.pass_context
def _role(context: jinja2.runtime.Context, role: str) -> str:
    ja, en = ROLE_NAMES[role]
    return _say(context, ja, en)


def _moment(at: datetime) -> str:
    return f"{at.astimezone(_JAPAN):%Y-%m-%d %H:%M}"


def _clock(at: datetime) -> str:
    """To the second, for whoever watches."""
    return f"{at.astimezone(_JAPAN):%H:%M:%S}"


@jinja2.pass_context
def _lasting(context: jinja2.runtime.Context, seconds: float) -> str:
    """A duration, rounded up as a promise is."""
    if seconds < _MINUTE:
        return _say(context, f"{ceil(seconds)} 秒", f"{ceil(seconds)} s")
    if seconds < _HOUR:
        return _say(context, f"{ceil(seconds / _MINUTE)} 分", f"{ceil(seconds / _MINUTE)} min")
    hours, minutes = divmod(ceil(seconds / _MINUTE), 60)
    return _say(context, f"{hours} 時間 {minutes} 分", f"{hours} h {minutes} min")


def _number(value: float) -> str:
    return f"{value:,.0f}"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("console"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["say"] = _say
    environment.globals["role_name"] = _role
    environment.globals["hazard_names"] = HAZARDS
    environment.globals["own_names"] = OWN_NAMES
    environment.filters["moment"] = _moment
    environment.filters["clock"] = _clock
    environment.filters["lasting"] = _lasting
    environment.filters["number"] = _number
    return environment


ENVIRONMENT = _environment()


def page(
    request: web.Request, template: str, *, status: int = 200, problems: Iterable[Problem] = (), **context: Any
) -> web.Response:
    """The template filled in. Each has besides `context`: `tongue`, `say(ja, en)`, `officer` (None: nobody is signed in),
    `fresh` (a code was given within five minutes), `token` for its forms, `town`, `path`, `here` (where its reader comes
    back to), `static(name)`, `navigation`, `guide`, and `problems`, each with `.say(tongue)` and `.where`.
    """
    sign_in = request.get(SIGN_IN)
    known = {
        "tongue": language.language_of(request),
        "officer": request.get(OFFICER),
        "fresh": sign_in is not None and sign_in.fresh,
        "token": forgery.token(request),
        "town": request.app[CONSOLE].town,
        "path": request.path,
        "here": _here(request),
        "static": request.app[CONSOLE].files.url,
        "problems": tuple(problems),
        "navigation": entries_for(request),
        "guide": hint_for(request),
        "guide_steps": STEPS,
    }
    text = ENVIRONMENT.get_template(template).render(known | context)
    return web.Response(text=text, content_type="text/html", status=status)


def _here(request: web.Request) -> str:
    """Where a reader of this page comes back to: what was sent cannot be asked for again, but the page with its form can."""
    if request.method in forgery.SAFE:
        return request.path_qs
    sent_from = urlsplit(request.headers.get("Referer", ""))
    return local(f"{sent_from.path}?{sent_from.query}" if sent_from.query else sent_from.path)


def see_other(path: str) -> web.Response:
    """Go on there, with GET: what was sent is not sent again by loading anew."""
    return web.Response(status=303, headers={"Location": path})


def local(path: str | None) -> str:
    """A way within this console, or its front page: nobody is led elsewhere by a link to us."""
    if path is None or not path.startswith("/") or path.startswith("//") or not path.isprintable() or "\\" in path:
        return "/"
    return path
