"""Addresses for the engine (`dispatcher.audience.AddressBook`): opened when a batch is claimed, never kept open."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import structlog
from asyncpg import Pool

from dispatcher.grouping import Group
from subscribers.columns import Columns
from subscribers.vault import Vault
from words.sql import sql

_ADDRESSES = sql("subscribers", "addresses")
log = structlog.get_logger(__name__)


class Addresses:
    """Opens with `vault` what `columns` holds sealed; what they no longer hold is read from `pool`.

    From memory, because people of one batch live in one corner of the town and all over the table: a read
    of a million contacts, one page each, cost the database more than all else of a dispatch together.
    """

    def __init__(self, columns: Columns, pool: Pool, vault: Vault) -> None:
        self.columns = columns
        self._pool = pool
        self._vault = vault
        self._catch_up = Group(self._catch_up_for)
        self.unopened = 0
        """Contacts that did not open since start: a damaged or restored database, or somebody moved rows."""

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:
        """See the protocol; a contact that does not open counts as none, is counted and logged by its number."""
        if also_left:
            return await self._stored(kind, subscribers)
        await self._catch_up(None)
        sealed = self.columns.sealed(kind, np.array(subscribers, np.int64))
        return self._opened(kind, subscribers, sealed)

    async def _catch_up_for(self, askers: Sequence[None]) -> Sequence[None]:
        """Once for all who ask at the same time: whoever left before they asked is not written to."""
        await self.columns.catch_up()
        return askers

    async def _stored(self, kind: str, subscribers: Sequence[int]) -> list[str | None]:
        rows = await self._pool.fetch(_ADDRESSES, subscribers, kind)
        by_number = {row["subscriber"]: row["address"] for row in rows}
        return self._opened(kind, subscribers, [by_number.get(number, b"") for number in subscribers])

    def _opened(self, kind: str, subscribers: Sequence[int], sealed: Sequence[bytes]) -> list[str | None]:
        opened = self._vault.open_all(kind, subscribers, sealed)
        if None in opened:
            self._report(kind, subscribers, sealed, opened)
        return opened

    def _report(
        self, kind: str, subscribers: Sequence[int], sealed: Sequence[bytes], opened: Sequence[str | None]
    ) -> None:
        answers = zip(subscribers, sealed, opened, strict=True)
        numbers = [number for number, there, address in answers if there and address is None]
        if numbers:
            self.unopened += len(numbers)
            log.error("contacts_do_not_open", subscribers=numbers, kind=kind)
