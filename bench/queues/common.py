"""What every queue's script does alike. These run in `.venv-bench`, by path, and import nothing of Todoke.

`SCRIPT work URL TASKS` says `ready`, runs tasks until it has run each of `TASKS` once, and says `done`
with the time on the monotonic clock. `SCRIPT enqueue URL TASKS` says `begin` with the time, and enqueues them.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

ROLE, URL, TASKS = (sys.argv[1], sys.argv[2], int(sys.argv[3])) if len(sys.argv) > 3 else ("", "", 0)  # noqa: PLR2004
seen = bytearray(TASKS)
_left = TASKS


def run(number: int) -> None:
    """All that a task does: be seen. Ends the process after the last one; a repeated task is an error."""
    global _left  # noqa: PLW0603 one counter a process is what this is about
    if seen[number]:
        say("twice")
        os._exit(1)
    seen[number] = 1
    _left -= 1
    if not _left:
        say("done")
        os._exit(0)


def say(word: str) -> None:
    print(word, time.monotonic(), flush=True)


def main(work: Callable[[], Coroutine[Any, Any, None]], enqueue: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Play the role that the command line names."""
    asyncio.run(work() if ROLE == "work" else enqueue())
