"""A mail as bytes, ready for DATA: one recipient, UTF-8 in base64, its final dot included.

Headers are written by hand. The standard library's EmailMessage refuses addresses that docomo and
au gave out until 2009 (`a..b@docomo.ne.jp`), and turns a subject with an encoded word into headers of the
sender's choice (CVE-2024-6923). Here every subject and name is encoded whole, so nothing in it is
syntax; base64 has no line that begins with a dot, so nothing in a body ends the message.
"""

from __future__ import annotations

import re
from base64 import encodebytes
from datetime import datetime
from email.header import Header
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote
from uuid import UUID

from channels.contract import Message, Recipient
from channels.text import unprintable

ENCODED_WORD = re.compile(r"=\?[^?\s]*\?[bq]\?", re.IGNORECASE)
"""The start of an RFC 2047 encoded word, which some reader down the line would decode."""

_MAILBOX = re.compile(r"(?:[\w.!#$%&'*+/=?^`{|}~-]+|\"[^\"\\\x00-\x1f\x7f]+\")@[a-z0-9.-]+", re.ASCII | re.IGNORECASE)
_PLAIN_TOKEN = re.compile(r"[A-Za-z0-9._-]+")
"""What quoting would leave as it is: every token of ours."""
_LANGUAGE = re.compile(r"[a-z0-9-]+", re.ASCII | re.IGNORECASE)


class Unwritable(ValueError):
    """A mail that must not be written; `code` says which part of it."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def mailbox(address: str) -> str:
    """The address, if it is exactly one plain mailbox. Raises Unwritable.

    It allows dots in a row and at the end, and nothing that could end a command or a header.
    """
    if _MAILBOX.fullmatch(address) is None:
        raise Unwritable("address")
    return address


def phrase(name: str, text: str) -> str:
    """A text as the value of header `name`, folded. Raises Unwritable for what `check` refuses."""
    if unprintable(text) is not None or ENCODED_WORD.search(text):
        raise Unwritable(name.lower())
    return Header(text, "utf-8", header_name=name).encode(linesep="\r\n")


class Letterhead:
    """What every mail of one sender begins with."""

    def __init__(self, *, address: str, name: str, reply_to: str | None) -> None:
        self.address = mailbox(address)
        self._domain = address.rpartition("@")[2]
        sender = f"{phrase('From', name)} <{address}>" if name else address
        answers = f"Reply-To: {mailbox(reply_to)}\r\n" if reply_to else ""
        self._head = f"From: {sender}\r\n{answers}".encode("ascii")
        self._date: tuple[datetime | None, str] = None, ""
        self._last: tuple[Message | None, bytes] = None, b""

    def message_id(self, recipient: Recipient, key: UUID) -> str:
        """The same for every repeat of the same call, so that a reader's mailbox shows one."""
        token = recipient.token
        local = token if _PLAIN_TOKEN.fullmatch(token) else quote(token, safe="")
        return f"<{local}.{key.hex}@{self._domain}>"

    def write(self, message: Message, recipient: Recipient, key: UUID, now: datetime) -> bytes:
        """The whole mail with its final dot. Raises Unwritable."""
        own = (
            f"To: {mailbox(recipient.address)}\r\n"
            f"Message-ID: {self.message_id(recipient, key)}\r\n"
            f"Date: {self._dated(now)}\r\n"
        )
        return self._head + own.encode("ascii") + self._rest(message)

    def _dated(self, now: datetime) -> str:
        """A sender gives many mails the same moment."""
        if now is not self._date[0]:
            self._date = now, format_datetime(now.replace(microsecond=0))
        return self._date[1]

    def _rest(self, message: Message) -> bytes:
        """A run of mails is of the same message; telling that by its texts would take a tenth of writing one."""
        if message is not self._last[0]:
            self._last = message, _shared(message)
        return self._last[1]


@lru_cache(maxsize=256)
def _shared(message: Message) -> bytes:
    """What all recipients of a message get alike: encoded once."""
    if _LANGUAGE.fullmatch(message.language) is None:
        raise Unwritable("language")
    head = (
        f"Subject: {phrase('Subject', message.subject)}\r\n"
        f"Content-Language: {message.language}\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: text/plain; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    )
    return head.encode("ascii") + _base64(message.body) + b".\r\n"


def _base64(text: str) -> bytes:
    try:
        raw = "\r\n".join(text.splitlines()).encode() + b"\r\n"
    except UnicodeEncodeError:
        raise Unwritable("body") from None
    return encodebytes(raw).replace(b"\n", b"\r\n")
