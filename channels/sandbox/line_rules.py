"""LINE's rules for a request to send: who may ask, what a body holds, and the sentences of a refusal.

Source: the Messaging API reference (rate limits, error responses, multicast, push, reply, retrying
a request), read 2026-08.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from channels.sandbox.line_messages import Detail, check_messages

BODY_MAX = 2 * 1024 * 1024
RECIPIENTS_MAX = 500
UNIT_NAME = re.compile(r"[a-zA-Z0-9_]{1,30}")
ID_LENGTH = 33
HEX = str.maketrans("", "", "0123456789abcdef")
RETRY_KEY = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32}")

RATE_EXCEEDED = "The API rate limit has been exceeded. Try again later."
QUOTA_SPENT = "You have reached your monthly limit."
KEY_ACCEPTED = "The retry key is already accepted"
BAD_TOKEN = (
    "Authentication failed due to the following reason: invalid token. "  # noqa: S105
    "Confirm that the access token in the authorization header is valid."
)
BAD_REPLY_TOKEN = "Invalid reply token"  # noqa: S105
NOT_SENT = "Failed to send messages"


class LineRefusal(Exception):
    """A request LINE answers with an error; nothing was sent to anybody."""

    def __init__(self, status: int, message: str, details: Sequence[Detail] = (), code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.details = tuple(details)
        self.code = code or str(status)

    def body(self) -> dict[str, Any]:
        return {"message": self.message, "details": self.details} if self.details else {"message": self.message}


class Multicast(msgspec.Struct):
    to: list[str]
    messages: msgspec.Raw
    notificationDisabled: bool = False  # noqa: N815
    customAggregationUnits: list[str] = []  # noqa: N815


class Push(msgspec.Struct):
    to: str
    messages: msgspec.Raw
    notificationDisabled: bool = False  # noqa: N815
    customAggregationUnits: list[str] = []  # noqa: N815


class Reply(msgspec.Struct):
    replyToken: str  # noqa: N815
    messages: msgspec.Raw
    notificationDisabled: bool = False  # noqa: N815


class Validate(msgspec.Struct):
    messages: msgspec.Raw


def invalid(name: str) -> LineRefusal:
    return LineRefusal(400, f"The property, {name}, in the request body is invalid (line: -, column: -)")


def body_errors(details: Sequence[Detail]) -> LineRefusal:
    return LineRefusal(400, f"The request body has {len(details)} error(s)", details)


def unsupported(content_type: str) -> LineRefusal:
    return LineRefusal(415, f"The content type, {content_type}, is not supported")


def too_large() -> LineRefusal:
    return LineRefusal(413, "Request exceeds the max size of 2MB")


def rate_exceeded() -> LineRefusal:
    return LineRefusal(429, RATE_EXCEEDED, code="rate")


def quota_spent() -> LineRefusal:
    return LineRefusal(429, QUOTA_SPENT, code="quota")


def unreadable(body: bytes, error: msgspec.DecodeError) -> LineRefusal:
    """A body that is not JSON, or not an object of the right shape."""
    if isinstance(error, msgspec.ValidationError):
        if missing := re.search(r"required field `(\w+)`", str(error)):
            return body_errors([Detail("May not be empty", missing[1])])
        place = re.search(r"at `\$\.(.+)`$", str(error))
        return invalid(place[1].replace("[...]", "[0]") if place else "-")
    at = re.search(r"byte (\d+)", str(error))
    offset = int(at[1]) if at else len(body)
    line, column = body.count(b"\n", 0, offset) + 1, offset - body.rfind(b"\n", 0, offset)
    return LineRefusal(400, f"The request body could not be parsed as JSON (line: {line}, column: {column})")


def retry_key(given: str | None, *, taken: bool) -> str | None:
    """The key in one spelling. Raises LineRefusal 400 for a key that is no UUID or on an endpoint that takes none."""
    if given is None:
        return None
    if not taken:
        raise LineRefusal(400, "The retry key is not supported on this endpoint")
    if not RETRY_KEY.fullmatch(given):
        raise LineRefusal(400, "The retry key is invalid")
    return str(UUID(given))


def require_messages(raw: msgspec.Raw) -> bytes:
    """The messages on one line. Raises LineRefusal 400 listing every problem."""
    details, line = check_messages(bytes(raw))
    if details:
        raise body_errors(details)
    return line


def require_recipients(to: list[str]) -> None:
    """Raises LineRefusal 400 for none, too many, a malformed or a repeated id; the last two name `to[i]`."""
    if not 1 <= len(to) <= RECIPIENTS_MAX:
        raise body_errors([Detail(f"Size must be between 1 and {RECIPIENTS_MAX}", "to")])
    if not _all_ids(to):
        raise invalid(f"to[{next(at for at, one in enumerate(to) if not _all_ids([one]))}]")
    if len(set(to)) != len(to):
        raise invalid(f"to[{_first_repeated(to)}]")


def require_recipient(to: str, name: str = "to") -> None:
    """Raises LineRefusal 400 for a malformed id; LINE quotes the name where it is not a place in a list."""
    if not _all_ids([to]):
        raise invalid(f"'{name}'")


def require_units(names: list[str]) -> None:
    if len(names) > 1:
        raise body_errors([Detail("Size must be between 0 and 1", "customAggregationUnits")])
    if any(not UNIT_NAME.fullmatch(name) for name in names):
        raise invalid("customAggregationUnits[0]")


def _all_ids(to: list[str]) -> bool:
    """`U` and 32 hexadecimal digits each; 500 regular expressions a request would halve the sandbox's speed."""
    joined = "".join(to)
    return set(map(len, to)) == {ID_LENGTH} and (joined[::ID_LENGTH] == joined.translate(HEX) == "U" * len(to))


def _first_repeated(to: list[str]) -> int:
    seen: set[str] = set()
    for at, one in enumerate(to):
        if one in seen:
            return at
        seen.add(one)
    raise ValueError("nothing is repeated")
