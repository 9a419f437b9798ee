"""Addresses for the engine (`dispatcher.audience.AddressBook`): read when a batch is claimed, never kept."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from asyncpg import Pool

from subscribers.vault import Vault
from words.sql import sql

_ADDRESSES = sql("subscribers", "addresses")
log = structlog.get_logger(__name__)


class Addresses:
    """Opens the contacts in `pool` with `vault`."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self.unopened = 0
        """Contacts that did not open since start: a damaged or restored database, or somebody moved rows."""

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:
        """See the protocol; a contact that does not open counts as none, is counted and logged by its number."""
        numbers = "{" + ",".join(map(str, subscribers)) + "}"
        row = await self._pool.fetchrow(_ADDRESSES, numbers, kind, also_left)
        if row is None or row[0] is None:
            return [None] * len(subscribers)
        found: list[int] = row[0]
        opened = self._vault.open_all(kind, found, row[1])
        if None in opened:
            self._report(kind, [number for number, address in zip(found, opened, strict=True) if address is None])
        if found == subscribers:
            return opened
        by_number = dict(zip(found, opened, strict=True))
        return [by_number.get(number) for number in subscribers]

    def _report(self, kind: str, numbers: list[int]) -> None:
        self.unopened += len(numbers)
        log.error("contacts_do_not_open", subscribers=numbers, kind=kind)
