"""Twilio's status callbacks: are they genuine, whom are they about, what do they say.

Pure functions. Callbacks come twice, late and in any order: ranking them is the engine's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import parse_qs

from twilio.request_validator import RequestValidator

TOKEN = "token"  # noqa: S105  the name of the query parameter, not a secret
"""Query parameter of the callback's address that carries `Recipient.token`."""

Kind = Literal["accepted", "delivered", "undelivered"]

KINDS: dict[str, Kind] = {
    "accepted": "accepted",
    "scheduled": "accepted",
    "queued": "accepted",
    "sending": "accepted",
    "sent": "accepted",
    "delivered": "delivered",
    "read": "delivered",
    "undelivered": "undelivered",
    "failed": "undelivered",
    "canceled": "undelivered",
}
"""Twilio's MessageStatus in our words. A status that is not here says nothing about the recipient."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """One genuine callback. `kind` None: nothing learnt. `code` is Twilio's error code or empty."""

    token: str
    kind: Kind | None
    code: str
    reference: str


def genuine(*, auth_token: str, callback_url: str, query: str, form: Mapping[str, str], signature: str) -> bool:
    """Whether Twilio signed this callback.

    The address is the configured public one with the raw `query` of the request: what a request
    says of its own host can be forged. `form` is the decoded body; a multidict keeps repeated fields.
    """
    url = f"{callback_url.partition('?')[0]}?{query}" if query else callback_url
    return bool(RequestValidator(auth_token).validate(url, form, signature))


def read(*, query: str, form: Mapping[str, str]) -> Receipt | None:
    """What a callback says, or None when its address carries no token. Check `genuine` first."""
    tokens = parse_qs(query).get(TOKEN)
    if not tokens:
        return None
    kind = KINDS.get(form.get("MessageStatus", form.get("SmsStatus", "")))
    return Receipt(tokens[0], kind, form.get("ErrorCode", ""), form.get("MessageSid", ""))
