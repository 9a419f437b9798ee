from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiosmtplib
import pytest

from channels.smtp_session import LONGEST_REPLY, Reply, Session
from tests.channels.servers import Server, listening


class Scripted(Server):
    """A relay that says each piece when it is told to go on."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        super().__init__()
        self.go_on = asyncio.Semaphore(0)
        self._pieces = pieces

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay\r\n")
        await reader.readline()
        writer.write(b"250-relay\r\n250 pipelining\r\n")
        for piece in self._pieces:
            await self.go_on.acquire()
            writer.write(piece)
            await writer.drain()
        await reader.read()


@asynccontextmanager
async def session(*pieces: bytes) -> AsyncIterator[tuple[Scripted, Session]]:
    async with listening(Scripted(pieces)) as server:
        smtp = aiosmtplib.SMTP(hostname="127.0.0.1", port=server.port, start_tls=False, timeout=None)
        await smtp.connect()
        await smtp.ehlo()
        opened = Session(smtp)
        yield server, opened
        opened.close()


async def test_replies_that_come_together_are_read_in_order() -> None:
    async with session(b"250 2.1.0 ok\r\n550 5.1.1 no\r\n354 go\r\n") as (server, talk):
        server.go_on.release()
        assert [await talk.reply() for _ in range(3)] == [(250, "2.1.0 ok"), (550, "5.1.1 no"), (354, "go")]
        assert talk.usable


async def test_a_reply_that_comes_in_pieces_is_one() -> None:
    async with session() as (_, talk):
        reply = asyncio.create_task(talk.reply())
        for piece in (b"250-first\r\n25", b"0-second\r", b"\n250", b" last\r\n"):
            await asyncio.sleep(0)
            assert not reply.done()
            talk.data_received(piece)
        assert await reply == Reply(250, "first\nsecond\nlast")


async def test_a_last_reply_is_heard_though_the_relay_has_gone() -> None:
    async with session(b"421 4.3.2 bye\r\n") as (server, talk):
        server.go_on.release()
        assert await talk.reply() == (421, "4.3.2 bye")
        await server.gone()
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await talk.reply()
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            talk.write(b"QUIT\r\n")


@pytest.mark.parametrize(
    "piece", [b"no such protocol\r\n", b"25\r\n", b"250-a\r\nhello\r\n", b"9" * (LONGEST_REPLY + 1)]
)
async def test_what_is_no_reply_is_not_read_as_one(piece: bytes) -> None:
    async with session(piece) as (server, talk):
        server.go_on.release()
        with pytest.raises(aiosmtplib.SMTPResponseException, match="reply"):
            await talk.reply()


@pytest.mark.parametrize("piece", [b"250 ok\r\n250 another\r\n", b"250 ok\r\n4", b"421 4.3.2 bye\r\n"])
async def test_more_than_was_asked_for_ends_its_use(piece: bytes) -> None:
    async with session(piece) as (server, talk):
        assert talk.usable
        server.go_on.release()
        await talk.reply()
        assert not talk.usable
