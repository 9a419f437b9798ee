"""celery on Redis: two prefork children, prefetch 64, no results, no events."""

from __future__ import annotations

import threading
import time
from multiprocessing.sharedctypes import RawArray

from celery import Celery
from celery.signals import worker_ready
from common import ROLE, TASKS, URL, say

app = Celery("bench", broker=URL)
app.conf.update(
    task_ignore_result=True, worker_prefetch_multiplier=64, worker_send_task_events=False, task_acks_late=False,
    worker_hijack_root_logger=False, broker_pool_limit=4, worker_redirect_stdouts=False,
)  # fmt: skip
seen = RawArray("b", TASKS)
"""Shared by the children, so that the parent knows when each task has run."""


@app.task
def noop(number: int) -> None:
    seen[number] += 1


@worker_ready.connect
def _ready(**_: object) -> None:
    say("ready")
    threading.Thread(target=_watch, daemon=True).start()


def _watch() -> None:
    while 0 in bytes(seen):
        time.sleep(0.005)
    say("done" if max(seen) == 1 else "twice")


def enqueue() -> None:
    say("begin")
    with app.producer_pool.acquire(block=True) as producer:
        for number in range(TASKS):
            noop.apply_async((number,), producer=producer)


if ROLE == "work":
    app.worker_main(["worker", "--pool=prefork", "--concurrency=2", "--loglevel=ERROR", "--without-gossip",
                     "--without-mingle", "--without-heartbeat"])  # fmt: skip
else:
    enqueue()
