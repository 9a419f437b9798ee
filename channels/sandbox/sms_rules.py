"""Twilio's rules for creating a message: which parameters, which numbers, and the error codes.

Source: Twilio's OpenAPI description (CreateMessage) and its error code pages, read 2026-04 to 2026-11.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from channels.sandbox.options import FROM_NUMBER, SERVICE_SID

BODY_MAX = 1600
VALIDITY_MAX = 36_000
E164 = re.compile(r"\+[1-9]\d{6,14}")
SENDER_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
JAPAN_MOBILE = re.compile(r"\+81[6-9]0\d{8}")
JAPAN_OTHER = re.compile(r"\+81(?:[1-9]\d{8}|[25]0\d{8})")
"""Landlines have nine digits after the country code, 050 IP telephones and 020 pagers ten."""
PARAMETERS = frozenset(
    {"To", "From", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid", "ValidityPeriod", "StatusCallback"}
)
"""Those of CreateMessage that decide anything here; others are let pass, as Twilio does."""
GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_ESCAPED = frozenset("\f^{}\\[~]|€")


class SmsRefusal(Exception):
    """A request Twilio answers with an error; no message was created."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": self.message, "more_info": more, "status": self.status}


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request for one message. `validity` is in seconds."""

    to: str
    sender: str
    service: str | None
    body: str
    validity: int
    callback: str | None


def unauthorized() -> SmsRefusal:
    return SmsRefusal(401, 20003, "Authenticate")


def not_found(path: str) -> SmsRefusal:
    return SmsRefusal(404, 20404, f"The requested resource {path} was not found")


def too_many() -> SmsRefusal:
    return SmsRefusal(429, 20429, "Too Many Requests")


def queue_full() -> SmsRefusal:
    return SmsRefusal(429, 21611, "This From number has exceeded the maximum number of queued messages")


def not_mobile(to: str) -> SmsRefusal:
    return SmsRefusal(400, 21614, f"'To' number is not a valid mobile number: {to}")


def stopped() -> SmsRefusal:
    return SmsRefusal(400, 21610, "Attempt to send to unsubscribed recipient")


def server_error() -> SmsRefusal:
    return SmsRefusal(500, 20500, "An internal server error has occurred")


def segments(body: str) -> int:
    """SMS segments: 160 or 153 septets in GSM-7, 70 or 67 UTF-16 units in UCS-2."""
    if all(char in GSM7 or char in GSM7_ESCAPED for char in body):
        size, single, each = sum(2 if char in GSM7_ESCAPED else 1 for char in body), 160, 153
    else:
        size, single, each = len(body.encode("utf-16-le", "surrogatepass")) // 2, 70, 67
    return 1 if size <= single else -(-size // each)


def read_form(body: bytes) -> dict[str, str]:
    """The parameters that matter, the last of each. Raises SmsRefusal for bytes that are not UTF-8."""
    try:
        given = parse_qsl(body.decode(), keep_blank_values=True, errors="strict")
    except UnicodeDecodeError as error:
        raise SmsRefusal(400, 20001, "Invalid parameter: the form is not UTF-8") from error
    return {name: value for name, value in given if name in PARAMETERS}


def require(form: dict[str, str]) -> Asked:
    """What a form asks for. Raises SmsRefusal with the first rule it breaks."""
    to = _require_to(form.get("To", ""))
    sender, service = _require_sender(form.get("From", ""), form.get("MessagingServiceSid", ""))
    body = _require_body(form)
    validity = _require_validity(form.get("ValidityPeriod", ""))
    return Asked(to, sender, service, body, validity, _require_callback(form.get("StatusCallback", "")))


def _require_to(to: str) -> str:
    if not to:
        raise SmsRefusal(400, 21604, "A 'To' phone number is required.")
    if JAPAN_OTHER.fullmatch(to):
        raise not_mobile(to)
    if not E164.fullmatch(to) or (to.startswith("+81") and not JAPAN_MOBILE.fullmatch(to)):
        raise SmsRefusal(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    return to


def _require_sender(sender: str, service: str) -> tuple[str, str | None]:
    """One of a number and a messaging service; both at once is more than Todoke ever needs."""
    if not sender and not service:
        raise SmsRefusal(400, 21603, "A 'From' phone number is required.")
    if service and (sender or service != SERVICE_SID):
        raise SmsRefusal(400, 21701, "The Messaging Service does not exist, or was given together with 'From'.")
    if service:
        return FROM_NUMBER, service
    if not E164.fullmatch(sender) and not SENDER_NAME.fullmatch(sender):
        raise SmsRefusal(400, 21212, f"The 'From' number {sender} is not a valid phone number.")
    if E164.fullmatch(sender) and sender != FROM_NUMBER:
        raise SmsRefusal(400, 21606, f"The 'From' phone number provided ({sender}) is not a number of this account.")
    return sender, None


def _require_body(form: dict[str, str]) -> str:
    body = form.get("Body", "")
    if not body and not form.get("MediaUrl") and not form.get("ContentSid"):
        raise SmsRefusal(400, 21602, "Message body is required.")
    if len(body) > BODY_MAX:
        raise SmsRefusal(400, 21617, f"The concatenated message body exceeds the {BODY_MAX} character limit.")
    return body


def _require_validity(given: str) -> int:
    if not given:
        return VALIDITY_MAX
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given) <= VALIDITY_MAX:
        raise SmsRefusal(400, 21624, "Invalid validity period value")
    return int(given)


def _require_callback(url: str) -> str | None:
    if not url:
        return None
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "_" in parts.hostname:
        raise SmsRefusal(400, 21609, f"The 'StatusCallback' URL {url} is not a valid URL.")
    return url
