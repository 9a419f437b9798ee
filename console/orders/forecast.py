"""When an order will have arrived, by the real limits and what is queued before it, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from channels.contract import Channel, Metered
from console.orders.desk import Desk, Tariff
from console.orders.reach import Needs
from dispatcher.dispatches import workers
from dispatcher.events import Event
from dispatcher.load import Load, load_of, open_work, seconds_needed
from dispatcher.model import priority
from dispatcher.trouble import Trouble

if TYPE_CHECKING:
    from asyncpg import Pool

START_SECONDS = 2.0
"""From the release to the first request of every lane, at most (service levels)."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One channel. `seconds` from the release until the last message is handed over, of which `queued` are for what is
    due before it; None where the channel stands still. `units` as billed, of which `left` remain this month, if known.
    """

    channel: str
    people: int
    languages: Mapping[str, int]
    units: int
    seconds: float | None
    queued: float
    yen: int
    left: int | None
    troubles: tuple[Trouble, ...]

    @property
    def over_quota(self) -> bool:
        return self.left is not None and self.units > self.left


async def forecasts(desk: Desk, event: Event, needs: Mapping[str, Needs]) -> tuple[Forecast, ...]:
    """In the order of the event's channels."""
    queue = load_of(await open_work(desk.pool), desk.channels, column="waiting")
    troubles = await _troubles(desk.pool)
    rank = priority(event.event_class, event.mode)
    return tuple(
        [
            await _forecast(desk.channels[name], desk.tariffs.get(name, Tariff()), needs[name], queue, rank, troubles)
            for name in event.channels
        ]
    )


async def _forecast(
    channel: Channel, tariff: Tariff, needs: Needs, queue: Load, rank: int, troubles: tuple[Trouble, ...]
) -> Forecast:
    own = Counter({(key, rank): float(tokens) for key, tokens in needs.tokens.items()})
    both = own + Counter({key: tokens for key, tokens in queue.items() if key[1] <= rank})
    queued = max((seconds_needed(limits, queue, rank) for limits in needs.lanes.values()), default=0.0)
    total = max((seconds_needed(limits, both, rank) for limits in needs.lanes.values()), default=0.0)
    mine = tuple(each for each in troubles if each.where.split("/")[0] == channel.name)
    still = any(each.where == channel.name and each.code in _STANDS_STILL for each in mine)
    used = await channel.counted() if isinstance(channel, Metered) and (tariff.included or tariff.quota) else None
    return Forecast(
        channel=channel.name,
        people=needs.people,
        languages=dict(needs.languages.most_common()),
        units=needs.units,
        seconds=None if still else (total + START_SECONDS if needs.people else 0.0),
        queued=queued,
        yen=_yen(tariff, needs.units, used),
        left=max(0, tariff.quota - (used or 0)) if tariff.quota is not None else None,
        troubles=mine,
    )


_STANDS_STILL = frozenset({"quota.gone", "provider.refuses"})
"""Until somebody acts."""


def _yen(tariff: Tariff, units: int, used: int | None) -> int:
    """Rounded up. What is included is used up first; unknown use is taken for none of it left."""
    free = max(0, tariff.included - used) if used is not None else 0
    return ceil(max(0, units - free) * tariff.yen)


async def _troubles(pool: Pool) -> tuple[Trouble, ...]:
    """What processes at work say holds up sending, each once."""
    told = [Trouble.from_json(each) for worker in await workers(pool) for each in worker["trouble"]]
    return tuple(dict.fromkeys(told))
