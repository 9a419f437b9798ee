"""Todoke as people use it: the command line, as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended. `last` is the last JSON line it printed."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> Any:
        return json.loads(self.out.strip().splitlines()[-1])


@dataclass(frozen=True, slots=True)
class Todoke:
    """The command line on one database and data directory."""

    data: Path
    database_url: str
    config: Path | None = None

    async def start(self, *arguments: str | Path, log: Path | None = None) -> asyncio.subprocess.Process:
        """`log`: a file for what it says on standard error, for one that stays and must not wait for a reader."""
        config = ["--config", str(self.config)] if self.config else []
        said = log.open("ab") if log is not None else nullcontext(asyncio.subprocess.PIPE)
        with said as stderr:
            return await self._start(config, arguments, stderr)

    async def _start(
        self, config: Sequence[str], arguments: Sequence[str | Path], stderr: IO[bytes] | int
    ) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "todoke",
            *map(str, arguments),
            "--data",
            str(self.data),
            *config,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"TODOKE_DATABASE_URL": self.database_url, "LANG": "C.UTF-8"},
        )

    async def run(self, *arguments: str | Path) -> Ended:
        process = await self.start(*arguments)
        out, err = await process.communicate()
        return Ended(process.returncode or 0, out.decode(), err.decode())

    async def ok(self, *arguments: str | Path) -> Ended:
        """The command, which has to succeed."""
        ended = await self.run(*arguments)
        assert ended.code == 0, f"{arguments}: {ended.out}{ended.err}"
        return ended
