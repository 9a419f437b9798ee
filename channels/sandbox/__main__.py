"""`python -m channels.sandbox`: runs a sandbox and prints its endpoints as one line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec

from channels.sandbox.faults import read_rules_file
from channels.sandbox.options import Options
from channels.sandbox.server import serving
from channels.sandbox.settings_file import Endpoints
from words.problem import Refused

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


async def run(options: Options, announce: Callable[[Endpoints], None], *, until_eof: bool = False) -> None:
    """Serves until SIGTERM; with `until_eof` also until standard input closes. Raises Refused as `serving` does."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    if until_eof:
        await loop.connect_read_pipe(lambda: _Leash(stop), sys.stdin)
    async with serving(options) as endpoints:
        announce(endpoints)
        await stop.wait()


class _Leash(asyncio.Protocol):
    """Ends the sandbox with whoever holds the other end of its standard input, killed or not."""

    def __init__(self, stop: asyncio.Event) -> None:
        self._stop = stop

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop.set()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m channels.sandbox", description=__doc__)
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--http-port", type=int, default=0)
    parser.add_argument("--smtp-port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--faults", type=Path)
    parser.add_argument("--line-rate", type=int, default=200)
    parser.add_argument("--sms-rate", type=int, default=100)
    parser.add_argument("--quota", type=int)
    parser.add_argument("--smtp-connections", type=int, default=0)
    parser.add_argument("--receipt-delay", type=float, default=0.05)
    parser.add_argument("--callback", default="")
    parser.add_argument("--until-eof", action="store_true", help="stop when standard input closes")
    return parser


def _options(given: argparse.Namespace) -> Options:
    return Options(
        directory=given.dir,
        http_port=given.http_port,
        smtp_port=given.smtp_port,
        seed=given.seed,
        faults=read_rules_file(given.faults) if given.faults else (),
        line_rate=given.line_rate,
        sms_rate=given.sms_rate,
        quota=given.quota,
        smtp_connections=given.smtp_connections,
        receipt_delay=given.receipt_delay,
        callback=given.callback,
    )


def _announce(endpoints: Endpoints) -> None:
    sys.stdout.write(msgspec.json.encode(endpoints).decode() + "\n")
    sys.stdout.flush()


def main() -> int:
    given = _arguments().parse_args()
    try:
        asyncio.run(run(_options(given), _announce, until_eof=given.until_eof))
    except Refused as refused:
        sys.stderr.write("\n".join(refused.say("en")) + "\n")
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
