"""The server process: started, recognised, watched."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from todoke.embedded.cluster import SUPERUSER, failure
from todoke.embedded.locks import READABLE_BY_OWNER, claim, held
from todoke.embedded.place import Place
from todoke.embedded.runner import INTERPRETER, run
from todoke.embedded.seclusion import Seclusion
from todoke.embedded.watchdog import SOCKET_FILE, SOCKET_FILES, runs_in
from words.problem import Problem, Refused

WATCHDOG = Path(__file__).with_name("watchdog.py")
GLANCE = 0.01
"""Seconds between two looks at a server that is starting."""
PATIENCE = 30.0
"""Seconds for a server that was killed, or is being stopped by hand, to be gone altogether."""
ANSWER_SECONDS = 0.2
SSL_REQUEST = struct.pack("!II", 8, 80877103)
"""Asks for TLS, which a server on a Unix socket declines with `N` (PostgreSQL manual, 54.7)."""
LOG_BYTES = 10_000_000
NO_PROCESS = str(2**22 + 1)
"""A process number Linux never gives (PID_MAX_LIMIT is 2^22)."""
STATUS_LINE = 7


@dataclass(frozen=True, slots=True)
class Server:
    place: Place
    seclusion: Seclusion

    @property
    def dsn(self) -> str:
        directory = quote(os.path.realpath(self.place.run), safe="")
        return f"postgresql://{SUPERUSER}@/postgres?host={directory}&port=5432"

    def watch(self) -> None:
        """See to it that a watchdog waits for the last user to go."""
        lock = claim(self.place.watchdog)
        if lock is None:
            return
        try:
            run([*INTERPRETER, str(WATCHDOG), str(self.place.root), str(lock)], detach=True, keep=[lock])
        finally:
            os.close(lock)

    def alive(self) -> bool:
        """Whether it takes connections. Waits for one that is on its way out; raises Refused if it stays."""
        last_look = time.monotonic() + PATIENCE
        while held(self.place.server):
            if self._answers():
                return True
            if time.monotonic() > last_look and not self._here():
                raise Refused(_out_of_reach(self.place))
            time.sleep(GLANCE)
        return False

    def start(self) -> None:
        """Start it and wait until it takes connections. Raises Refused with its last words when it ends instead."""
        self._forget_the_last()
        self.place.make_run()
        lock = claim(self.place.server)
        if lock is None:
            raise Refused(_out_of_reach(self.place))
        written = self._launch(lock)
        self._wait(lambda: failure(self.place, _read_from(self.place.log, written)))

    def _launch(self, lock: int) -> int:
        """Returns where in the log its words begin."""
        log = os.open(self.place.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, READABLE_BY_OWNER)
        try:
            self.place.own(self.place.log)
            if os.fstat(log).st_size > LOG_BYTES:
                os.ftruncate(log, 0)
            written = os.fstat(log).st_size
            self.seclusion.run(self._command(), detach=True, output=log, keep=[lock])
        finally:
            os.close(log)
            os.close(lock)
        return written

    def _command(self) -> list[str]:
        run = self.place.run
        sockets = os.path.realpath(run) if run.is_symlink() else self.seclusion.inside(run)
        return [self.seclusion.program("postgres"), "-D", self.seclusion.inside(self.place.cluster), "-k", sockets]

    def _wait(self, why: Callable[[], Problem]) -> None:
        """As long as it lives: recovery after a crash takes its time."""
        while not self._ready():
            if not held(self.place.server):
                raise Refused(why())
            time.sleep(GLANCE)

    def _ready(self) -> bool:
        lines = self._pid_file_lines()
        return len(lines) > STATUS_LINE and lines[STATUS_LINE].strip() == "ready"

    def _here(self) -> bool:
        """Whether it is a process of this machine, as far as we can see."""
        lines = self._pid_file_lines()
        return bool(lines) and runs_in(int(lines[0]), self.place.cluster)

    def _answers(self) -> bool:
        """A connection alone proves nothing: the children of a killed server keep its socket open for a moment."""
        if not self._ready():
            return False
        with socket.socket(socket.AF_UNIX) as knock:
            knock.settimeout(ANSWER_SECONDS)
            try:
                knock.connect(str(self.place.run.resolve() / SOCKET_FILE))
                knock.sendall(SSL_REQUEST)
                return knock.recv(1) == b"N"
            except OSError:
                return False

    def _forget_the_last(self) -> None:
        """Make a dead server's files say so.

        Its number may be somebody else's by now, above all in a container, where numbers are small;
        PostgreSQL would take that process for a living server and never start again. The rest of the
        pid file stays: by it PostgreSQL finds out whether children of the dead one still write.
        """
        lines = self._pid_file_lines()
        if not lines or self._here():
            return
        for name in SOCKET_FILES:
            (self.place.run / name).unlink(missing_ok=True)
        lines[0] = NO_PROCESS
        lines[STATUS_LINE:] = ["stopped"]
        self._pid_file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    @property
    def _pid_file(self) -> Path:
        return self.place.cluster / "postmaster.pid"

    def _pid_file_lines(self) -> list[str]:
        try:
            return self._pid_file.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return []


def _read_from(path: Path, start: int) -> str:
    with path.open("rb") as log:
        log.seek(start)
        return log.read().decode(errors="replace")


def _out_of_reach(place: Place) -> Problem:
    return Problem(
        "postgres.in_use",
        str(place.root),
        "このデータディレクトリは、ここからは届かない PostgreSQL(別のホストかコンテナ)が使っています。"
        "そちらを止めるか、--data で別のディレクトリを指定するか、database_url を設定してください。",
        "This data directory is in use by a PostgreSQL that cannot be reached from here (on another host, or in a "
        "container). Stop that one, name another directory with --data, or set database_url.",
    )
