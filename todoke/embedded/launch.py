"""Run one command as another user, if asked where only it can see its files. A program of its own.

Run by path with a bare interpreter (`python -I -S launch.py ORDER`): it starts in milliseconds and
needs nothing of Todoke. ORDER is one JSON object:

    command   list of str
    detach    whether to leave it running in a session of its own and end
    account   [uid, gid, [groups]] to become, or null
    over      a directory to cover by a private file system, or null
    shown     {name: directory}: what to show in there

A private file system exists in this process's mount namespace only (mount_namespaces(7)): nothing is
changed for anybody else, and nobody else can go through it.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from pathlib import Path
from typing import Any

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000
PR_SET_NO_NEW_PRIVS = 38
NOT_PERMITTED = 77


def main() -> None:
    order: dict[str, Any] = json.loads(sys.argv[1])
    if order["over"] is not None:
        _seclude(order["over"], order["shown"])
    os.umask(0o077)
    os.chdir("/")
    if order["account"] is not None:
        _become(*order["account"])
    if order["detach"]:
        _detach()
    os.execv(order["command"][0], order["command"])  # noqa: S606 this is what we are for


def _seclude(over: str, shown: dict[str, str]) -> None:
    os.umask(0o022)
    libc = ctypes.CDLL(None, use_errno=True)
    try:
        _checked(libc.unshare(CLONE_NEWNS))
        _mount(libc, "none", "/", MS_REC | MS_PRIVATE)
        sources = {name: os.open(directory, os.O_PATH | os.O_DIRECTORY) for name, directory in shown.items()}
        _checked(libc.mount(b"todoke", os.fsencode(over), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=0711,size=1m"))
        for name, source in sources.items():
            target = f"{over}/{name}"
            Path(target).mkdir(parents=True)
            _mount(libc, f"/proc/self/fd/{source}", target, MS_BIND | MS_REC)
            os.close(source)
    except OSError as error:
        print(error.strerror, file=sys.stderr)
        sys.exit(NOT_PERMITTED)


def _mount(libc: ctypes.CDLL, source: str, target: str, flags: int) -> None:
    _checked(libc.mount(os.fsencode(source), os.fsencode(target), None, flags, None))


def _checked(result: int) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _become(uid: int, gid: int, groups: list[int]) -> None:
    ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    os.setgroups(groups)
    os.setgid(gid)
    os.setuid(uid)


def _detach() -> None:
    """Leave the terminal, and our starter's care: whoever started us must neither wait for us nor reap us."""
    if os.fork():
        os._exit(0)
    os.setsid()


if __name__ == "__main__":
    main()
