"""Who can get at the server: the user it runs as, root, and nobody else."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path

import pytest

from tests.todoke.embedded.conftest import Town, ask
from todoke.embedded import using_embedded_postgres

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
STARTUP = b"user\0todoke\0database\0postgres\0\0"


async def test_whoever_runs_todoke_gets_in_by_who_they_are(town: Town) -> None:
    with using_embedded_postgres(town.data) as dsn:
        assert (await ask(dsn, "select system_user")).startswith("peer:")


@needs_root
def test_roots_server_does_not_run_as_root(town: Town) -> None:
    with using_embedded_postgres(town.data):
        assert Path(f"/proc/{town.server}").stat().st_uid != 0


@needs_root
def test_directories_above_stay_closed(town: Town) -> None:
    town.data.parent.chmod(0o700)
    with using_embedded_postgres(town.data):
        assert town.data.parent.stat().st_mode & 0o777 == 0o700
        assert "/mnt" not in [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]


@needs_root
def test_another_user_cannot_even_knock(town: Town) -> None:
    with using_embedded_postgres(town.data):
        assert _knock(town.place / "run") == "PermissionError"


@needs_root
def test_another_user_who_can_knock_is_not_let_in(town: Town) -> None:
    """Were the doors open, the map of names would still keep the house."""
    with using_embedded_postgres(town.data):
        (town.place / "run").chmod(0o711)
        (town.place / "run" / ".s.PGSQL.5432").chmod(0o777)
        assert "Peer authentication failed" in _knock(town.place / "run")


def _knock(directory: Path) -> str:
    """The server's answer to a stranger, who is put into the directory, past those above."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.chdir(directory)
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY - 1)
        os.write(write, _greet().encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(write)
    said = os.read(read, 10_000).decode()
    os.close(read)
    return said


def _greet() -> str:
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(".s.PGSQL.5432")
            door.sendall(struct.pack("!II", len(STARTUP) + 8, 196608) + STARTUP)
            return door.recv(1000).decode(errors="replace")
    except OSError as error:
        return type(error).__name__
