"""The messages the Twilio look-alike has created, and what becomes of them with time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import msgspec

from channels.sandbox.journal import lines
from channels.sandbox.options import ACCOUNT_SID

API = "2010-04-01"


class SmsRecord(msgspec.Struct):
    """One created message, as a line of `sms.jsonl`."""

    at: str
    sid: str
    to: str
    from_: str = msgspec.field(name="from")
    body: str
    segments: int
    validity: int
    callback: str | None
    service: str | None = None
    error: int | None = None
    """The code of a message that will not be delivered."""


class SmsStore:
    """Every message by its id and by its recipient; kept over a restart."""

    def __init__(self, path: Path, delay: float) -> None:
        self._delay = timedelta(seconds=delay)
        self._messages: dict[str, SmsRecord] = {}
        self._by_recipient: dict[str, list[SmsRecord]] = {}
        for line in lines(path):
            self.add(msgspec.convert(line, SmsRecord))

    def add(self, record: SmsRecord) -> None:
        self._messages[record.sid] = record
        self._by_recipient.setdefault(record.to, []).append(record)

    def get(self, sid: str) -> SmsRecord | None:
        return self._messages.get(sid)

    def find(self, query: dict[str, str]) -> list[SmsRecord]:
        """Newest first, narrowed by `To`, `From`, `DateSent`, `DateSent<` and `DateSent>`. Raises ValueError."""
        found = self._by_recipient.get(query["To"], []) if query.get("To") else list(self._messages.values())
        tests = list(_tests(query))
        return [record for record in reversed(found) if all(test(record) for test in tests)]

    def status(self, record: SmsRecord) -> str:
        age = datetime.now(UTC) - datetime.fromisoformat(record.at)
        if age < self._delay:
            return "queued"
        if age < 2 * self._delay:
            return "sent"
        return "delivered" if record.error is None else "undelivered"

    def resource(self, record: SmsRecord, status: str | None = None) -> dict[str, Any]:
        """The Message resource as Twilio shows it."""
        now = status or self.status(record)
        at = format_datetime(datetime.fromisoformat(record.at))
        uri = f"/{API}/Accounts/{ACCOUNT_SID}/Messages/{record.sid}"
        return {
            "account_sid": ACCOUNT_SID,
            "api_version": API,
            "body": record.body,
            "date_created": at,
            "date_sent": None if now == "queued" else at,
            "date_updated": at,
            "direction": "outbound-api",
            "error_code": record.error if now == "undelivered" else None,
            "error_message": None,
            "from": record.from_,
            "messaging_service_sid": record.service,
            "num_media": "0",
            "num_segments": str(record.segments),
            "price": None,
            "price_unit": "USD",
            "sid": record.sid,
            "status": now,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": record.to,
            "uri": f"{uri}.json",
        }


def _tests(query: dict[str, str]) -> Iterator[Callable[[SmsRecord], bool]]:
    if sender := query.get("From"):
        yield lambda record: record.from_ == sender
    if day := query.get("DateSent"):
        on = date.fromisoformat(day)
        yield lambda record: datetime.fromisoformat(record.at).date() == on
    if day := query.get("DateSent<"):
        to = _moment(day, end=True)
        yield lambda record: datetime.fromisoformat(record.at) <= to
    if day := query.get("DateSent>"):
        since = _moment(day, end=False)
        yield lambda record: datetime.fromisoformat(record.at) >= since


def _moment(given: str, *, end: bool) -> datetime:
    """A day means all of it; a moment without a zone is UTC."""
    moment = datetime.fromisoformat(given)
    if len(given) == len("2026-01-01") and end:
        moment += timedelta(days=1) - timedelta(microseconds=1)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
