"""A look-alike of the sending half of the LINE Messaging API."""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

import msgspec
from aiohttp import web

from channels.sandbox import line_rules as rules
from channels.sandbox.arrivals import waited
from channels.sandbox.counts import Arrival, Rate, Register
from channels.sandbox.exchange import Manners, Unanswered, to_nobody, whole_body
from channels.sandbox.faults import Rule
from channels.sandbox.journal import Journal, stamp
from channels.sandbox.line_history import Accepted, LineHistory, LineRecord
from channels.sandbox.line_rules import LineRefusal, Multicast, Push, Reply, Validate
from channels.sandbox.options import LINE_TOKEN, Options

PLAIN_RATE = 2000
"""Requests a second of every endpoint but multicast."""
ENDPOINTS = ("multicast", "push", "reply", "validate", "quota", "consumption", "profile")
SERVER_ERROR = "Internal Server Error"

Shape = TypeVar("Shape", bound=msgspec.Struct)
Handle = Callable[[web.Request, Arrival], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Sending:
    """One request to send, whichever endpoint it came to."""

    to: list[str]
    messages: bytes
    silent: bool
    key: str | None
    reply_token: str | None = None


class LineSandbox:
    """Answers as LINE would for one channel, and remembers what it accepted."""

    def __init__(self, options: Options, register: Register) -> None:
        path = options.directory / "line.jsonl"
        self._history = LineHistory(path)
        self._journal = Journal(path)
        self._register = register
        self._rates = {name: Rate(_limit(name, options.line_rate)) for name in ENDPOINTS}
        self._chance = random.Random(f"{options.seed}/refused")  # noqa: S311
        self.manners = Manners(register, self._refusal)
        self.quota = options.quota
        self.blocked: frozenset[str] = frozenset()

    def routes(self) -> list[web.RouteDef]:
        message = "/v2/bot/message"
        return [
            web.post(f"{message}/multicast", self._answering("multicast", self._multicast)),
            web.post(f"{message}/push", self._answering("push", self._push)),
            web.post(f"{message}/reply", self._answering("reply", self._reply)),
            web.post(f"{message}/validate/{{kind:multicast|push|reply}}", self._answering("validate", self._validate)),
            web.get(f"{message}/quota", self._answering("quota", self._tell_quota)),
            web.get(f"{message}/quota/consumption", self._answering("consumption", self._tell_use)),
            web.get("/v2/bot/profile/{id}", self._answering("profile", self._profile)),
        ]

    async def close(self) -> None:
        await self._journal.close()

    def state(self) -> dict[str, Any]:
        return {"quota": self.quota, "used": self._history.used(), "blocked": len(self.blocked)}

    def _answering(self, endpoint: str, handle: Handle) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            arrival = self._register.arrive("line", endpoint, waited(request.transport))
            try:
                _authenticate(request)
                return await handle(request, arrival)
            except Unanswered:
                return to_nobody()
            except LineRefusal as refusal:
                self._register.answer(arrival, "refused", refusal.status, refusal.code)
                return _answer(refusal.status, refusal.body())

        return answer

    async def _multicast(self, request: web.Request, arrival: Arrival) -> web.Response:
        body = await _body(request, Multicast)
        fault = await self._arrive(request, arrival, body.to)
        key = rules.retry_key(request.headers.get("X-Line-Retry-Key"), taken=True)
        rules.require_recipients(body.to)
        rules.require_units(body.customAggregationUnits)
        messages = rules.require_messages(body.messages)
        return await self._send(request, arrival, Sending(body.to, messages, body.notificationDisabled, key), fault)

    async def _push(self, request: web.Request, arrival: Arrival) -> web.Response:
        body = await _body(request, Push)
        fault = await self._arrive(request, arrival, [body.to])
        key = rules.retry_key(request.headers.get("X-Line-Retry-Key"), taken=True)
        rules.require_recipient(body.to)
        rules.require_units(body.customAggregationUnits)
        messages = rules.require_messages(body.messages)
        return await self._send(request, arrival, Sending([body.to], messages, body.notificationDisabled, key), fault)

    async def _reply(self, request: web.Request, arrival: Arrival) -> web.Response:
        body = await _body(request, Reply)
        fault = await self._arrive(request, arrival, [])
        rules.retry_key(request.headers.get("X-Line-Retry-Key"), taken=False)
        messages = rules.require_messages(body.messages)
        if not body.replyToken or self._history.spent(body.replyToken):
            raise LineRefusal(400, rules.BAD_REPLY_TOKEN)
        sending = Sending([], messages, body.notificationDisabled, None, body.replyToken)
        return await self._send(request, arrival, sending, fault)

    async def _validate(self, request: web.Request, arrival: Arrival) -> web.Response:
        body = await _body(request, Validate)
        self._admit(arrival)
        rules.retry_key(request.headers.get("X-Line-Retry-Key"), taken=False)
        rules.require_messages(body.messages)
        return self._tell(arrival, {})

    async def _tell_quota(self, _: web.Request, arrival: Arrival) -> web.Response:
        self._admit(arrival)
        return self._tell(arrival, {"type": "none"} if self.quota is None else {"type": "limited", "value": self.quota})

    async def _tell_use(self, _: web.Request, arrival: Arrival) -> web.Response:
        self._admit(arrival)
        return self._tell(arrival, {"totalUsage": self._history.used()})

    async def _profile(self, request: web.Request, arrival: Arrival) -> web.Response:
        self._admit(arrival)
        person = request.match_info["id"]
        rules.require_recipient(person, name="userId")
        if person in self.blocked:
            raise LineRefusal(404, "Not found")
        return self._tell(arrival, {"displayName": f"川辺 {person[1:5]}", "userId": person, "language": "ja"})

    async def _arrive(self, request: web.Request, arrival: Arrival, to: list[str]) -> Rule | None:
        arrival.count = len(to)
        fault = await self.manners.before(request, arrival, to)
        self._admit(arrival)
        return fault

    def _admit(self, arrival: Arrival) -> None:
        if not self._rates[arrival.endpoint].admits(time.monotonic()):
            raise rules.rate_exceeded()

    async def _send(self, request: web.Request, arrival: Arrival, sending: Sending, fault: Rule | None) -> web.Response:
        if (known := self._history.accepted(sending.key)) is not None:
            return await self._already(arrival, known)
        record = self._record(arrival, sending)
        if fault is not None and fault.fault == "swallow":
            self._register.answer(arrival, "swallowed", 200)
            return _accepted(record)
        # The key counts from here on, or the same request twice at once would be accepted twice.
        self._history.add(record)
        await self._journal.append(record)
        self._register.accept(arrival, len(record.to))
        await self.manners.after(request, arrival, fault)
        status = 500 if fault is not None else 200
        self._register.answer(arrival, "accepted", status)
        return _error(status) if fault is not None else _accepted(record)

    def _record(self, arrival: Arrival, sending: Sending) -> LineRecord:
        """Raises LineRefusal 429 when the month's messages do not suffice; blocked people do not count."""
        blocked = [one for one in sending.to if one in self.blocked] if self.blocked else []
        kept = [one for one in sending.to if one not in self.blocked] if blocked else sending.to
        if self.quota is not None and self._history.used() + len(kept) > self.quota:
            raise rules.quota_spent()
        return LineRecord(
            at=stamp(),
            endpoint=arrival.endpoint,
            request_id=str(uuid4()),
            retry_key=sending.key,
            to=kept,
            blocked=blocked,
            messages=msgspec.Raw(sending.messages),
            silent=sending.silent,
            reply_token=sending.reply_token,
            sent=[] if arrival.endpoint == "multicast" else _message_ids(sending.messages),
        )

    async def _already(self, arrival: Arrival, known: Accepted) -> web.Response:
        await self._journal.settled()
        self._register.answer(arrival, "refused", 409)
        body = {"message": rules.KEY_ACCEPTED} | _sent(known.sent)
        return _answer(409, body, {"x-line-accepted-request-id": known.request_id})

    def _tell(self, arrival: Arrival, body: object) -> web.Response:
        self._register.answer(arrival, "answered", 200)
        return _answer(200, body)

    def _refusal(self, fault: Rule, to: Sequence[str]) -> LineRefusal:
        match fault.fault:
            case "rate":
                return rules.rate_exceeded()
            case "quota":
                return rules.quota_spent()
            case "unauthorized":
                return LineRefusal(401, rules.BAD_TOKEN)
            case "refuse" if fault.named and to:
                at = to.index(fault.to) if fault.to is not None else self._chance.randrange(len(to))
                return rules.invalid(f"to[{at}]")
            case "refuse":
                return LineRefusal(400, rules.NOT_SENT)
        return LineRefusal(500, SERVER_ERROR)


def _limit(endpoint: str, multicast: int) -> int:
    return multicast if endpoint == "multicast" or not multicast else PLAIN_RATE


def _authenticate(request: web.Request) -> None:
    if request.headers.get("Authorization") != f"Bearer {LINE_TOKEN}":
        raise LineRefusal(401, rules.BAD_TOKEN)


async def _body(request: web.Request, shape: type[Shape]) -> Shape:
    """The body in its shape. Raises LineRefusal 415, 413 or 400."""
    if request.content_type != "application/json":
        raise rules.unsupported(request.headers.get("Content-Type", ""))
    body = await whole_body(request)
    if body is None or len(body) > rules.BODY_MAX:
        raise rules.too_large()
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.DecodeError as error:
        raise rules.unreadable(body, error) from error


def _answer(status: int, body: object, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(body),
        headers={"x-line-request-id": str(uuid4())} | (headers or {}),
        content_type="application/json",
    )


def _accepted(record: LineRecord) -> web.Response:
    return _answer(200, _sent(record.sent), {"x-line-request-id": record.request_id})


def _error(status: int) -> web.Response:
    return _answer(status, {"message": SERVER_ERROR})


def _sent(ids: list[str]) -> dict[str, Any]:
    return {"sentMessages": [{"id": one, "quoteToken": uuid4().hex} for one in ids]} if ids else {}


def _message_ids(messages: bytes) -> list[str]:
    return [str(uuid4().int % 10**18) for _ in msgspec.json.decode(messages)]
