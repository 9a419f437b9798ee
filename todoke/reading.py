"""Reading an event file: parsed, its boundary found, its texts checked against every channel's limits."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from channels.contract import Channel
from config import Settings
from dispatcher import reading
from dispatcher.drafting import Drafter, Town
from dispatcher.events import DOCUMENT_BYTES, Event
from subscribers.columns import open_audience
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool


class Reader(reading.Reader):
    """Reads event files as well."""

    async def event(self, path: Path) -> Event:
        """The event in the file, ready to be approved. Raises Refused with every problem of the document, or of its texts."""
        return await self.read(read_bytes(path), base_dir=path.parent)


async def counted(pool: Pool, event: Event, channels: Mapping[str, Channel]) -> int | None:
    """How many people are in the event's area now, as planning will count them; None where it has none of its own."""
    kinds = {name: channel.contact for name, channel in channels.items()}
    return await Drafter(pool, await open_audience(pool), kinds).count(event)


def read_bytes(path: Path, most: int = DOCUMENT_BYTES) -> bytes:
    """The file's content. Raises Refused when it cannot be read or is larger than `most` bytes."""
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise Refused(_unreadable(path, error)) from None
    if len(content) > most:
        raise Refused(_too_large(path, most))
    return content


def in_file(file: Path, problem: Problem) -> Problem:
    """The problem with the file's name before its place in there."""
    where = str(file) if problem.where in {"", str(file)} else f"{file}, {problem.where}"
    return Problem(problem.code, where, problem.ja, problem.en)


def _unreadable(path: Path, error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    return Problem(
        "file.unreadable",
        str(path),
        f"ファイルを読めません（{reason}）。名前と権限を確かめてください。",
        f"The file cannot be read ({reason}). Check its name and permissions.",
    )


def _too_large(path: Path, most: int) -> Problem:
    return Problem(
        "file.too_large",
        str(path),
        f"ファイルが大きすぎます。{most // 1024} KiB までにしてください。",
        f"The file is too large. It may have up to {most // 1024} KiB.",
    )


def town_of(settings: Settings) -> Town:
    return Town(
        name=settings.town.name, timezone=ZoneInfo(settings.timezone), shelter_url=settings.shelters.url_template
    )
