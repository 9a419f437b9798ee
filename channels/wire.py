"""One HTTP call to a provider: its whole reply, or what its failure proves."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from channels.contract import Answer, Pause, Verdict

UNANSWERED = (aiohttp.ClientError, OSError, TimeoutError)
"""Everything a call raises instead of giving a reply."""

_NEVER_LEFT = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)
_REFUSED = {400, 413, 422}
_PAUSES = {
    401: Pause("channel", None, "credentials"),
    403: Pause("channel", None, "credentials"),
    429: Pause("channel", 1.0, "rate"),
}
_CERTIFICATE = (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)


@dataclass(frozen=True, slots=True)
class Reply:
    """A provider's reply. `body` is empty where it broke off: the status is proof enough."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def timeout(seconds: float) -> aiohttp.ClientTimeout:
    """`seconds` for the whole call, half of it to connect: a call that ends there certainly did not leave."""
    return aiohttp.ClientTimeout(total=seconds, connect=seconds / 2, sock_connect=seconds / 2)


def proxy_for(endpoint: str) -> str | None:
    """The proxy that the environment names for an address (`https_proxy`, `no_proxy`), read once when opening."""
    parts = urlsplit(endpoint)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


async def post(
    session: aiohttp.ClientSession, url: str, body: bytes, headers: Mapping[str, str] | None = None
) -> Reply:
    """POST once; redirects are replies. Raises one of `UNANSWERED` when no status came back.

    aiohttp repeats only idempotent methods on a dead connection, so never this call.
    """
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        content = b""
        with suppress(*UNANSWERED):
            content = await response.read()
        return Reply(response.status, response.headers, content)


def unanswered(error: BaseException) -> Answer:
    """What an error of `UNANSWERED` proves: certainly not sent where no connection came about, else nothing."""
    if isinstance(error, _CERTIFICATE):
        return Answer(Verdict.RETRY, code="certificate", pause=Pause("channel", None, "certificate"))
    if isinstance(error, _NEVER_LEFT):
        return Answer(Verdict.RETRY, code="unreachable", pause=Pause("lane", 2.0, "unreachable"))
    code = "timeout" if isinstance(error, TimeoutError) else "disconnected"
    return Answer(Verdict.AMBIGUOUS, code=code)


def unexpected(status: int) -> Answer:
    """What a status means that a provider's own rules do not name.

    Blaming the recipients for a wrong address in the settings would cost them the message, so a
    redirect or a 404 stops the channel until an operator has looked.
    """
    code = str(status)
    if status in _REFUSED:
        return Answer(Verdict.REJECTED, code=code)
    if status < 300 or status == 408 or status >= 500:
        return Answer(Verdict.AMBIGUOUS, code=code)
    return Answer(Verdict.RETRY, code=code, pause=_PAUSES.get(status, Pause("channel", None, "configuration")))
