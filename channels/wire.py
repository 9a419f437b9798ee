"""One HTTP call to a provider: its whole reply, or what its failure proves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.http import HttpProcessingError, RawResponseMessage
from yarl import URL

from channels.contract import TOO_FAST, Answer, Pause, Verdict
from channels.reserve import Kept, Reserve

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
    429: Pause("channel", 1.0, TOO_FAST),
}
_CERTIFICATE = (aiohttp.ClientConnectorCertificateError, ssl.SSLCertVerificationError)


class Reply(NamedTuple):
    """A provider's reply. `body` is empty where it broke off: the status is proof enough."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Address:
    """One address that bodies are posted to over and over, on aiohttp's connections and through its parser.

    Of the 90 µs that a request of aiohttp's session takes, these two are a third (2026-11). The rest is for what
    never differs here: URL, headers, cookies, redirects, and a task that writes the body.
    """

    def __init__(
        self, url: str, headers: Mapping[str, str], *, connector: aiohttp.BaseConnector, seconds: float
    ) -> None:
        """`seconds` for a whole call, half of them to connect: a call that ends there certainly did not leave.

        Raises ValueError for headers with a line break.
        """
        self._connector = connector
        self._seconds = seconds
        self._timeout = aiohttp.ClientTimeout(connect=seconds / 2, sock_connect=seconds / 2)
        proxy = proxy_for(url)
        self._request = aiohttp.ClientRequest(
            "POST", URL(url), headers=headers, proxy=URL(proxy) if proxy else None, loop=asyncio.get_running_loop()
        )
        self._head = _head(self._request)
        self._reserve = Reserve(
            self._connection,
            give_back=lambda connection: connection.release(),
            throw_away=lambda connection: connection.close(),
            failures=UNANSWERED,
        )

    async def connect(self) -> Kept[aiohttp.connector.Connection]:
        """Have a connection open for one call more; the next call takes it, and raises what opening it raised."""
        return await self._reserve.keep()

    async def close(self) -> None:
        """Close every connection. May come twice."""
        await self._connector.close()

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Reply:
        """POST once, with headers of this call's own; redirects are replies.

        Raises one of `UNANSWERED` when no status came back. A dead connection is never tried again.
        """
        own = _lines(headers) if headers else b""
        return await self._ask(b"%bContent-Length: %d\r\n%b\r\n%b" % (self._head, len(body), own, body))

    async def _ask(self, asking: bytes) -> Reply:
        """Send a whole request over one of the connections, and read its whole reply."""
        reply = None
        try:
            async with asyncio.timeout(self._seconds):
                connection = self._kept() or await self._connection()
                try:
                    reply, content = await _exchange(connection.protocol, asking)
                    reply = reply._replace(body=await _whole(content))
                except BaseException:
                    connection.close()
                    raise
                connection.release()
        except UNANSWERED:
            if reply is None:
                raise
        return reply

    def _kept(self) -> aiohttp.connector.Connection | None:
        """One that was opened ahead and that nobody has closed since."""
        while (connection := self._reserve.take()) is not None and connection.closed:
            connection.release()
        return connection

    async def _connection(self) -> aiohttp.connector.Connection:
        try:
            return await self._connector.connect(self._request, [], self._timeout)
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError from error


def _head(request: aiohttp.ClientRequest) -> bytes:
    """The request line and the headers of every call, as aiohttp would write them."""
    url, proxy = request.url, request.proxy
    headers = {name: value for name, value in request.headers.items() if name.lower() != "content-length"}
    target = url.raw_path_qs
    if proxy is not None and not request.is_ssl():
        target = str(url)
        if proxy.user:
            headers["Proxy-Authorization"] = aiohttp.encode_basic_auth(proxy.user, proxy.password or "")
    return f"POST {target} HTTP/1.1\r\n".encode() + _lines(headers)


def _lines(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\r") + lines.count("\n") != 2 * len(headers):
        raise ValueError("a header must not hold a line break")
    return lines.encode()


async def _exchange(protocol: ResponseHandler | None, asking: bytes) -> tuple[Reply, aiohttp.StreamReader]:
    """Ask, and wait for the final reply's head."""
    if protocol is None or protocol.transport is None:
        raise aiohttp.ClientConnectionResetError("closed before the request")
    protocol.set_response_params(read_until_eof=True)
    protocol.transport.write(asking)
    message, content = await _final(protocol)
    return Reply(message.code, message.headers, b""), content


async def _final(protocol: ResponseHandler) -> tuple[RawResponseMessage, aiohttp.StreamReader]:
    """The first reply that is not merely provisional (1xx)."""
    while True:
        try:
            message, content = await protocol.read()
        except HttpProcessingError as error:
            raise aiohttp.ClientPayloadError("no HTTP reply") from error
        if message.code >= 200 or message.code == 101:
            return message, content


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """All of a reply's body, mostly here already."""
    return content.read_nowait() if content.is_eof() else await content.read()


def proxy_for(endpoint: str) -> str | None:
    """The proxy that the environment names for an address (`https_proxy`, `no_proxy`), read once when opening."""
    parts = urlsplit(endpoint)
    if proxy_bypass(parts.netloc):
        return None
    return getproxies().get(parts.scheme)


def unanswered(error: BaseException) -> Answer:
    """What an error of `UNANSWERED` proves: certainly not sent where no connection came about, else nothing."""
    if isinstance(error, _CERTIFICATE):
        return Answer(Verdict.RETRY, code="certificate", pause=Pause("channel", None, "certificate"))
    if isinstance(error, _NEVER_LEFT):
        return Answer(Verdict.RETRY, code="unreachable", pause=Pause("lane", 2.0, "unreachable"), broke=True)
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
