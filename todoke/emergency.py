"""The counter of the emergency post: how officers reach a running server when there is no database to ask.

A Unix socket in the emergency directory, which its user and root alone can enter; a JSON object a line each way.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import structlog

from config import Settings
from dispatcher.background import Agent
from dispatcher.emergency.desk import Desk
from dispatcher.emergency.station import Station
from words.problem import Problem, Refused

SOCKET = "socket"
_LINE_BYTES = 65_536
_LOOK_SECONDS = 0.2
_PATIENCE = 10.0
ROOT = 0
log = structlog.get_logger(__name__)


def emergency_directory(settings: Settings) -> Path:
    """Where journals and the socket are."""
    return settings.emergency.directory or settings.data / "emergency"


@asynccontextmanager
async def counter(station: Station) -> AsyncIterator[None]:
    """Answer officers for as long as this lasts, whenever this process speaks for its data directory."""
    async with AsyncExitStack() as stack:
        opened = False

        async def look() -> None:
            nonlocal opened
            if station.has_floor and not opened:
                await stack.enter_async_context(_listening(station))
                opened = True

        await stack.enter_async_context(Agent("emergency counter", look, every=_LOOK_SECONDS))
        yield


@asynccontextmanager
async def _listening(station: Station) -> AsyncIterator[None]:
    desk = Desk(station)

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if _may_enter(writer.get_extra_info("socket")):
                await _serve(desk, station, reader, writer)
        except (OSError, ValueError) as trouble:
            log.warning("emergency_counter", error=type(trouble).__name__)
        finally:
            writer.close()

    path = station.directory / SOCKET
    with _short(path) as short:
        server = await asyncio.start_unix_server(meet, short, limit=_LINE_BYTES)
    path.chmod(0o600)
    try:
        async with server:
            yield
    finally:
        path.unlink(missing_ok=True)


def _may_enter(met: socket.socket) -> bool:
    """This user and root (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    _, user, _ = struct.unpack("3i", met.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return user in {ROOT, os.geteuid()}


async def _serve(desk: Desk, station: Station, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    asked = json.loads(await reader.readline())
    try:
        answer = await _answer(desk, station, asked)
    except Refused as refused:
        answer = {"problems": [[each.code, each.where, each.ja, each.en] for each in refused.problems]}
    writer.write(json.dumps(answer, ensure_ascii=False, default=str).encode() + b"\n")
    await writer.drain()


async def _answer(desk: Desk, station: Station, asked: dict[str, Any]) -> dict[str, Any]:
    match asked["ask"]:
        case "send":
            said = await desk.order(asked["dispatch"], by=asked["by"], confirm=asked["confirm"])
            return {"dispatches": [said.as_json()]}
        case "stop":
            said = await desk.stop(asked["dispatch"], by=asked["by"])
            return {"dispatches": [said.as_json()]}
        case _:
            return {
                "database_answers": station.answers,
                "dispatches": [outlook.as_json() for outlook in desk.outlooks()],
            }


async def ask(settings: Settings, **question: str | None) -> dict[str, Any]:
    """What the server of this data directory answers. Raises Refused: what it refuses, or that there is none."""
    path = emergency_directory(settings) / SOCKET
    try:
        with _short(path) as short:
            reader, writer = await asyncio.open_unix_connection(short, limit=1 << 24)
    except OSError:
        raise Refused(_nobody_there(path)) from None
    try:
        writer.write(json.dumps(question, ensure_ascii=False).encode() + b"\n")
        await writer.drain()
        async with asyncio.timeout(_PATIENCE):
            line = await reader.readline()
    except (OSError, TimeoutError):
        raise Refused(_nobody_there(path)) from None
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
    if not line:
        raise Refused(_nobody_there(path))
    answer: dict[str, Any] = json.loads(line)
    if "problems" in answer:
        raise Refused([Problem(*each) for each in answer["problems"]])
    return answer


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for it that fits a socket's address, however long its own is (unix(7): 107 bytes)."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{directory}/{path.name}"
    finally:
        os.close(directory)


def _nobody_there(path: Path) -> Problem:
    return Problem(
        "emergency.no_server",
        str(path),
        "このデータディレクトリで動いているサーバーがありません。データベースなしで送れるのは、データベースが止まる前から"
        "動いていたサーバー(todoke serve または todoke worker)だけです。--data を確かめ、"
        "そのサーバーと同じ利用者で実行してください。",
        "No server runs on this data directory. Only one that was up before the database went (todoke serve or "
        "todoke worker) can send without it. Check --data, and run this as the user the server runs as.",
    )
