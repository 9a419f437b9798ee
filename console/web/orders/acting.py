"""What an officer does to an order: the second factor where it is wanted, then the deed, then the order anew."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web

from console.accounts import Role
from console.orders.model import Order
from console.web.forms import field, number
from console.web.guard import Handler, confirm, needs
from console.web.pages import see_other
from console.web.problems import answer, is_program
from words.problem import Problem, Refused

Act = Callable[[web.Request, int], Awaitable[str | None]]
"""Does it to the order of that number, and may say where to go on. Raises Refused."""
Shown = Callable[[web.Request, int, Sequence[Problem]], Awaitable[web.Response]]
"""The page again, with what was wrong."""


def acting(*roles: Role, shown: Shown, factor: bool = False) -> Callable[[Act], Handler]:
    """A handler of one deed. `factor`: only with a second factor of the last five minutes, or one in the form."""

    def made(act: Act) -> Handler:
        @needs(*roles)
        async def handler(request: web.Request) -> web.Response:
            order = number(request)
            try:
                if factor:
                    await confirm(request)
                way = await act(request, order)
            except Refused as refused:
                if is_program(request):
                    return answer(request, refused.problems)
                return await shown(request, order, refused.problems)
            return see_other(way or f"/orders/{order}")

        return handler

    return made


async def typed_number(request: web.Request, name: str) -> int | None:
    """Full width or half, with or without commas; None for what is no number."""
    given = (await field(request, name)).replace(",", "").replace("，", "").replace("人", "").strip()
    return int(given) if given.isdecimal() and len(given) < _DIGITS else None


_DIGITS = 12


def whose(order: Order) -> set[int | None]:
    """The officers whose content it is, and who therefore do not approve it."""
    submitted = order.submission.author.officer if order.submission is not None else None
    return {order.version.author.officer, submitted}
