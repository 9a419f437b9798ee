"""How long a lane is left in peace: briefly at first, longer while its provider goes on refusing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Pause, Verdict
from dispatcher.attempt import Attempt, Called, Means
from dispatcher.batches import BatchStore, Claimed, LaneKey
from dispatcher.connections import Connections
from dispatcher.deferrals import Deferrals
from dispatcher.limiter import MemoryLimiter
from dispatcher.metrics import Meters
from dispatcher.model import EventClass, Outcome
from dispatcher.pauses import Pauses
from dispatcher.providers import Providers
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from tests.dispatcher.engine_room import Kawabe, kawabe

DOCOMO = LaneKey(1, "email", "docomo")
GMAIL = LaneKey(1, "email", "gmail")
DEFERRED = Pause("lane", 60.0, "deferred")
RATE = Pause("channel", 60.0, "rate")


@dataclass
class Clock:
    """Goes on when told to."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Town:
    """Pauses with a clock of their own."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.pauses = Pauses(self.clock)

    def strike(self, pause: Pause, lane: LaneKey = DOCOMO) -> float:
        """A refusal, waited for to its end."""
        seconds = self.pauses.heed(lane, pause)
        self.clock.now += seconds
        return seconds


@pytest.mark.parametrize("pause", [DEFERRED, RATE])
def test_a_pause_doubles_from_one_second_up_to_its_ceiling(pause: Pause) -> None:
    town = Town()
    assert [town.strike(pause) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_ceiling_below_a_second_holds_from_the_first() -> None:
    assert Town().strike(Pause("lane", 0.5, "unreachable")) == 0.5


@pytest.mark.parametrize("pause", [DEFERRED, RATE])
def test_an_accepted_call_begins_the_count_anew(pause: Pause) -> None:
    town = Town()
    assert [town.strike(pause) for _ in range(4)] == [1, 2, 4, 8]
    town.pauses.relent(DOCOMO)
    assert town.strike(pause) == 1


def test_one_lane_accepted_says_nothing_of_another() -> None:
    town = Town()
    assert [town.strike(DEFERRED) for _ in range(2)] == [1, 2]
    town.pauses.relent(GMAIL)
    assert town.strike(DEFERRED) == 4


def test_calls_refused_together_are_one_strike() -> None:
    town = Town()
    assert {town.pauses.heed(DOCOMO, DEFERRED) for _ in range(16)} == {1}
    town.clock.now = 1
    assert not town.pauses.hold(DOCOMO)
    assert town.strike(DEFERRED) == 2


def test_one_deferral_in_a_hundred_holds_a_lane_up_for_minutes_not_hours() -> None:
    town = Town()
    for mail in range(20_000):
        if mail % 100 == 0:
            town.strike(DEFERRED)
        town.pauses.relent(DOCOMO)
    assert town.clock.now == 200


def test_what_a_provider_asked_for_to_the_second_holds() -> None:
    town = Town()
    assert town.pauses.heed(DOCOMO, Pause("channel", 45.0, "rate", exact=True)) == 45
    town.clock.now = 44.9
    assert town.pauses.hold(GMAIL)
    town.clock.now = 45
    assert not town.pauses.hold(GMAIL)


def test_a_shorter_pause_does_not_cut_a_longer_one() -> None:
    town = Town()
    town.pauses.heed(DOCOMO, Pause("channel", 45.0, "rate", exact=True))
    town.pauses.heed(DOCOMO, RATE)
    town.clock.now = 44.9
    assert town.pauses.hold(DOCOMO)


@pytest.mark.parametrize("reason", ["quota", "credentials"])
def test_what_waits_for_an_operator_is_probed_every_30_seconds(reason: str) -> None:
    town = Town()
    assert [town.strike(Pause("channel", None, reason)) for _ in range(3)] == [30, 30, 30]
    town.pauses.heed(DOCOMO, Pause("channel", None, reason))
    (trouble,) = town.pauses.trouble()
    assert trouble.where == "email"
    assert trouble.code == {"quota": "quota.gone", "credentials": "provider.refuses"}[reason]


async def test_an_answer_that_accepts_begins_the_count_anew(pool: Pool) -> None:
    town = Town()
    attempt = await attempt_with(town.pauses, await kawabe(pool))
    for verdict, pause in [(Verdict.RETRY, DEFERRED)] * 2 + [(Verdict.ACCEPTED, None)]:
        attempt.heed([0], Outcome.RETRY, Called(Answer(verdict, pause=pause), 0.1))
        town.clock.now += 2
    assert town.strike(DEFERRED) == 1


async def attempt_with(pauses: Pauses, kawabe: Kawabe) -> Attempt:
    """An attempt at one mail for docomo."""
    now = datetime.now(UTC)
    columns = await open_audience(kawabe.pool)
    means = Means(
        store=BatchStore(kawabe.pool),
        addresses=Addresses(columns, kawabe.pool, kawabe.vault),
        limiter=MemoryLimiter(),
        pauses=pauses,
        providers=Providers(MemoryLimiter(), lambda: None),
        deferrals=Deferrals(),
        channel=kawabe.email,
        connections=Connections(1),
        meters=Meters.of("email"),
        call_seconds=5,
        may_call=lambda _batch: True,
        message=no_text,
    )
    batch = Claimed(
        "d1", 1, UUID(int=1), DOCOMO, [0], [1], bytes(1), 1, 1, 0, None, None, now, EventClass.EVACUATION, now
    )
    return Attempt(batch, means)


async def no_text(_dispatch: str, _number: int) -> Message:
    return Message("ja", "", "")
