"""Reading an event file: parsed, its boundary found, its texts checked against every channel's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import msgspec

from channels.contract import Channel
from config import Settings
from dispatcher.drafting import Drafter, Town
from dispatcher.events import DOCUMENT_BYTES, Event, parse_event
from dispatcher.gazetteer import board, boundary
from dispatcher.texts import Composer, check_texts
from geo.area import Area
from subscribers.columns import open_audience
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events for one town. `channels` are those an event may name."""

    pool: Pool
    town: Town
    channels: Mapping[str, Channel]

    async def event(self, path: Path) -> Event:
        """The event in the file, ready to be approved. Raises Refused with every problem of the document, or of its texts."""
        content = read_bytes(path)
        areas = await self._named_boundary(content)
        event = parse_event(
            content,
            now=await self.pool.fetchval("select now()"),
            areas=areas.get,
            channels=tuple(self.channels),
            town=self.town.name,
            base_dir=path.parent,
        )
        await self._check_texts(event)
        return event

    def composer(self, event: Event) -> Composer:
        return Composer(event, issued_at=datetime.now(UTC), timezone=self.town.timezone)

    async def _check_texts(self, event: Event) -> None:
        shelters = (await board(self.pool)).for_hazard(event.hazard)
        named = [self.town.shelter_info(shelters, position) for position in range(len(shelters))]
        wanted = {name: self.channels[name] for name in event.channels}
        problems = check_texts(event, self.composer(event), wanted, named)
        if problems:
            raise Refused(problems)

    async def _named_boundary(self, content: bytes) -> dict[str, tuple[Area, str]]:
        """The boundary that the document names, looked up beforehand, since reading itself waits for nothing."""
        code = _code(content)
        found = await boundary(self.pool, code) if code else None
        return {code: found} if code and found else {}


async def counted(pool: Pool, event: Event, channels: Mapping[str, Channel]) -> int | None:
    """How many people are in the event's area now, as planning will count them; None where it has none of its own."""
    kinds = {name: channel.contact for name, channel in channels.items()}
    return await Drafter(pool, await open_audience(pool), kinds).count(event)


def _code(content: bytes) -> str | None:
    """The municipality code in the document, if it can be found at all; what is wrong is said by the parser."""
    try:
        document: Any = msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    area = document.get("area") if isinstance(document, dict) else None
    code = area.get("code") if isinstance(area, dict) else None
    return code if isinstance(code, str) else None


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
