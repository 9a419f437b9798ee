"""A look-alike of Twilio's Messages resource."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import msgspec
from aiohttp import web

from channels.sandbox import sms_rules as rules
from channels.sandbox.arrivals import waited
from channels.sandbox.counts import Arrival, Rate, Register
from channels.sandbox.exchange import Manners, Unanswered, to_nobody, whole_body
from channels.sandbox.faults import Rule
from channels.sandbox.journal import Journal, stamp
from channels.sandbox.options import ACCOUNT_SID, AUTH_TOKEN, Options
from channels.sandbox.sms_callbacks import Callbacks
from channels.sandbox.sms_rules import Asked, SmsRefusal
from channels.sandbox.sms_store import SmsRecord, SmsStore

FORM = "application/x-www-form-urlencoded"
AUTHORIZATION = "Basic " + b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
PAGE = 50
PAGE_MAX = 1000
ACCOUNT = "/2010-04-01/Accounts/{account}"

Handle = Callable[[web.Request, Arrival], Awaitable[web.Response]]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class SmsSandbox:
    """Answers as Twilio would for one account, and reports on what it created."""

    def __init__(self, options: Options, register: Register) -> None:
        path = options.directory / "sms.jsonl"
        self._store = SmsStore(path, options.receipt_delay)
        self._journal = Journal(path)
        self._register = register
        self._rate = Rate(options.sms_rate)
        self._callbacks = Callbacks(options.receipt_delay)
        self.manners = Manners(register, _refusal)
        self.blocked: frozenset[str] = frozenset()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post(f"{ACCOUNT}/Messages.json", self._answering("create", self._create)),
            web.get(f"{ACCOUNT}/Messages.json", self._answering("list", self._list)),
            web.get(f"{ACCOUNT}/Messages/{{sid}}.json", self._answering("fetch", self._fetch)),
        ]

    async def close(self) -> None:
        await self._callbacks.close()
        await self._journal.close()

    def state(self) -> dict[str, Any]:
        return {"callbacks": self._callbacks.state(), "blocked": len(self.blocked)}

    def _answering(self, endpoint: str, handle: Handle) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            arrival = self._register.arrive("sms", endpoint, waited(request.transport))
            try:
                _authenticate(request)
                return await handle(request, arrival)
            except Unanswered:
                return to_nobody()
            except SmsRefusal as refusal:
                self._register.answer(arrival, "refused", refusal.status, str(refusal.code))
                return _answer(refusal.status, refusal.body())

        return answer

    async def _create(self, request: web.Request, arrival: Arrival) -> web.Response:
        form = rules.read_form(await whole_body(request) or b"") if request.content_type == FORM else {}
        arrival.count = 1
        fault = await self.manners.before(request, arrival, [form.get("To", "")])
        if not self._rate.admits(time.monotonic()):
            raise rules.too_many()
        asked = rules.require(form)
        if asked.to in self.blocked:
            raise rules.stopped()
        record = _record(asked, fault)
        await self._accept(arrival, record)
        if fault is None or fault.fault != "no_receipt":
            self._callbacks.follow(record)
        await self.manners.after(request, arrival, fault)
        if fault is not None and fault.fault == "error_accepted":
            self._register.answer(arrival, "accepted", 500)
            return _answer(500, rules.server_error().body())
        self._register.answer(arrival, "accepted", 201)
        return _answer(201, self._store.resource(record, status="queued"))

    async def _accept(self, arrival: Arrival, record: SmsRecord) -> None:
        await self._journal.append(record)
        self._store.add(record)
        self._register.accept(arrival, 1)

    async def _list(self, request: web.Request, arrival: Arrival) -> web.Response:
        query = dict(request.query)
        try:
            size = min(max(int(query.get("PageSize", PAGE)), 1), PAGE_MAX)
            page = max(int(query.get("Page", 0)), 0)
            found = self._store.find(query)
        except ValueError as error:
            raise SmsRefusal(400, 20001, f"Invalid parameter: {error}") from error
        self._register.answer(arrival, "answered", 200)
        return _answer(200, self._page(request, found, page, size))

    def _page(self, request: web.Request, found: list[SmsRecord], page: int, size: int) -> dict[str, Any]:
        def uri(number: int) -> str:
            return str(request.rel_url.update_query(Page=number, PageSize=size))

        shown = found[page * size : (page + 1) * size]
        return {
            "messages": [self._store.resource(record) for record in shown],
            "start": page * size,
            "end": page * size + max(len(shown) - 1, 0),
            "page": page,
            "page_size": size,
            "uri": uri(page),
            "first_page_uri": uri(0),
            "next_page_uri": uri(page + 1) if len(found) > (page + 1) * size else None,
            "previous_page_uri": uri(page - 1) if page else None,
        }

    async def _fetch(self, request: web.Request, arrival: Arrival) -> web.Response:
        record = self._store.get(request.match_info["sid"])
        if record is None:
            raise rules.not_found(request.path)
        self._register.answer(arrival, "answered", 200)
        return _answer(200, self._store.resource(record))


def _authenticate(request: web.Request) -> None:
    if request.headers.get("Authorization") != AUTHORIZATION:
        raise rules.unauthorized()
    if request.match_info["account"] != ACCOUNT_SID:
        raise rules.not_found(request.path)


def _record(asked: Asked, fault: Rule | None) -> SmsRecord:
    return SmsRecord(
        at=stamp(),
        sid="SM" + uuid4().hex,
        to=asked.to,
        from_=asked.sender,
        body=asked.body,
        segments=rules.segments(asked.body),
        validity=asked.validity,
        callback=asked.callback,
        service=asked.service,
        error=fault.code if fault is not None and fault.fault == "undelivered" else None,
    )


def _refusal(fault: Rule, to: Sequence[str]) -> SmsRefusal:
    match fault.fault:
        case "rate":
            return rules.too_many()
        case "quota":
            return rules.queue_full()
        case "unauthorized":
            return rules.unauthorized()
        case "refuse":
            return rules.not_mobile(to[0])
    return rules.server_error()


def _answer(status: int, body: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
