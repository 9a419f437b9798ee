"""Row 45: a worker may open 64 files only, or has hardly more memory than it needs idle."""

from __future__ import annotations

import asyncio
import os
import re
import time
from contextlib import suppress
from pathlib import Path

from tests.faults.process import Process
from tests.faults.row import Figure, at_least, at_most, row
from tests.faults.stage import Stage

PEOPLE = 300
FILES = 64
SPARE_BYTES = 96 * 2**20
SERVED_SECONDS = 90
MANY = ("channels.line.connections=32", "channels.sms.connections=64", "channels.email.connections=64")
"""More than there are files."""


@row(45, "a worker may open 64 files")
async def few_files(stage: Stage) -> list[Figure]:
    """A campaign is under way when the order comes; providers are slow, so that all connections are wanted at once."""
    sandbox = await stage.providers()
    await sandbox.set_faults([{"channel": name, "fault": "slow", "seconds": 0.3} for name in ("line", "sms", "email")])
    await stage.town(PEOPLE)
    prefix = ["prlimit", f"--nofile={FILES}:{FILES}"]
    worker = await stage.worker("sending.batch_size=20", *MANY, prefix=prefix)
    peak = asyncio.create_task(_most_open(worker))
    served = await _served(stage, worker, "64 files")
    await worker.terminate()
    return [*served, at_least("files open at most", await peak, FILES - 4)]


@row(45, "a worker's memory is capped")
async def little_memory(stage: Stage) -> list[Figure]:
    """The cap is on address space: what a worker has when it is ready, and a little."""
    await stage.providers()
    await stage.town(PEOPLE)
    free = await stage.worker()
    needs = _status(free, "VmPeak")
    await free.terminate()
    worker = await stage.worker(prefix=["prlimit", f"--as={needs + SPARE_BYTES}"])
    return await _served(stage, worker, f"{(needs + SPARE_BYTES) >> 20} MiB")


async def _served(stage: Stage, worker: Process, limit: str) -> list[Figure]:
    campaign = await stage.send(event_class="tourism")
    began = time.monotonic()
    order = await stage.send(event_class="evacuation")
    await stage.over(order, seconds=SERVED_SECONDS + 60)
    served = time.monotonic() - began
    await stage.over(campaign, seconds=120)
    await stage.check(campaign, order)
    return [
        *stage.verdict.figures(),
        at_most(f"{limit}: evacuation through after", served, SERVED_SECONDS, "s"),
        at_most(f"{limit}: workers that ended", int(not worker.alive), 0),
    ]


def _status(process: Process, name: str) -> int:
    """Bytes, as Linux knows them of a process."""
    text = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
    found = re.search(rf"{name}:\s+(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


async def _most_open(worker: Process) -> int:
    """Until it ends: the limit has to have been met, or the row shows nothing."""
    most, files = 0, f"/proc/{worker.pid}/fd"
    while worker.alive:
        with suppress(OSError):
            most = max(most, len(await asyncio.to_thread(os.listdir, files)))
        await asyncio.sleep(0.02)
    return most
