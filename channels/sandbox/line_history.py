"""What LINE remembers of the requests it accepted, kept over a restart of the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import NamedTuple

import msgspec

from channels.sandbox.journal import lines

KEY_LIFE = timedelta(hours=24)
JAPAN = timezone(timedelta(hours=9))


class LineRecord(msgspec.Struct):
    """One accepted request, as a line of `line.jsonl`."""

    at: str
    endpoint: str
    request_id: str
    retry_key: str | None
    to: list[str]
    blocked: list[str]
    messages: msgspec.Raw
    silent: bool
    reply_token: str | None = None
    sent: list[str] = []
    """The ids given to a push's or reply's messages, repeated when its key comes again."""


class Accepted(NamedTuple):
    at: datetime
    request_id: str
    sent: list[str]


class LineHistory:
    """Accepted retry keys, spent reply tokens, and recipients by month."""

    def __init__(self, path: Path) -> None:
        self._keys: dict[str, Accepted] = {}
        self._reply_tokens: set[str] = set()
        self._used: dict[str, int] = {}
        for line in lines(path):
            self.add(msgspec.convert({**line, "messages": msgspec.Raw(b"[]")}, LineRecord))

    def add(self, record: LineRecord) -> None:
        at = datetime.fromisoformat(record.at)
        if record.retry_key is not None:
            self._keys[record.retry_key] = Accepted(at, record.request_id, record.sent)
        if record.reply_token is not None:
            self._reply_tokens.add(record.reply_token)
        self._used[_month(at)] = self._used.get(_month(at), 0) + len(record.to)

    def accepted(self, key: str | None) -> Accepted | None:
        """The request accepted with this key in the last 24 hours."""
        known = self._keys.get(key) if key is not None else None
        return known if known is not None and datetime.now(UTC) - known.at < KEY_LIFE else None

    def spent(self, reply_token: str) -> bool:
        return reply_token in self._reply_tokens

    def used(self) -> int:
        """Recipients this month, in Japan; replies and blocked people do not count."""
        return self._used.get(_month(datetime.now(UTC)), 0)


def _month(at: datetime) -> str:
    return at.astimezone(JAPAN).strftime("%Y-%m")
