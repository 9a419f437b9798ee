"""The null wire: connections that swallow every byte and answer at once, below aiohttp and aiosmtplib.

The channels build each request to its last byte and write it to a transport, as they would to a socket;
nothing leaves the process. Whom each request was for is kept in a `Book`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler

from bench.book import Book
from bench.provider import Provider
from bench.relay import Relay


@contextmanager
def null_wire(book: Book) -> Iterator[None]:
    """For as long as this lasts no TCP connection of this loop or of aiohttp leads anywhere."""
    loop = asyncio.get_running_loop()
    create = aiohttp.TCPConnector._create_connection  # noqa: SLF001 the lowest layer there is to replace
    aiohttp.TCPConnector._create_connection = _http(book)  # type: ignore[method-assign,assignment]  # noqa: SLF001
    loop.create_connection = _smtp(book)  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        aiohttp.TCPConnector._create_connection = create  # type: ignore[method-assign]  # noqa: SLF001
        del loop.create_connection


def _http(book: Book) -> Callable[..., Awaitable[ResponseHandler]]:
    async def create(connector: aiohttp.TCPConnector, *_: Any) -> ResponseHandler:
        client = ResponseHandler(connector._loop)  # noqa: SLF001
        _join(client, Provider(book, 0.0))
        return client

    return create


def _smtp(book: Book) -> Callable[..., Awaitable[tuple[asyncio.Transport, asyncio.BaseProtocol]]]:
    async def create(factory: Callable[[], Any], *_: Any, **__: Any) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        client = factory()
        return _join(client, Relay(book, pipelining=True)), client

    return create


def _join(client: asyncio.Protocol, server: asyncio.Protocol) -> asyncio.Transport:
    ours, theirs = _End(client), _End(server)
    ours.other, theirs.other = theirs, ours
    client.connection_made(ours)
    server.connection_made(theirs)
    return ours


class _End(asyncio.Transport):
    """One end of a wire: what is written here is received at the other end when the loop comes round."""

    other: _End

    def __init__(self, owner: asyncio.Protocol) -> None:
        super().__init__({"peername": ("127.0.0.1", 0), "sockname": ("127.0.0.1", 0)})
        self._owner = owner
        self._written: list[bytes] = []
        self._closing = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._written:
            asyncio.get_running_loop().call_soon(self._deliver)
        self._written.append(bytes(data))

    def _deliver(self) -> None:
        data, self._written = b"".join(self._written), []
        if not self._closing:
            self.other._owner.data_received(data)  # noqa: SLF001 the other end of the same wire

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        if not isinstance(protocol, asyncio.Protocol):
            raise TypeError("this wire carries streams only")
        self._owner = protocol

    def writelines(self, list_of_data: Any) -> None:
        self.write(b"".join(list_of_data))

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._owner.connection_lost, None)

    abort = close

    def pause_reading(self) -> None:
        """Nothing comes that was not asked for."""

    def resume_reading(self) -> None:
        """Nothing was held back."""

    def is_reading(self) -> bool:
        return not self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Everything is swallowed at once."""
