"""The way back of a canary: whoever received it opens its link, by hand or by itself.

GET answers too, because a test phone or mailbox opens what it is sent: all that is changed is that this one message
arrived, and its token is known to nobody but who received it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from dispatcher import canary
from todoke.watchman import ANSWERS

if TYPE_CHECKING:
    from asyncpg import Pool

_THANKS = "届きました。ありがとうございます。 / It arrived. Thank you.\n"


def routes(pool: Pool) -> list[web.RouteDef]:
    """`/canary/<token>`; 404 for a token that is none of ours."""

    async def answer(request: web.Request) -> web.Response:
        if not await canary.answered(pool, request.match_info["token"]):
            raise web.HTTPNotFound
        return web.Response(text=_THANKS)

    path = f"{ANSWERS}{{token}}"
    return [web.get(path, answer), web.post(path, answer)]
