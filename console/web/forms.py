"""What was filled in, as plain text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from aiohttp import web

from words.problem import Problem, Refused

T = TypeVar("T")


async def field(request: web.Request, name: str) -> str:
    """A field of the form, empty when it is not there or is a file."""
    return _text((await request.post()).get(name))


async def fields(request: web.Request, name: str) -> list[str]:
    """Every value of a field that may be given several times."""
    return list(filter(None, map(_text, (await request.post()).getall(name, []))))


def query(request: web.Request, name: str, usual: str = "") -> str:
    """A value of the address's query, cut where no honest one is longer; `usual` where none is given."""
    return _text(request.query.get(name, usual))[:_QUERY_CHARACTERS]


def each(kind: Callable[[str], T], given: Iterable[str], where: str) -> list[T]:
    """The values as `kind`. Raises Refused for what is none."""
    try:
        return [kind(value) for value in given]
    except ValueError:
        raise Refused(_no_choice(where)) from None


def number(request: web.Request, name: str = "id") -> int:
    """The number in the address (`{id:[0-9]+}`). Raises HTTPNotFound for one that no row has."""
    value = request.match_info[name]
    if len(value) > _DIGITS:
        raise web.HTTPNotFound
    return int(value)


_QUERY_CHARACTERS = 200
_DIGITS = 18
"""A bigint has 18 whole digits."""


def _text(value: object) -> str:
    """PostgreSQL stores no NUL."""
    return value.replace("\0", "") if isinstance(value, str) else ""


def _no_choice(where: str) -> Problem:
    return Problem(
        "form.choice",
        where,
        "選べない値が送られました。画面を読み込み直して、選び直してください。",
        "That is none of the choices. Load the page again and choose anew.",
    )
