"""Prepared texts: by hazard, level and purpose in every language; written by those who may, every version kept."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from console.orders import problems
from console.orders import templates as prepared
from console.orders.templates import EDITORS, Purpose, Template
from console.orders.waiting import names
from console.web.forms import field, query
from console.web.guard import needs, officer_of
from console.web.pages import page, see_other
from console.web.parts import CONSOLE
from console.web.problems import answer, is_program, status_of
from words.languages import LANGUAGES
from words.problem import Problem, Refused
from words.terms import HAZARDS, LEVELS

routes = web.RouteTableDef()
_FIRST = ("flood", "4", Purpose.ORDER.value, "ja")
_WORDS = ("subject", "body", "sms")


@routes.get("/templates")
@needs()
async def show(request: web.Request) -> web.Response:
    asked = [query(request, key, usual) for key, usual in zip(_KEY, _FIRST, strict=True)]
    return await _texts(request, *asked)


@routes.post("/templates")
@needs(*EDITORS)
async def write(request: web.Request) -> web.Response:
    """Another version of one language's text."""
    key = [await field(request, name) for name in _KEY]
    words = {name: (await field(request, name)).replace("\r\n", "\n") for name in _WORDS}
    hazard, level, purpose, language = key
    given = {name: text for name, text in words.items() if text.strip() or name == "body"}
    try:
        await prepared.write_template(
            request.app[CONSOLE].pool, officer_of(request).id, hazard, _level(level), _purpose(purpose), language, given
        )
    except Refused as refused:
        if is_program(request):
            return answer(request, refused.problems)
        return await _texts(request, *key, typed=words, found=refused.problems)
    return see_other(f"/templates?hazard={hazard}&level={level}&purpose={purpose}&language={language}")


_KEY = ("hazard", "level", "purpose", "language")


async def _texts(
    request: web.Request,
    hazard: str,
    level: str,
    purpose: str,
    language: str,
    *,
    typed: dict[str, str] | None = None,
    found: Sequence[Problem] = (),
) -> web.Response:
    """Raises Refused for what there are no texts for."""
    pool, use = request.app[CONSOLE].pool, _purpose(purpose)
    texts = await prepared.templates(pool, hazard, _level(level), use)
    tag = language if language in LANGUAGES else "ja"
    versions = await prepared.template_versions(pool, hazard, _level(level), use, tag)
    return page(
        request,
        "orders/templates.html",
        status=status_of(found) if found else 200,
        found=found,
        hazard=hazard,
        level=_level(level),
        purpose=use.value,
        language=tag,
        texts=texts,
        present=typed or _words(texts.get(tag)),
        versions=versions,
        names=await names(pool, [each.officer for each in [*versions, *texts.values()]]),
        writes=bool(officer_of(request).roles & set(EDITORS)),
        hazards=HAZARDS,
        levels=LEVELS,
        purposes=[each.value for each in Purpose],
        languages=LANGUAGES,
    )


def _words(template: Template | None) -> dict[str, str]:
    if template is None:
        return dict.fromkeys(_WORDS, "")
    return {name: getattr(template.text, name) for name in _WORDS}


def _level(given: str) -> int:
    """0, which is none, for what is no level."""
    return int(given) if given in {str(each) for each in LEVELS} else 0


def _purpose(given: str) -> Purpose:
    """Raises Refused for what is none."""
    try:
        return Purpose(given)
    except ValueError:
        raise Refused(problems.template_allowed()) from None
