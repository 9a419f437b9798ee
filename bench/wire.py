"""The wire: each channel's `send` against a bare client that posts the same bytes to the same bare server.

Bare LINE and SMS are aiohttp's session with bodies made beforehand, as anyone would write it; ours use the layer
below the session, and make the bodies. Bare email is aiosmtplib's `sendmail`, on as many connections. The relay is
measured as it comes, and once more announcing PIPELINING, which aiosmtplib does not use.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from itertools import islice
from time import monotonic
from typing import Any
from uuid import UUID

import numpy as np
from pydantic import BaseModel

from bench.bare import Call, bare_line, bare_mail, bare_sms
from bench.checking import once_each
from bench.people import address_of
from bench.remote import Remote, provider
from bench.reporting import middle, not_counted, progress, significant
from bench.working import email, line, sms
from channels.contract import Channel, Message, Recipient, Verdict
from channels.registry import open_channels

PEOPLE_A_CALL = 500
PORTION = 25_000
"""People whose calls are made ready at once."""
TEXT = Message("ja", "避難指示", "川沿いの方へ避難指示。ただちに高台へ避難してください。避難所は川辺小学校です。" * 4)


@dataclass(slots=True)
class Compared:
    """Calls a second of ours and of the bare client, run by turns."""

    ours: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        return middle([ours / bare for ours, bare in zip(self.ours, self.bare, strict=True)])

    def told(self) -> dict[str, float]:
        return {
            "ratio": significant(self.ratio),
            "ours": round(middle(self.ours)),
            "bare": round(middle(self.bare)),
        }


@dataclass(frozen=True, slots=True)
class Way:
    """A channel with as many calls at once as connections, and the bare client for the same."""

    name: str
    kind: str
    people: int
    at_once: int
    settings: Callable[[Remote], BaseModel]
    bare: Callable[[Remote, int, Message], AbstractAsyncContextManager[Call]]
    pipelining: bool = False


WAYS = {
    "line": Way("line", "line", PEOPLE_A_CALL, 16, line, bare_line),
    "sms": Way("sms", "phone", 1, 16, sms, bare_sms),
    "email": Way("email", "email", 1, 20, lambda remote: email(remote.mail_port), bare_mail),
    "email_pipelining": Way(
        "email", "email", 1, 20, lambda remote: email(remote.mail_port), bare_mail, pipelining=True
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--recipients", "--calls", dest="calls", type=int, default=10_000, help="calls of SMS and email;"
                        " a fifth as many multicasts")  # fmt: skip
    parser.add_argument("--runs", type=int, default=3)


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    found = {}
    for name, way in WAYS.items():
        calls = max(1, arguments.calls // 5) if way.people > 1 else arguments.calls
        found[name] = asyncio.run(_compare(way, calls, arguments.runs))
        progress(f"{name}: ratio {found[name].ratio:.2f}")
    result: dict[str, Any] = {
        "ratio": significant(min(each.ratio for each in found.values())),
        "calls": arguments.calls,
        "runs": arguments.runs,
        **{name: each.told() for name, each in found.items()},
    }
    checked = not_counted(result, [reason for each in found.values() for reason in each.wrong])
    return checked | {"lines": _lines(checked)}


async def _compare(way: Way, calls: int, runs: int) -> Compared:
    """`runs` times the bare client and ours, after one turn of each that does not count."""
    found = Compared()
    everybody = np.arange(1, calls * way.people + 1)
    async with (
        provider(pipelining=way.pipelining) as remote,
        _ours(way, remote) as ours,
        way.bare(remote, way.at_once, TEXT) as bare,
    ):
        for turn in range(runs + 1):
            for call, rates in ((bare, found.bare), (ours, found.ours)):
                rate = await _rate(call, _work(way, calls), calls, way)
                if turn:
                    rates.append(rate)
                found.wrong += once_each(await remote.taken(), everybody)
                await remote.forget()
    return found


@asynccontextmanager
async def _ours(way: Way, remote: Remote) -> AsyncIterator[Call]:
    async with open_channels({way.name: way.settings(remote)}) as channels:
        channel: Channel = channels[way.name]

        async def send(recipients: list[Recipient], key: UUID) -> None:
            answer = await channel.send(TEXT, recipients, key=key, expires_at=None)
            if answer.verdict is not Verdict.ACCEPTED:
                raise RuntimeError(f"{way.name} answered {answer.code}")

        yield lambda recipients, key: lambda: send(recipients, key)


def _work(way: Way, calls: int) -> Iterator[tuple[list[Recipient], UUID]]:
    for call in range(calls):
        first = call * way.people + 1
        people = [Recipient(address_of(number, way.kind), f"t.{call}.0") for number in range(first, first + way.people)]
        yield people, UUID(int=call + 1)


async def _rate(make: Call, work: Iterator[tuple[list[Recipient], UUID]], calls: int, way: Way) -> float:
    """Calls a second. What a call needs is made beforehand; what a channel makes of it is timed.

    Beforehand is a portion at a time: a worker has its recipients fresh from decrypting, and half a million
    made at once would be measured as they come back from memory.
    """
    seconds, portion = 0.0, max(1, PORTION // way.people)
    while prepared := [make(recipients, key) for recipients, key in islice(work, portion)]:
        seconds += await _seconds(iter(prepared), way.at_once)
    return calls / seconds


async def _seconds(prepared: Iterator[Callable[[], Awaitable[None]]], at_once: int) -> float:
    async def hand() -> None:
        for call in prepared:
            await call()

    began = monotonic()
    await asyncio.gather(*(hand() for _ in range(at_once)))
    return monotonic() - began


def _lines(result: dict[str, Any]) -> list[str]:
    lines = [f"wire, median of {result['runs']}, calls a second"]
    for name in WAYS:
        each = result[name]
        lines.append(f"  {name}: {each['ours']:,}; bare client {each['bare']:,}; ratio {each['ratio']}")
    return lines
