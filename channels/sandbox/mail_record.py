"""What is written down of an accepted mail: decoded, so that a test reads what a person would."""

from __future__ import annotations

from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message

import msgspec


class MailRecord(msgspec.Struct, kw_only=True):
    """One accepted mail for one recipient, as a line of `email.jsonl`."""

    at: str
    queue_id: str
    from_: str = msgspec.field(name="from")
    to: str
    message_id: str
    subject: str
    body: str
    headers: dict[str, str]
    domain: str


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def read_mail(content: bytes, *, at: str, queue_id: str, sender: str, to: str) -> MailRecord:
    message = message_from_bytes(content)
    headers = _headers(message)
    return MailRecord(
        at=at,
        queue_id=queue_id,
        from_=sender,
        to=to,
        message_id=_decoded(message.get("Message-ID", "")).strip(),
        subject=_decoded(message.get("Subject", "")),
        body=_text(message),
        headers=headers,
        domain=domain_of(to),
    )


def _headers(message: Message) -> dict[str, str]:
    """Header fields decoded and unfolded; the values of a repeated one stand on lines of their own."""
    headers: dict[str, str] = {}
    for name, value in message.items():
        decoded = _decoded(value)
        headers[name] = f"{headers[name]}\n{decoded}" if name in headers else decoded
    return headers


def _decoded(value: str) -> str:
    unfolded = "".join(str(value).splitlines())
    try:
        return str(make_header(decode_header(unfolded)))
    except (HeaderParseError, LookupError, UnicodeDecodeError):
        return unfolded


def _text(message: Message) -> str:
    """The first plain text part, or the first text of any kind, with line ends as `\\n`."""
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    chosen = next((part for part in parts if part.get_content_subtype() == "plain"), parts[0] if parts else None)
    if chosen is None:
        return ""
    payload = chosen.get_payload(decode=True)
    data = payload if isinstance(payload, bytes) else b""
    try:
        text = data.decode(chosen.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        text = data.decode("utf-8", "replace")
    return text.replace("\r\n", "\n")
