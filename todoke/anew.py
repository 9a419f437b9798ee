"""A process whose database was replaced under it begins anew, so that it knows nothing of the one before."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace

import structlog

from dispatcher.epoch import Epoch
from todoke.context import Context
from todoke.working import witnesses

log = structlog.get_logger(__name__)


def attentive(ctx: Context, stop: Callable[[], None]) -> Context:
    """The context of a process that stays up: its database is looked at, and `stop` called when it is another."""
    return replace(ctx, epoch=Epoch(witnesses(ctx.settings), on_replaced=stop))


def anew_if_replaced(ctx: Context) -> None:
    """Become the same command once more, in the same process, if that is why it stopped."""
    if ctx.epoch is not None and ctx.epoch.replaced:
        log.warning("starting_anew", reason="the database was replaced")
        sys.stdout.flush()
        sys.stderr.flush()
        os.execv(sys.executable, sys.orig_argv)  # noqa: S606 our own command line
