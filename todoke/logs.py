"""Log lines: JSON for machines or columns for people, on standard error, with nobody's address in them."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO, cast
from uuid import uuid4

import structlog
from prometheus_client import Counter
from structlog.typing import EventDict, Processor, WrappedLogger

from config.settings import Log

DROPPED = Counter("todoke_log_lines_dropped_total", "Log lines that could not be written.")
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
HIDDEN = "‹hidden›"
ADDRESSES = re.compile(
    r"""
    \b[UCR][0-9a-f]{32}\b                                       # LINE: user, group, room
    | [\w.!#$%&'*/=?^`{|}~+-]+@[\w.-]+                          # mailbox
    | \+\d(?:[\s().-]{0,2}\d){7,14}(?!\d)                       # phone, E.164, however it is grouped
    | (?<![\w.:/+-])0\d{1,4}(?:[ ()-]{0,2}\d){6,9}(?![\w-])     # phone, as written in Japan
    """,
    re.VERBOSE,
)
"""A second line of defence: nothing should log an address in the first place."""


def configure(settings: Log, stream: TextIO | None = None) -> None:
    """Set up structlog for the process; lines go to `stream`, else standard error. Libraries' warnings go the same way."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            hide_addresses,
            _renderer(settings),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(unfailing(stream or sys.stderr)),
        cache_logger_on_first_use=False,
    )
    others = logging.getLogger()
    if not any(isinstance(handler, _Relay) for handler in others.handlers):
        others.addHandler(_Relay())


class Unfailing(io.TextIOBase):
    """A stream for log lines: one that cannot be written, on a full disk say, is dropped and counted, never raised.

    No message waits for a log. When lines can be written again, one says how many are missing.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._missing = 0

    def write(self, text: str) -> int:
        try:
            self._stream.write(self._how_many_are_missing() + text)
            self._stream.flush()
        except (OSError, ValueError):
            lines = text.count("\n")
            self._missing += lines
            DROPPED.inc(lines)
        else:
            self._missing = 0
        return len(text)

    def _how_many_are_missing(self) -> str:
        """As a line: by the logger it would wait for the line that is just being written."""
        told = {"event": "log_lines_dropped", "level": "error", "lines": self._missing}
        return json.dumps(told) + "\n" if self._missing else ""

    def isatty(self) -> bool:
        return self._stream.isatty()


def unfailing(stream: TextIO) -> TextIO:
    """`stream`, made so that writing to it raises nothing."""
    return cast(TextIO, Unfailing(stream))


class _Relay(logging.Handler):
    """What libraries tell the standard library's logging becomes a line of ours, with no address in it."""

    def emit(self, record: logging.LogRecord) -> None:
        level = min(max(record.levelno // 10 * 10, logging.DEBUG), logging.CRITICAL)  # structlog knows the five only
        said = structlog.get_logger().bind(logger=record.name)
        said.log(level, record.getMessage(), exc_info=record.exc_info)


def hide_addresses(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A structlog processor: whatever looks like an address is hidden, however deep it lies."""
    return {hidden(key): _without_addresses(value) for key, value in event.items()}


def hidden(text: str) -> str:
    """The text without anything that looks like a phone number, a mailbox or a LINE id."""
    return ADDRESSES.sub(HIDDEN, text)


def crash(error: BaseException, settings: Log, data: Path) -> str:
    """Keep the trace of something nobody expected, and return the id it can be found by.

    A terminal is spared the trace: it goes to `errors.log` in the data directory, else to the log.
    """
    name = uuid4().hex[:12]
    if settings.format == "json":
        structlog.get_logger().error("crashed", id=name, exc_info=error)
        return name
    trace = hidden("".join(traceback.format_exception(error)))
    try:
        _keep(f"{datetime.now(UTC).isoformat()} {name}\n{trace}\n", data / "errors.log")
    except OSError:
        structlog.get_logger().error("crashed", id=name, exc_info=error)
    return name


def _keep(trace: str, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("a", encoding="utf-8") as log:
        log.write(trace)


def _renderer(settings: Log) -> Processor:
    if settings.format == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


def _without_addresses(value: Any) -> Any:
    if isinstance(value, str):
        return hidden(value)
    if isinstance(value, Mapping):
        return {_without_addresses(key): _without_addresses(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_without_addresses(inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return hidden(str(value))
