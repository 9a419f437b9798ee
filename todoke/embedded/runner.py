"""Run PostgreSQL's programs and the watchdog through launch.py."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from todoke.embedded.account import Account

LAUNCH = Path(__file__).with_name("launch.py")
INTERPRETER = (sys.executable, "-I", "-S")
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def run(
    command: Sequence[str],
    *,
    account: Account | None = None,
    over: str | None = None,
    shown: Mapping[str, Path] | None = None,
    detach: bool = False,
    output: int | None = None,
    keep: Sequence[int] = (),
) -> subprocess.CompletedProcess[str]:
    """Run a command as `account`, with the directories `shown` below `over` for its eyes only.

    What it says is captured, or goes to the file descriptor `output`; it inherits those in `keep`.
    With `detach` it goes on by itself. The exit code is the command's, or one of launch.py's.
    """
    order = {
        "command": list(command),
        "detach": detach,
        "account": account and [account.uid, account.gid, list(account.groups)],
        "over": over,
        "shown": {name: str(directory) for name, directory in (shown or {}).items()},
    }
    return subprocess.run(  # noqa: S603 our own interpreter and script
        [*INTERPRETER, str(LAUNCH), json.dumps(order)],
        check=False,
        cwd="/",
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=_target(detach=detach, output=output),
        stderr=subprocess.STDOUT,
        pass_fds=keep,
        start_new_session=True,
        text=True,
    )


def _target(*, detach: bool, output: int | None) -> int:
    """A pipe would be held open by whoever goes on."""
    if output is not None:
        return output
    return subprocess.DEVNULL if detach else subprocess.PIPE
