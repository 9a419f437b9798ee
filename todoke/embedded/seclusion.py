"""How the server's user gets at its files, when a directory above them is closed to it.

A checkout in /root or below a mktemp directory is such a place. Opening those directories would
open them to everybody, so the server gets a view of its own instead (launch.py).
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from todoke.embedded.account import ROOT, Account
from todoke.embedded.launch import NOT_PERMITTED
from todoke.embedded.place import Place
from todoke.embedded.runner import run
from todoke.embedded.software import Software
from words.problem import Problem, Refused

COVERS = ("/mnt", "/media", "/srv", "/opt")
"""Directories every Linux has and PostgreSQL needs nothing of (FHS 3.0)."""


@dataclass(frozen=True, slots=True)
class Seclusion:
    """How to run PostgreSQL's programs here, and by what names they know our directories."""

    place: Place
    software: Software
    over: str | None

    def inside(self, path: Path) -> str:
        """The name `path`, below the place's root, has for the server."""
        return str(self._seen("data", self.place.root) / path.relative_to(self.place.root))

    def program(self, name: str) -> str:
        path = self.software.program(name)
        return str(self._seen("wheel", self.software.site) / path.relative_to(self.software.site))

    def run(
        self, command: Sequence[str], *, detach: bool = False, output: int | None = None, keep: Sequence[int] = ()
    ) -> subprocess.CompletedProcess[str]:
        """Run it as the server's user (runner.py). Raises Refused when this machine lets us hide nothing."""
        done = run(
            command,
            account=self.place.account if os.geteuid() == ROOT else None,
            over=self.over,
            shown=self._shown() if self.over else None,
            detach=detach,
            output=output,
            keep=keep,
        )
        if done.returncode == NOT_PERMITTED:
            raise Refused(_closed_above(self.place, self.software))
        return done

    def _shown(self) -> dict[str, Path]:
        parts = {f"wheel/{part.relative_to(self.software.site)}": part for part in self.software.parts if part.exists()}
        return {"data": self.place.root} | parts

    def _seen(self, name: str, outside: Path) -> Path:
        return outside if self.over is None else Path(self.over) / name


def seclusion_for(place: Place, software: Software) -> Seclusion:
    """None is needed unless we are root and a directory above is closed to the server's user."""
    program = software.program("postgres")
    if os.geteuid() != ROOT:
        return Seclusion(place, software, None)
    if not _permits(program, place.account, stat.S_IXOTH | stat.S_IROTH):
        raise Refused(_unreadable(software, place.account))
    if all(_reachable(path, place.account) for path in (place.root, program)):
        return Seclusion(place, software, None)
    return Seclusion(place, software, _cover(place.root))


def _reachable(path: Path, account: Account) -> bool:
    return all(_permits(parent, account, stat.S_IXOTH) for parent in path.parents)


def _permits(path: Path, account: Account, bits: int) -> bool:
    """Whether the mode gives the account these permissions, written as those for others."""
    status = path.stat()
    if status.st_uid == account.uid:
        bits <<= 6
    elif status.st_gid in account.groups:
        bits <<= 3
    return status.st_mode & bits == bits


def _cover(data: Path) -> str:
    """Covering a directory above our own files does no harm: they are opened before (launch.py)."""
    for cover in map(Path, COVERS):
        if cover.is_dir() and not cover.is_symlink():
            return str(cover)
    raise Refused(_no_cover(data))


def _closed_above(place: Place, software: Software) -> Problem:
    name = place.account.name
    return Problem(
        "postgres.closed_above",
        str(place.root.parent),
        f"PostgreSQL は利用者 {name} として動きますが、{name} はこのディレクトリか {software.root} に入れず、"
        "この環境では専用の見え方(mount namespace)も作れません。Todoke と --data を誰でも通れる場所"
        "(/srv など)に置くか、一般の利用者で実行するか、database_url を設定してください。",
        f"PostgreSQL runs as the user {name}, who cannot reach this directory or {software.root}, and this machine "
        "does not permit a private view of them (a mount namespace). Put Todoke and --data where everybody can "
        "pass through, such as /srv, run Todoke as an ordinary user, or set database_url.",
    )


def _unreadable(software: Software, account: Account) -> Problem:
    return Problem(
        "postgres.software_closed",
        str(software.root),
        f"利用者 {account.name} が PostgreSQL のプログラムを読めません。`chmod -R go+rX {software.root}` を"
        "実行するか、umask 022 で `make setup` をやり直してください。",
        f"The user {account.name} cannot read PostgreSQL's programs. Run `chmod -R go+rX {software.root}`, "
        "or `make setup` again with umask 022.",
    )


def _no_cover(data: Path) -> Problem:
    return Problem(
        "postgres.no_cover",
        str(data),
        f"PostgreSQL にこのディレクトリを見せるための場所がありません。{'、'.join(COVERS)} のどれかを作ってください。",
        f"There is no place to show PostgreSQL this directory. Make one of {', '.join(COVERS)}.",
    )
