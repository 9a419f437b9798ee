"""What providers tell us later: Twilio's status callbacks refine outcomes."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web
from prometheus_client import Counter
from pydantic import SecretStr

from channels import receipts
from dispatcher.background import DATABASE_TROUBLE, Agent
from dispatcher.batches import BatchStore, Member
from dispatcher.model import Outcome
from todoke.receipt_spool import TRIES_SECONDS, Kept, Spool

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from asyncpg import Pool
    from pydantic import BaseModel

PATH = "/receipts/sms"
_OUTCOMES = {"delivered": Outcome.DELIVERED, "undelivered": Outcome.UNDELIVERED, "accepted": Outcome.ACCEPTED}
_RECEIVED = Counter("todoke_receipts_total", "Provider callbacks by what came of them.", ["channel", "result"])
_DATABASE_SECONDS = 5.0
"""Twilio waits 15 s for an answer."""


def routes(pool: Pool, channels: Mapping[str, BaseModel], spool: Spool) -> list[web.RouteDef]:
    """The callback page of every configured channel that has one. What the database cannot take waits in `spool`."""
    settings = channels.get("sms")
    callback_url = getattr(settings, "status_callback_url", None)
    auth_token = getattr(settings, "auth_token", None)
    if not isinstance(auth_token, SecretStr) or not callback_url:
        return []
    return [web.post(PATH, _SmsReceipts(pool, auth_token.get_secret_value(), str(callback_url), spool).receive)]


@asynccontextmanager
async def taking_in(pool: Pool, spool: Spool) -> AsyncIterator[None]:
    """As long as this lasts, receipts that wait are taken in when the database is back."""
    store = BatchStore(pool)

    async def tick() -> None:
        _RECEIVED.labels("sms", "taken_in").inc(await spool.take_in(store))

    async with Agent("kept receipts", tick, every=TRIES_SECONDS):
        yield


class _SmsReceipts:
    def __init__(self, pool: Pool, auth_token: str, callback_url: str, spool: Spool) -> None:
        self._spool = spool
        self._store = BatchStore(pool)
        self._auth_token = auth_token
        self._callback_url = callback_url

    async def receive(self, request: web.Request) -> web.Response:
        """403 unless Twilio signed it for our own public address; 404 for a recipient that is none of ours."""
        form = {key: str(value) for key, value in (await request.post()).items()}
        genuine = receipts.genuine(
            auth_token=self._auth_token,
            callback_url=self._callback_url,
            query=request.query_string,
            form=form,
            signature=request.headers.get("X-Twilio-Signature", ""),
        )
        if not genuine:
            _RECEIVED.labels("sms", "forged").inc()
            raise web.HTTPForbidden
        receipt = receipts.read(query=request.query_string, form=form)
        member = Member.from_token(receipt.token) if receipt is not None else None
        if receipt is None or member is None:
            _RECEIVED.labels("sms", "unknown").inc()
            raise web.HTTPNotFound
        return await self._merge(member, receipt)

    async def _merge(self, member: Member, receipt: receipts.Receipt) -> web.Response:
        outcome = _OUTCOMES.get(receipt.kind or "")
        if outcome is None:
            _RECEIVED.labels("sms", "says_nothing").inc()
            return web.Response(status=204)
        kept = Kept(member, outcome, receipt.code, receipt.reference)
        try:
            async with asyncio.timeout(_DATABASE_SECONDS):
                known = await self._store.receipt(member, outcome, code=kept.code, ref=kept.ref)
        except (*DATABASE_TROUBLE, TimeoutError):
            return await self._keep(kept)
        _RECEIVED.labels("sms", outcome.name.lower() if known else "unknown").inc()
        if not known:
            raise web.HTTPNotFound
        return web.Response(status=204)

    async def _keep(self, receipt: Kept) -> web.Response:
        """503 where there is no room: who called may call again."""
        kept = await self._spool.keep(receipt)
        _RECEIVED.labels("sms", "kept" if kept else "lost").inc()
        if not kept:
            raise web.HTTPServiceUnavailable
        return web.Response(status=204)
