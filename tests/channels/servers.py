"""Small providers over real sockets that do what a test tells them."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

S = TypeVar("S", bound="Server")


class Hang(Enum):
    """What a server does instead of replying."""

    SILENT = "silent"
    CUT = "cut"


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Response:
    status: int
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    promised: int = 0
    """Bytes that Content-Length promises beyond the body, after which the connection is cut."""

    def encode(self) -> bytes:
        head = {"Content-Length": str(len(self.body) + self.promised), **self.headers}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"HTTP/1.1 {self.status} X\r\n{lines}\r\n".encode() + self.body


@dataclass(frozen=True)
class Unfinished:
    """The beginning of a reply, after which nothing more comes."""

    beginning: bytes


class Server:
    """A listening socket that counts who is connected and says when it was reached."""

    def __init__(self) -> None:
        self.connections = 0
        self.open = 0
        self.unheard = b""
        """What came while it was silent."""
        self.reached = asyncio.Event()
        self.quiet = asyncio.Event()
        self.quiet.set()
        self.writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, context: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, ssl=context)

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def gone(self) -> None:
        """Stop listening and cut every connection: nobody answers there any more."""
        assert self._server is not None
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()
        await self.quiet.wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        self.quiet.clear()
        self.writers.add(writer)
        try:
            await self.converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.transport.abort()
            self.writers.discard(writer)
            self.open -= 1
            if not self.open:
                self.quiet.set()

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        raise NotImplementedError

    async def hang(self, how: Hang, reader: asyncio.StreamReader) -> None:
        if how is Hang.SILENT:
            self.unheard += await reader.read()
        raise ConnectionResetError


class HttpServer(Server):
    """Answers each request with what `answer` gives."""

    def __init__(self, answer: Callable[[Request], Response | Unfinished | Hang | bytes]) -> None:
        super().__init__()
        self.answer = answer
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            body = await reader.readexactly(int(headers["content-length"]))
            self.requests.append(Request(head[0].split(" ")[1], headers, body))
            self.reached.set()
            reply = self.answer(self.requests[-1])
            if isinstance(reply, Hang):
                await self.hang(reply, reader)
            elif isinstance(reply, Unfinished):
                writer.write(reply.beginning)
                await self.hang(Hang.SILENT, reader)
            else:
                writer.write(reply.encode() if isinstance(reply, Response) else reply)
            if isinstance(reply, bytes) or (isinstance(reply, Response) and reply.promised):
                await writer.drain()
                return


@dataclass
class Mail:
    sender: str
    recipient: str
    content: bytes = b""


class SmtpServer(Server):
    """Speaks SMTP politely, except where `replies` says otherwise.

    Keys: CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, CONTENT, RSET. A mail is in `mails` once its
    dot has come, whatever the reply to that is; `taken` counts those answered with 250.
    """

    def __init__(self, *, login: bool = False, upgrade: ssl.SSLContext | None = None, pipelining: bool = False) -> None:
        super().__init__()
        self._pipelining = pipelining
        self.replies: dict[str, str | Hang] = {}
        self.mails: list[Mail] = []
        self.verbs: list[str] = []
        self.taken = 0
        self._login = login
        self._upgrade = upgrade

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._say("CONNECT", "220 relay.example ready", reader, writer)
        mail = Mail("", "")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            self.verbs.append(verb)
            if verb == "QUIT":
                return
            if verb in {"MAIL", "RSET"}:
                mail = Mail("", "")
            said = await self._say(verb, self._polite(verb, mail), reader, writer)
            if verb == "MAIL" and said.startswith("25"):
                mail.sender = line.partition("<")[2].partition(">")[0]
            if verb == "RCPT" and said.startswith("25"):
                mail.recipient = line.partition("<")[2].partition(">")[0]
            if verb == "STARTTLS" and self._upgrade is not None:
                await writer.start_tls(self._upgrade)
            if said.startswith("354"):
                await self._content(mail, reader, writer)

    async def _content(self, mail: Mail, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (line := await reader.readline()) != b".\r\n":
            if not line:
                raise ConnectionResetError
            mail.content += line
        self.mails.append(mail)
        self.reached.set()
        said = await self._say("CONTENT", "250 2.0.0 Ok: queued as 4XyZ1", reader, writer)
        self.taken += said.startswith("250")

    def _polite(self, verb: str, mail: Mail) -> str:
        if (verb == "RCPT" and not mail.sender) or (verb == "DATA" and not mail.recipient):
            return "503 5.5.1 bad sequence of commands"
        offered = {"AUTH PLAIN": self._login, "STARTTLS": self._upgrade, "PIPELINING": self._pipelining}
        extensions = [name for name, whether in offered.items() if whether]
        greeting = "".join(f"250-{name}\r\n" for name in ("relay.example", *extensions))
        return {
            "EHLO": greeting + "250 8BITMIME",
            "DATA": "354 go ahead",
            "AUTH": "235 welcome",
            "STARTTLS": "220 go",
        }.get(verb, "250 ok")

    async def _say(self, key: str, polite: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> str:
        reply = self.replies.get(key, polite)
        if isinstance(reply, Hang):
            await self.hang(reply, reader)
            raise ConnectionResetError
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()
        return reply


@asynccontextmanager
async def listening(server: S, context: ssl.SSLContext | None = None) -> AsyncIterator[S]:
    await server.listen(context)
    try:
        yield server
    finally:
        await server.gone()
