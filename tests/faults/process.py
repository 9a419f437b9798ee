"""A Todoke process of a row: started, watched, killed, frozen. It dies with the harness, however that ends."""

from __future__ import annotations

import asyncio
import ctypes
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.faults.evidence import Break

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 60.0
"""For a process to be ready; the machine may be busy."""
PR_SET_PDEATHSIG = 1


@dataclass
class Process:
    """A process that is ready. `ready` is the JSON line it said so with; `log` its standard error."""

    name: str
    ready: dict[str, Any]
    log: Path
    child: asyncio.subprocess.Process
    broke: Callable[[Break], None]
    killed_at: datetime | None = None
    """When we last killed or froze it, UTC."""

    @property
    def pid(self) -> int:
        return self.child.pid

    @property
    def session(self) -> int:
        """The worker's session number in the database; 0 for other processes."""
        return int(self.ready.get("session", 0))

    @property
    def alive(self) -> bool:
        return self.child.returncode is None

    async def kill(self) -> float:
        """SIGKILL to it and its children; gives the monotonic time of the kill."""
        at = time.monotonic()
        self._signal(signal.SIGKILL)
        self._broken()
        await self.child.wait()
        return at

    def freeze(self) -> None:
        """SIGSTOP, until `wake`."""
        self._signal(signal.SIGSTOP)
        self._broken()

    def wake(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    async def terminate(self, seconds: float = 30) -> float:
        """SIGTERM; gives the seconds it took to end. Raises TimeoutError when it does not end by itself."""
        began = time.monotonic()
        self._signal(signal.SIGTERM)
        async with asyncio.timeout(seconds):
            await self.child.wait()
        return time.monotonic() - began

    @property
    def code(self) -> int | None:
        """How it ended; None while it runs."""
        return self.child.returncode

    async def close(self) -> None:
        """End it if it still runs, unheard by the checker."""
        self._signal(signal.SIGKILL)
        await self.child.wait()

    def _signal(self, number: signal.Signals) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                os.killpg(self.pid, number)

    def _broken(self) -> None:
        self.killed_at = datetime.now(UTC)
        if self.session:
            self.broke(Break(self.session, self.killed_at))


async def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str],
    broke: Callable[[Break], None],
    prefix: Sequence[str] = (),
) -> Process:
    """Start `python -m todoke COMMAND` in a session of its own, behind `prefix` if given, and wait for its first line.

    Raises RuntimeError with the end of its log when it does not become ready.
    """
    with log.open("ab") as errors:
        child = await asyncio.create_subprocess_exec(
            *prefix,
            sys.executable,
            "-m",
            "todoke",
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, "LANG": "C.UTF-8", **env},
            start_new_session=True,
            preexec_fn=die_with_parent,
        )
    ready = await _first_line(child, name, log)
    return Process(name, ready, log, child, broke)


async def _first_line(child: asyncio.subprocess.Process, name: str, log: Path) -> dict[str, Any]:
    assert child.stdout is not None
    try:
        line = await asyncio.wait_for(child.stdout.readline(), START_SECONDS)
        return dict(json.loads(line))
    except (TimeoutError, ValueError):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        await child.wait()
        raise RuntimeError(f"{name} did not start:\n{tail(log)}") from None
    except BaseException:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        raise


def tail(log: Path, lines: int = 20) -> str:
    """The end of a log, for people."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def die_with_parent() -> None:
    """Linux: if the harness is killed outright, nothing of it goes on running."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
