"""Reading an event for a town: parsed, its boundary found, its texts checked against every channel's limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from channels.contract import Channel
from dispatcher.drafting import Town
from dispatcher.events import Event, parse_event
from dispatcher.gazetteer import board, boundary
from dispatcher.texts import Composer, check_texts
from geo.area import Area
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads events for one town. `channels` are those an event may name."""

    pool: Pool
    town: Town
    channels: Mapping[str, Channel]

    async def read(
        self, document: bytes | Mapping[str, Any], *, now: datetime | None = None, base_dir: Path | None = None
    ) -> Event:
        """The event, ready to be approved. Raises Refused with every problem of the document, or of its texts.

        `now` is aware, the database's own when left out; `base_dir` is where a document may name files.
        """
        event = await self.parsed(document, now=now, base_dir=base_dir)
        problems = await self.text_problems(event)
        if problems:
            raise Refused(problems)
        return event

    async def parsed(
        self, document: bytes | Mapping[str, Any], *, now: datetime | None = None, base_dir: Path | None = None
    ) -> Event:
        """The event, its texts not yet held against the channels' limits. Raises Refused."""
        areas = await self._named_boundary(document)
        return parse_event(
            document,
            now=now or await self.pool.fetchval("select now()"),
            areas=areas.get,
            channels=tuple(self.channels),
            town=self.town.name,
            base_dir=base_dir,
        )

    async def text_problems(self, event: Event) -> list[Problem]:
        """Why some message of it could not go out."""
        shelters = (await board(self.pool)).for_hazard(event.hazard)
        named = [self.town.shelter_info(shelters, position) for position in range(len(shelters))]
        wanted = {name: self.channels[name] for name in event.channels}
        return check_texts(event, self.composer(event), wanted, named)

    def composer(self, event: Event) -> Composer:
        return Composer(event, issued_at=datetime.now(UTC), timezone=self.town.timezone)

    async def _named_boundary(self, document: bytes | Mapping[str, Any]) -> dict[str, tuple[Area, str]]:
        """The boundary that the document names, looked up beforehand, since reading itself waits for nothing."""
        code = _code(document)
        found = await boundary(self.pool, code) if code else None
        return {code: found} if code and found else {}


def _code(document: bytes | Mapping[str, Any]) -> str | None:
    """The municipality code in the document, if it can be found at all; what is wrong is said by the parser."""
    try:
        content: Any = (
            msgspec.json.decode(document.removeprefix(b"\xef\xbb\xbf")) if isinstance(document, bytes) else document
        )
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    area = content.get("area") if isinstance(content, Mapping) else None
    code = area.get("code") if isinstance(area, Mapping) else None
    return code if isinstance(code, str) else None
