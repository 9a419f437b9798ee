"""The server's files in the data directory."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from todoke.embedded.account import ROOT, Account, called
from todoke.embedded.locks import open_lock
from todoke.embedded.watchdog import SOCKET_FILE
from words.problem import Problem, Refused

SOCKET_PATH_BYTES = 107
"""What fits `sun_path` on Linux, without its closing zero (unix(7))."""
PATH_BYTES = 900
"""PostgreSQL's own limit is 1,023 with the longest name below its directory."""


@dataclass(frozen=True, slots=True)
class Place:
    """`<data>/postgres`, which the server's user and root alone can enter, and what lies in it."""

    root: Path
    account: Account

    @classmethod
    def under(cls, data: Path, account: Account) -> Place:
        """Made ready to hold a server. Raises Refused when the directory cannot be made or written, or holds
        somebody else's files.
        """
        place = cls(data.resolve() / "postgres", account)
        if len(os.fsencode(place.root)) > PATH_BYTES:
            raise Refused(_too_long(data))
        try:
            place._check_owners()
            place._make()
        except OSError as error:
            raise Refused(_unwritable(data, error)) from None
        return place

    @property
    def cluster(self) -> Path:
        return self.root / "cluster"

    @property
    def log(self) -> Path:
        return self.root / "log"

    @property
    def run(self) -> Path:
        """The socket's directory; a link to a short one when its own path is too long for a socket."""
        return self.root / "run"

    @property
    def users(self) -> Path:
        return self.root / "users.lock"

    @property
    def starting(self) -> Path:
        return self.root / "starting.lock"

    @property
    def server(self) -> Path:
        """Held by the server itself and all its children, whoever started them and wherever they run."""
        return self.root / "server.lock"

    @property
    def watchdog(self) -> Path:
        return self.root / "watchdog.lock"

    def own(self, path: Path) -> None:
        """Give `path` to the server's user, when we are root."""
        if os.geteuid() == ROOT:
            os.chown(path, self.account.uid, self.account.gid)

    def make_run(self) -> None:
        """A directory for the socket, in place of whatever a killed server left."""
        if self.run.is_symlink() and not self.run.is_dir():
            self.run.unlink()
        if self.run.exists():
            return
        if _fits_a_socket(self.run):
            self.run.mkdir(mode=0o700)
            self.own(self.run)
            return
        short = Path(tempfile.mkdtemp(prefix="todoke-", dir="/tmp"))  # the one short path every Unix has
        self.own(short)
        self.run.symlink_to(short)

    def _check_owners(self) -> None:
        """PostgreSQL takes only its own user's files; a backup put back by root is root's."""
        for path in self._servers_own():
            try:
                owner = path.stat().st_uid
            except FileNotFoundError:
                continue
            if owner != self.account.uid:
                raise Refused(_other_owner(self, called(owner)))

    def _servers_own(self) -> Iterator[Path]:
        yield from (self.cluster, self.run)
        if self.cluster.is_dir():
            yield from self.cluster.iterdir()

    def _make(self) -> None:
        data = self.root.parent
        if not data.exists():
            # Root's server runs as somebody else, who has to pass through, but has no business looking around.
            data.mkdir(mode=0o711 if os.geteuid() == ROOT else 0o700, parents=True)
        self.root.mkdir(mode=0o700, exist_ok=True)
        self.own(self.root)
        for lock in (self.users, self.starting, self.server, self.watchdog):
            os.close(open_lock(lock))
            self.own(lock)


def _fits_a_socket(directory: Path) -> bool:
    """A comma would read as a list of hosts in the DSN."""
    path = os.fsencode(directory / SOCKET_FILE)
    return len(path) <= SOCKET_PATH_BYTES and b"," not in path


def _too_long(data: Path) -> Problem:
    return Problem(
        "postgres.path_too_long",
        str(data)[:60] + "…",
        f"データディレクトリのパスが長すぎます({PATH_BYTES} バイトまで)。--data で短いパスを指定してください。",
        f"The path of the data directory is too long (at most {PATH_BYTES} bytes). Name a shorter one with --data.",
    )


def _other_owner(place: Place, owner: str) -> Problem:
    hand_over = f"chown -R {place.account.name} {shlex.quote(str(place.root))}"
    return Problem(
        "postgres.other_owner",
        str(place.root),
        f"データベースのファイルは利用者 {owner} のものですが、PostgreSQL は {place.account.name} として動きます。"
        f"root で `{hand_over}` を実行してください。",
        f"The database's files belong to the user {owner}, but PostgreSQL runs as {place.account.name}. "
        f"Run `{hand_over}` as root.",
    )


def _unwritable(data: Path, error: OSError) -> Problem:
    return Problem(
        "postgres.unwritable",
        str(data),
        f"データディレクトリに書き込めません({error.strerror})。"
        "権限と空き容量を確かめるか、--data で別のディレクトリを指定してください。",
        f"The data directory cannot be written ({error.strerror}). "
        "Check its permissions and free space, or name another with --data.",
    )
