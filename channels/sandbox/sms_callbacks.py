"""Tells the sender's status callback what became of each SMS, signed as Twilio signs."""

from __future__ import annotations

import asyncio
import hmac
from base64 import b64encode
from ipaddress import ip_address
from typing import Any
from urllib.parse import urldefrag, urlsplit

import aiohttp
from yarl import URL

from channels.sandbox.options import ACCOUNT_SID, AUTH_TOKEN
from channels.sandbox.sms_store import API, SmsRecord

AT_ONCE = 20
TIMEOUT = 15.0
"""Seconds Twilio waits for the answer to a callback."""


def signature(url: str, form: dict[str, str]) -> str:
    """Base64 of HMAC-SHA1, under the auth token, of the URL and the sorted parameters, all run together."""
    signed = url + "".join(name + form[name] for name in sorted(form))
    return b64encode(hmac.digest(AUTH_TOKEN.encode(), signed.encode(), "sha1")).decode()


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class Callbacks:
    """Posts `sent`, then `delivered` or `undelivered`; only ever to this machine."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self.posted = 0
        self.failed = 0
        self.skipped = 0

    def state(self) -> dict[str, int]:
        return {"posted": self.posted, "failed": self.failed, "skipped": self.skipped, "under_way": len(self._tasks)}

    def follow(self, record: SmsRecord) -> None:
        """Starts reporting on a message that asked for it."""
        if record.callback is None:
            return
        if not is_loopback(record.callback):
            self.skipped += 1
            return
        task = asyncio.create_task(self._report(record, record.callback))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def _report(self, record: SmsRecord, url: str) -> None:
        for status in ("sent", "delivered" if record.error is None else "undelivered"):
            await asyncio.sleep(self._delay)
            await self._post(urldefrag(url).url, _form(record, status))

    async def _post(self, url: str, form: dict[str, str]) -> None:
        headers = {"X-Twilio-Signature": signature(url, form), "User-Agent": "TwilioProxy/1.1"}
        async with self._room:
            try:
                async with self._open().post(URL(url, encoded=True), data=form, headers=headers) as answer:
                    delivered = answer.ok
            except (aiohttp.ClientError, TimeoutError):
                delivered = False
        self.posted += delivered
        self.failed += not delivered

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT))
        return self._session


def _form(record: SmsRecord, status: str) -> dict[str, str]:
    form: dict[str, Any] = {
        "MessageSid": record.sid,
        "MessageStatus": status,
        "SmsSid": record.sid,
        "SmsStatus": status,
        "To": record.to,
        "From": record.from_,
        "AccountSid": ACCOUNT_SID,
        "ApiVersion": API,
    }
    if record.service is not None:
        form["MessagingServiceSid"] = record.service
    if status == "undelivered":
        form["ErrorCode"] = str(record.error)
    return form
