"""Bad manners over HTTP, the same for every provider: hold a request, hang up on it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web

from channels.sandbox.counts import Arrival, Register
from channels.sandbox.faults import Rule, Schedule

LEFT = 0.02
"""Seconds between looks at whether the client has left."""
AFTERWARDS = frozenset({"error_accepted", "timeout_accepted", "drop_after", "undelivered", "no_receipt", "swallow"})
"""Faults that strike once a message is accepted and recorded."""


class Unanswered(Exception):
    """The client has left or was hung up on."""


def to_nobody() -> web.Response:
    """What a handler has to return although nobody is left to read it."""
    return web.Response(status=499)


async def hold(request: web.Request) -> None:
    """Never answers; returns when the client has hung up."""
    # aiohttp tells a handler of a lost connection only by cancelling it, which could strike between
    # a record and its count, so this looks for itself.
    while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
        await asyncio.sleep(LEFT)
    raise Unanswered


def hang_up(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise Unanswered


async def whole_body(request: web.Request) -> bytes | None:
    """The body, or None when it is larger than the application takes."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        return None


class Manners:
    """Meets each request with the fault its schedule has for it."""

    def __init__(self, register: Register, refusal: Callable[[Rule, Sequence[str]], Exception]) -> None:
        self._register = register
        self._refusal = refusal
        self.schedule = Schedule()

    async def before(self, request: web.Request, arrival: Arrival, to: Sequence[str]) -> Rule | None:
        """The fault that is left for when the message is accepted.

        Raises Unanswered, or the provider's own refusal, when the fault strikes now.
        """
        fault = self.schedule.fault(arrival.channel, to)
        if fault is None:
            return None
        self._register.meet(arrival, fault.fault)
        if fault.fault in AFTERWARDS:
            return fault
        await self._strike(request, arrival, fault, to)
        return None

    async def _strike(self, request: web.Request, arrival: Arrival, fault: Rule, to: Sequence[str]) -> None:
        match fault.fault:
            case "slow":
                await asyncio.sleep(fault.seconds)
            case "timeout":
                self._register.answer(arrival, "held", 0)
                await hold(request)
            case "drop_before":
                self._register.answer(arrival, "dropped", 0)
                hang_up(request)
            case _:
                raise self._refusal(fault, to)

    async def after(self, request: web.Request, arrival: Arrival, fault: Rule | None) -> None:
        """What a fault does once the message is accepted and recorded. Raises as `before` does."""
        match fault.fault if fault is not None else "":
            case "drop_after":
                self._register.answer(arrival, "accepted", 0)
                hang_up(request)
            case "timeout_accepted":
                self._register.answer(arrival, "accepted", 0)
                await hold(request)
