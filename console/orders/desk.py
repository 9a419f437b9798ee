"""The desk: everything an officer's order is worked on with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from channels.contract import Channel
from dispatcher.audience import Audience, Counted
from dispatcher.drafting import Drafter, Town
from dispatcher.reading import Reader


class CountedAudience(Audience, Counted, Protocol):
    """Says whom an event concerns, and counts a whole town in milliseconds."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Times in seconds."""

    undo_seconds: float = 10
    """How long an approved order can be taken back with nothing sent."""
    factor_seconds: float = 300
    """How old a second factor may be that approves (ASVS 7.5.3)."""
    afterwards_seconds: float = 3600
    """When another officer has to have looked at an order that one released alone."""
    stale_seconds: float = 1800
    """An order that could not be released so long after it was due is void: nobody means it any more."""
    drill_ahead_seconds: float = 92 * 86_400
    """How far ahead a drill may be scheduled."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a channel costs: yen a unit (an SMS segment, a LINE message, an e-mail), beyond those included each month.

    `quota`: the most units the provider takes in a month; None for no limit.
    """

    yen: float = 0.0
    included: int = 0
    quota: int | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """`code` is the municipality's own boundary, empty where none is known."""

    pool: asyncpg.Pool
    town: Town
    channels: Mapping[str, Channel]
    audience: CountedAudience
    code: str = ""
    rules: Rules = Rules()
    tariffs: Mapping[str, Tariff] = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        return Reader(self.pool, self.town, self.channels)

    @property
    def drafter(self) -> Drafter:
        return Drafter(self.pool, self.audience, {name: each.contact for name, each in self.channels.items()})
