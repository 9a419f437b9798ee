"""Addresses for the engine (`dispatcher.audience.AddressBook`): read when a batch is claimed, never kept."""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from asyncpg import Pool

from subscribers.vault import Vault, VaultError
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
        rows = await self._pool.fetch(_ADDRESSES, subscribers, kind, also_left)
        found = {number: self._opened(kind, number, sealed) for number, sealed in rows}
        return [found.get(number) for number in subscribers]

    def _opened(self, kind: str, subscriber: int, sealed: bytes) -> str | None:
        try:
            return self._vault.open(kind, subscriber, sealed)
        except VaultError as error:
            reason = str(error)
        self.unopened += 1
        log.error("contact_does_not_open", subscriber=subscriber, kind=kind, reason=reason)
        return None
