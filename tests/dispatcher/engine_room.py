"""Kawabe's engine in a test: real PostgreSQL, real subscribers, and channels that answer by a script."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from asyncpg import Pool

from channels.memory import MemoryChannel, MemorySettings
from dispatcher.audience import AddressBook, Living
from dispatcher.dispatches import Signatures, Status, create, status
from dispatcher.drafting import Town
from dispatcher.emergency.post import Post
from dispatcher.engine import Pace, Parts, running
from dispatcher.epoch import Epoch
from dispatcher.events import Event, parse_event
from dispatcher.limiter import MemoryLimiter
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from subscribers.importer import import_subscribers
from subscribers.vault import Vault, open_vault

KAWABE = Town("川辺町", ZoneInfo("Asia/Tokyo"), "https://example.jp/{lat},{lon}")
OFFICERS = Signatures("佐藤", "森")
RIVERSIDE = [[[133.69, 34.59], [133.71, 34.59], [133.71, 34.61], [133.69, 34.61], [133.69, 34.59]]]
QUICK = Pace(batch_size=500, poll_seconds=0.05, beat_seconds=0.2, expire_seconds=1.0, call_seconds=5)

HEADER = "id,language,topics,line_user_id,phone,email,place,lat,lon\n"
CAST = {
    "hana": f"hana,ja,,U{'a' * 32},090-1111-0001,,自宅,34.600,133.700",
    "tome": "tome,ja-x-easy,,,080-1111-0002,,自宅,34.601,133.701",
    "linh": f"linh,vi,drill,U{'b' * 32},,,自宅,34.602,133.702",
    "ken": "ken,ja,,,,ken@kawabe.example,自宅,34.650,133.750",
    "mei": "mei,zh-Hans,,,,mei@gmail.com,宿,34.603,133.703",
}
"""Everybody but Ken, who lives on the hill, is by the river."""


def crowd(number: int, *, line: bool = True, phone: bool = False, email: bool = False) -> list[str]:
    """`number` neighbours by the river."""
    return [
        f"n{i:05d},ja,,{f'U{i:032x}' if line else ''},{f'090-2{i // 1000:03d}-{i % 1000:04d}' if phone else ''},"
        f"{f'n{i}@gmail.com' if email else ''},自宅,34.600,133.700"
        for i in range(number)
    ]


def order(**changes: Any) -> Event:
    """A live evacuation order for the riverside, or what `changes` makes of it."""
    document: dict[str, Any] = {
        "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "川辺町長",
        "area": {"type": "Polygon", "coordinates": RIVERSIDE},
        "texts": {"ja": {"subject": "避難指示", "body": "川沿いに{level_name}。"}},
        "valid_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    }  # fmt: skip
    document |= changes
    kept = {key: value for key, value in document.items() if value is not None}
    return parse_event(
        kept, now=datetime.now(UTC), areas=lambda _code: None, channels=("line", "sms", "email"), town=KAWABE.name
    )


def invitation(**changes: Any) -> Event:
    """The bureau's: for those who like festivals."""
    texts = {"ja": {"subject": "花火", "body": "今夜は花火です。"}}
    plain = {"hazard": None, "level": None, "issuer": None, "class": "tourism", "topics": ["festival"], "texts": texts}
    return order(**plain | changes)


@dataclass
class Kawabe:
    """The town: its people in the database, and its ways out."""

    pool: Pool
    vault: Vault
    pace: Pace = QUICK
    line: MemoryChannel = field(default_factory=lambda: channel("line", "line", 500, repeatable=True))
    sms: MemoryChannel = field(default_factory=lambda: channel("sms", "phone", 1, repeatable=False))
    email: MemoryChannel = field(default_factory=lambda: channel("email", "email", 1, repeatable=False))

    @property
    def channels(self) -> Mapping[str, MemoryChannel]:
        return {"line": self.line, "sms": self.sms, "email": self.email}

    async def settle(self, directory: Path, rows: Sequence[str]) -> None:
        path = directory / "people.csv"
        await asyncio.to_thread(path.write_text, HEADER + "\n".join(rows) + "\n", encoding="utf-8")
        result = await import_subscribers(self.pool, self.vault, path)
        assert result.rejected == 0

    @asynccontextmanager
    async def at_work(
        self,
        audience: Living | None = None,
        addresses: AddressBook | None = None,
        *,
        epoch: Epoch | None = None,
        post: Post | None = None,
        **changes: Any,
    ) -> AsyncIterator[None]:
        """An engine, as one worker process has it; two at once are two workers."""
        columns = await open_audience(self.pool)
        parts = Parts(
            pool=self.pool,
            audience=audience or columns,
            addresses=addresses or Addresses(columns, self.pool, self.vault),
            channels=self.channels,
            limiter=MemoryLimiter(),
            town=KAWABE,
            epoch=epoch or Epoch(),
            post=post,
        )
        async with columns.following(), running(parts, replace(self.pace, **changes)):
            yield

    async def send(self, event: Event, *, again: bool = False, **seen: Any) -> str:
        return await create(self.pool, event, replace(OFFICERS, **seen), again=again)

    async def over(self, dispatch: str) -> Status:
        """The status once nothing is left to do."""
        async with asyncio.timeout(30):
            while not (now := await status(self.pool, dispatch)).over:
                await asyncio.sleep(0.02)
        return now

    async def sent(self, event: Event) -> Status:
        """Send with one worker, from approval to the end."""
        dispatch = await self.send(event)
        async with self.at_work():
            return await self.over(dispatch)


def channel(
    name: str, contact: str, call_size: int, *, repeatable: bool, at_once: int = 8, **more: Any
) -> MemoryChannel:
    settings = MemorySettings.model_validate(
        {"contact": contact, "call_size": call_size, "repeatable": repeatable, "at_once": at_once} | more
    )
    return MemoryChannel(settings, name=name)


async def kawabe(pool: Pool) -> Kawabe:
    return Kawabe(pool, await open_vault(pool, b"k" * 32))


def people(channel: MemoryChannel) -> list[str]:
    """Addresses of all accepted calls."""
    return [recipient.address for call in channel.taken for recipient in call.recipients]
