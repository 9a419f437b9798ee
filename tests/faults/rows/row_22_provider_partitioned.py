"""Row 22: the network to one provider is gone, or it answers 500 to everybody; the other channels do not notice."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from tests.faults.health import calls, noticed, p99, ratio, reached, taken_back, within
from tests.faults.process import Process
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import Stage

PEOPLE = 200
SETTINGS = ("sending.batch_size=5", "sending.poll_seconds=0.25", "channels.sms.rate=25", "channels.email.lane_rate=25")
"""Limits that take eight seconds, so that the figures are of the engine and not of a busy machine."""
QUIET_SECONDS = 20


@row(22, "a worker is cut off from one provider")
async def provider_partitioned(stage: Stage) -> list[Figure]:
    """LINE hangs behind a pulled cable, SMS and mail go on; LINE does when the cable is back."""
    sandbox = await stage.providers()
    proxy = await stage.proxy(*place(sandbox.line_url))
    await stage.town(PEOPLE)
    await stage.worker(*SETTINGS, f"channels.line.endpoint=http://{proxy.host}:{proxy.port}")
    before = await stage.send()
    await stage.over(before)

    proxy.drop()
    order = await stage.send()
    seconds = await noticed(stage, order, "breaker.open", "line")
    for channel in ("sms", "email"):
        await reached(stage, order, channel, PEOPLE)
    proxy.heal()
    back = await reached(stage, order, "line", PEOPLE)
    await taken_back(stage, "breaker.open", "line")
    await stage.over(order)
    await stage.check(before, order, lost_replies=float("inf"))
    return [
        *stage.verdict.figures(),
        at_most("noticed and told after", seconds, 10, "s"),
        *[
            ratio(f"p99 by {channel}, against before", await p99(stage, order, channel), fine, 1.1)
            for channel in ("sms", "email")
            for fine in [await p99(stage, before, channel)]
        ],
        within("LINE reached everybody after it was back", back, 10),
    ]


@row(22, "a provider answers 500 to everybody")
async def provider_out_of_order(stage: Stage) -> list[Figure]:
    """LINE is noticed, shown, left in peace, and comes back by itself."""
    sandbox = await stage.providers()
    await sandbox.set_faults([{"channel": "line", "fault": "error"}])
    await stage.town(PEOPLE, phone=False, mail=False)
    server = await stage.serve(*SETTINGS)
    order = await stage.send(channels=["line"])
    seconds = await noticed(stage, order, "breaker.open", "line")
    hidden = await _hidden(stage, server)
    began = time.monotonic()
    await asyncio.sleep(QUIET_SECONDS)
    probes = len(calls(sandbox, "line", since=began))
    await sandbox.set_faults([])
    back = await reached(stage, order, "line", PEOPLE)
    await stage.over(order)
    await stage.check(order)
    return [
        *stage.verdict.figures(),
        at_most("noticed and told after", seconds, 10, "s"),
        at_most("of status, metrics and log, those that do not show it", hidden, 0),
        at_most(f"calls in {QUIET_SECONDS} s out of order", probes, QUIET_SECONDS / 2 + 1),
        within("everybody reached after it was back", back, 10),
    ]


@row(22, "a provider answers 500 to three calls in ten")
async def provider_unwell(stage: Stage) -> list[Figure]:
    """Sending goes on, and the brown-out is told."""
    sandbox = await stage.providers()
    await sandbox.set_faults([{"channel": "line", "fault": "error", "probability": 0.3}])
    await stage.town(PEOPLE, phone=False, mail=False)
    await stage.worker(*SETTINGS)
    order = await stage.send(channels=["line"])
    seconds = await noticed(stage, order, "provider.unwell", "line")
    await stage.over(order)
    await taken_back(stage, "provider.unwell", "line")
    await stage.check(order)
    return [*stage.verdict.figures(), at_most("noticed and told after", seconds, 10, "s")]


async def _hidden(stage: Stage, server: Process) -> int:
    """How many of the three places where it is to be seen do not show an open breaker of LINE."""
    status = await stage.run("status")
    async with aiohttp.ClientSession() as session, session.get(f"{server.ready['listening']}/metrics") as answer:
        metrics = await answer.text()
    log = await asyncio.to_thread(server.log.read_text, encoding="utf-8")
    shown = (
        "every two seconds" in status.out,
        'todoke_breaker_state{channel="line",lane=""} 1.0' in metrics,
        '"breaker_opened"' in log,
    )
    return shown.count(False)


def place(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").rpartition(":")
    return host, int(port)
