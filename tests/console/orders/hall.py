"""Kawabe's town hall at night: its officers, their desk, and the texts they write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from asyncpg import Pool

from console.accounts import Role
from console.orders import approving, book, submitting
from console.orders.content import content_hash, event_of
from console.orders.desk import Desk, Rules, Tariff
from console.orders.model import Author, Order
from console.orders.releaser import Releaser
from dispatcher.gazetteer import import_boundaries
from subscribers.columns import open_audience
from tests.dispatcher.engine_room import CAST, KAWABE, RIVERSIDE, Kawabe, kawabe

_HIRE = "insert into officer (login, name, roles) values ($1, $2, $3) returning id"
_DISPATCHES = "select id, digest, mode, requested_by, approved_by, counted from dispatch order by created_at"
_RECORDED = "select action from audit where subject = $1 order by seq"
_WHEN_DUE = """update town_order
set release_at = release_at - $1 * interval '1 second', start_at = start_at - $1 * interval '1 second'
where state in ('submitted', 'approved', 'counting')"""

TEXT = "{issued_at}、{area_name}に洪水の{level_name}。川辺町長の指示です。避難してください。"
TARIFFS = {"sms": Tariff(yen=10), "line": Tariff(yen=3, included=2, quota=200)}


def draft(**changes: Any) -> dict[str, Any]:
    """A live evacuation order for the riverside; a change of None takes the key away."""
    document = {
        "class": "evacuation",
        "mode": "live",
        "hazard": "flood",
        "level": 4,
        "issuer": "川辺町長",
        "area": {"type": "Polygon", "coordinates": RIVERSIDE},
        "area_name": "川沿い",
        "texts": {"ja": {"subject": "{level_name}", "body": TEXT}},
        "valid_until": (datetime.now(UTC) + timedelta(hours=2)).isoformat(timespec="seconds"),
    } | changes
    return {key: value for key, value in document.items() if value is not None}


def level_five(**changes: Any) -> dict[str, Any]:
    return draft(level=5, **changes)


def drill(**changes: Any) -> dict[str, Any]:
    return draft(**{"mode": "drill", "valid_until": None} | changes)


@dataclass
class Hall:
    """The desk and who sits at it, by number."""

    town: Kawabe
    desk: Desk
    sato: int
    mori: int
    tanaka: int
    """Another who asks and approves."""
    ando: int

    @property
    def pool(self) -> Pool:
        return self.town.pool

    async def draft(self, document: Mapping[str, Any] | None = None, *, start_at: datetime | None = None) -> Order:
        return await book.create(self.desk, Author(self.sato), document or draft(), start_at=start_at)

    async def hash(self, order: Order) -> str:
        """What its sheet shows."""
        return content_hash(await event_of(self.desk, order), order.start_at)

    async def submitted(self, document: Mapping[str, Any] | None = None, *, start_at: datetime | None = None) -> Order:
        order = await self.draft(document, start_at=start_at)
        return await submitting.submit(self.desk, order.id, Author(self.sato), hash=await self.hash(order))

    async def approve(self, order: Order, *, by: int | None = None, **changes: Any) -> Order:
        given = {"hash": order.hash, "factor_at": datetime.now(UTC)} | changes
        return await approving.approve(self.desk, order.id, by or self.mori, **given)

    async def counting(self, document: Mapping[str, Any] | None = None) -> Order:
        return await self.approve(await self.submitted(document))

    async def seconds_pass(self, seconds: float) -> None:
        """For everything that waits."""
        await self.pool.execute(_WHEN_DUE, seconds)

    async def released(self, order: Order) -> Order:
        await self.seconds_pass(10)
        await Releaser(self.pool).tick()
        return await self.read(order)

    async def read(self, order: Order) -> Order:
        return await book.read(self.pool, order.id)

    async def dispatches(self) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.pool.fetch(_DISPATCHES)]

    async def recorded(self, order: Order) -> list[str]:
        return [row["action"] for row in await self.pool.fetch(_RECORDED, f"order:{order.id}")]

    def ruled(self, **changes: float) -> Desk:
        return replace(self.desk, rules=replace(Rules(), **changes))


async def open_hall(pool: Pool, directory: Path, people: list[str] | None = None) -> Hall:
    town = await kawabe(pool)
    await town.settle(directory, people if people is not None else list(CAST.values()))
    desk = Desk(pool, KAWABE, town.channels, await open_audience(pool), code="99201", tariffs=TARIFFS)
    officers = [
        ("sato", "佐藤", [Role.AUTHOR]),
        ("mori", "森", [Role.APPROVER]),
        ("tanaka", "田中", [Role.AUTHOR, Role.APPROVER]),
        ("ando", "安藤", [Role.TOURISM, Role.ADMINISTRATOR]),
    ]
    return Hall(town, desk, *[await pool.fetchval(_HIRE, *each) for each in officers])


async def map_the_town(pool: Pool) -> None:
    """The boundary of the town: the riverside and no more."""
    await import_boundaries(
        pool,
        b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"N03_004": "\xe5\xb7\x9d\xe8\xbe\xba\xe7\x94\xba"'
        b', "N03_007": "99201"}, "geometry": {"type": "Polygon", "coordinates": [[[133.69, 34.59], [133.71, 34.59], '
        b"[133.71, 34.61], [133.69, 34.61], [133.69, 34.59]]]}}]}",
        "99201",
    )
