"""A PostgreSQL with PostGIS for a benchmark: made for it and thrown away, where this machine has one installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE

USER = "postgres"
"""Who runs the server when root measures: PostgreSQL refuses to run as root."""

SETTINGS = ("shared_buffers=2GB", "work_mem=512MB", "maintenance_work_mem=1GB", "max_wal_size=8GB", "jit=off",
            "max_parallel_workers_per_gather=0", "fsync=off", "listen_addresses=")  # fmt: skip


class LeftOut(Exception):
    """A peer that could not be asked, and why."""


@contextmanager
def postgis() -> Iterator[Path]:
    """The directory of the server's socket, while it runs. Raises LeftOut where there is no PostGIS."""
    programs, user = _programs(), USER if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        directory = Path(name)
        if user:
            shutil.chown(directory, user)
        options = " ".join(f"-c {each}" for each in (*SETTINGS, f"unix_socket_directories={directory}"))
        control: list[Path | str] = [programs / "pg_ctl", "--pgdata", directory / "cluster", "--wait"]
        _do(user, programs / "initdb", "--pgdata", directory / "cluster", "--auth", "trust", "--username", USER)
        _do(user, *control, "--log", directory / "log", "--options", options, "start")
        try:
            yield directory
        finally:
            _do(user, *control, "--mode", "immediate", "stop")


def _programs() -> Path:
    """Where the server programs of a PostgreSQL are that has PostGIS."""
    configs = [Path(found) for found in [shutil.which("pg_config")] if found]
    configs += sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_config"), reverse=True)
    for config in configs:
        share, programs = (_said(config, option) for option in ("--sharedir", "--bindir"))
        if (Path(share) / "extension" / "postgis.control").exists() and (Path(programs) / "initdb").exists():
            return Path(programs)
    raise LeftOut("no PostgreSQL on this machine has it")


def _said(program: Path, *words: str) -> str:
    return subprocess.run([program, *words], check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603


def _do(user: str | None, *words: str | Path) -> None:
    done = subprocess.run(words, stdout=DEVNULL, stderr=PIPE, text=True, check=False, user=user, cwd="/")  # noqa: S603
    if done.returncode:
        raise LeftOut((done.stderr.strip().splitlines() or [f"{words[0]} failed"])[-1])
