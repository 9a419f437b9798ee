"""Addresses without the database: opened from what is held sealed, in memory or in an emergency journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dispatcher.audience import Longs
from subscribers.columns import Columns
from subscribers.vault import Vault


class OfflineAddresses:
    """What `columns` knew last (`dispatcher.emergency.station.SealedBook`)."""

    def __init__(self, columns: Columns, vault: Vault) -> None:
        self._columns = columns
        self._vault = vault

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:  # noqa: ARG002 whoever left stands nowhere here
        """See dispatcher.audience.AddressBook; a contact of somebody who left cannot be had."""
        return self._vault.open_all(kind, subscribers, self.sealed(kind, np.array(subscribers, np.int64)))

    def sealed(self, kind: str, subscribers: Longs) -> list[bytes]:
        """As the database holds them; empty for whoever has none."""
        return self._columns.sealed(kind, subscribers)


class JournalAddresses:
    """What the journals hold, by kind of contact and subscriber."""

    def __init__(self, held: Mapping[tuple[str, int], bytes], vault: Vault) -> None:
        self._held = held
        self._vault = vault

    async def addresses(self, kind: str, subscribers: Sequence[int], *, also_left: bool = False) -> list[str | None]:  # noqa: ARG002 as above
        """See dispatcher.audience.AddressBook."""
        sealed = self.sealed(kind, np.array(subscribers, np.int64))
        return self._vault.open_all(kind, subscribers, sealed)

    def sealed(self, kind: str, subscribers: Longs) -> list[bytes]:
        """As the journal holds them; empty for whoever has none."""
        return [self._held.get((kind, subscriber), b"") for subscriber in subscribers.tolist()]
