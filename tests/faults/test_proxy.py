"""The proxy, on real sockets: what arrives, what does not, and who learns of it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from tests.faults.proxy import Proxy

SOON = 0.3
"""Seconds after which what has not arrived is taken not to come."""


class Echo:
    """A server that answers every byte with itself, and remembers what it heard."""

    def __init__(self) -> None:
        self.heard = b""
        self._talks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Gives its port."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._talks.add(asyncio.create_task(self._talk(reader, writer)))

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                self.heard += data
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            return
        finally:
            writer.transport.abort()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with echo.listening() as port, Proxy("127.0.0.1", port).listening() as proxy:
        yield proxy


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture
async def connection(proxy: Proxy) -> AsyncIterator[Connection]:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    yield reader, writer
    writer.transport.abort()


async def said(connection: Connection, words: bytes) -> bytes:
    """The answer to some words."""
    connection[1].write(words)
    return await asyncio.wait_for(connection[0].readexactly(len(words)), 10)


async def silent(connection: Connection) -> bool:
    try:
        await asyncio.wait_for(connection[0].read(1), SOON)
    except TimeoutError:
        return True
    return False


async def test_what_is_said_is_passed_on_both_ways(proxy: Proxy, connection: Connection) -> None:
    assert await said(connection, b"hana" * 100_000) == b"hana" * 100_000
    assert (proxy.connections, proxy.passed) == (1, 800_000)
    assert proxy.pass_through


async def test_the_end_is_passed_on(connection: Connection) -> None:
    await said(connection, b"hana")
    connection[1].write_eof()
    assert await asyncio.wait_for(connection[0].read(), 10) == b""


async def test_latency_holds_each_way_and_lets_what_follows_follow_at_once(
    proxy: Proxy, connection: Connection
) -> None:
    proxy.latency(0.1)
    clock = asyncio.get_running_loop().time
    began = clock()
    await said(connection, b"hana")
    assert clock() - began >= 0.2


async def test_dropped_bytes_arrive_nowhere_and_nobody_is_told(
    proxy: Proxy, connection: Connection, echo: Echo
) -> None:
    await said(connection, b"hana")
    proxy.drop()
    connection[1].write(b"tome")
    assert await silent(connection)
    assert echo.heard == b"hana"


async def test_half_open_the_words_arrive_and_the_answer_does_not(
    proxy: Proxy, connection: Connection, echo: Echo
) -> None:
    await said(connection, b"hana")
    proxy.half_open()
    connection[1].write(b"tome")
    assert await silent(connection)
    assert echo.heard == b"hanatome"


async def test_a_reset_ends_those_there_are_and_those_that_come(proxy: Proxy, connection: Connection) -> None:
    await said(connection, b"hana")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(connection[0].read(), 10)
    reader, _ = await asyncio.open_connection(proxy.host, proxy.port)
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 10) == b""


async def test_a_reader_that_stops_holds_up_the_writer_until_it_reads_again(
    proxy: Proxy, connection: Connection, echo: Echo
) -> None:
    await said(connection, b"hana")
    proxy.stop_reading()
    flood = b"tome" * 8_000_000
    connection[1].write(flood)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(connection[1].drain(), SOON)
    assert echo.heard == b"hana"
    proxy.heal()
    assert await asyncio.wait_for(connection[0].readexactly(len(flood)), 30) == flood


async def test_a_throttled_connection_is_as_slow_as_it_was_told(proxy: Proxy, connection: Connection) -> None:
    proxy.throttle(100_000)
    clock = asyncio.get_running_loop().time
    began = clock()
    await said(connection, b"hanatome" * 2_500)
    await said(connection, b"!")
    assert clock() - began >= 0.2


async def test_healed_it_passes_on_but_connections_that_lost_something_end(
    proxy: Proxy, connection: Connection
) -> None:
    await said(connection, b"hana")
    proxy.drop()
    connection[1].write(b"tome")
    assert await silent(connection)
    proxy.heal()
    with pytest.raises(ConnectionResetError):
        await asyncio.wait_for(connection[0].read(), 10)
    again = await asyncio.open_connection(proxy.host, proxy.port)
    assert await said(again, b"hana") == b"hana"
    again[1].transport.abort()
