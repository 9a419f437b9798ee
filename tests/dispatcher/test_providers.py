"""What a process knows of its providers, and what the engine makes of a sick one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool
from prometheus_client import REGISTRY

from channels.contract import Answer, LaneRules, Limit, Message, Pause, Recipient, Verdict
from dispatcher.batches import LaneKey
from dispatcher.limiter import MemoryLimiter
from dispatcher.providers import Provider, Providers
from tests.dispatcher.engine_room import channel, crowd, invitation, kawabe, order, people

ORDERS, TOURISM = LaneKey(0, "email", "docomo"), LaneKey(4, "email", "docomo")
GMAIL = LaneKey(0, "email", "google")
RULES = LaneRules((Limit("email", 50), Limit("email/docomo", 20)), 5)
DOWN = Answer(Verdict.RETRY, code="unreachable", broke=True)
DOUBTFUL = Answer(Verdict.AMBIGUOUS, code="500")
TOO_FAST = Answer(Verdict.RETRY, code="429", pause=Pause("channel", 1.0, "rate"))
OK = Answer(Verdict.ACCEPTED)


@dataclass
class Bureau:
    """Providers with a clock that goes on when told to."""

    now: float = 100.0
    told: int = 0
    limiter: MemoryLimiter = field(default_factory=MemoryLimiter)

    def __post_init__(self) -> None:
        self.providers = Providers(self.limiter, self.tell, lambda: self.now)

    def tell(self) -> None:
        self.told += 1

    @property
    def docomo(self) -> Provider:
        return self.providers.of(ORDERS, RULES)

    def answers(self, answer: Answer, times: int = 1) -> None:
        for _ in range(times):
            self.docomo.heard(answer, self.now)

    async def seconds(self, number: int) -> None:
        for _ in range(number):
            self.now += 1
            await self.providers.tick()

    def troubles(self) -> list[str]:
        return [f"{trouble.where} {trouble.code}" for trouble in self.providers.trouble()]


async def test_one_sick_mail_domain_stops_no_other() -> None:
    bureau = Bureau()
    bureau.answers(DOWN, 20)
    assert not bureau.providers.admits(ORDERS)
    assert not bureau.providers.admits(TOURISM)
    assert bureau.providers.admits(GMAIL)


async def test_a_claim_is_a_probe_only_where_the_provider_is_sick() -> None:
    bureau = Bureau()
    assert not bureau.providers.probes(ORDERS)
    bureau.answers(DOWN, 20)
    bureau.now += 2
    assert bureau.providers.probes(ORDERS)
    assert not bureau.providers.admits(ORDERS)


async def test_opening_and_closing_are_told_at_once() -> None:
    bureau = Bureau()
    bureau.answers(DOWN, 20)
    assert (bureau.told, bureau.troubles()) == (1, ["email/docomo breaker.open"])
    bureau.now += 2
    bureau.answers(OK)
    assert (bureau.told, bureau.troubles()) == (2, [])


async def test_a_brown_out_is_told_within_a_second_and_taken_back_when_ten_were_clean() -> None:
    bureau = Bureau()
    bureau.answers(OK, 70)
    bureau.answers(DOUBTFUL, 30)
    await bureau.seconds(1)
    assert (bureau.told, bureau.troubles()) == (1, ["email/docomo provider.unwell"])
    assert "30 %" in bureau.providers.trouble()[0].en
    await bureau.seconds(10)
    assert (bureau.told, bureau.troubles()) == (2, [])


async def test_the_first_429_pauses_and_the_next_ones_only_slow_down() -> None:
    bureau = Bureau()
    assert bureau.docomo.heard(TOO_FAST, 0) is TOO_FAST.pause
    assert bureau.docomo.heard(TOO_FAST, 0) is None
    assert bureau.troubles() == ["email/docomo provider.slowed"]


async def test_a_retry_after_is_heeded_each_time() -> None:
    bureau = Bureau()
    asked = Answer(Verdict.RETRY, code="20429", pause=Pause("channel", 3.0, "rate", exact=True))
    assert [bureau.docomo.heard(asked, 0) for _ in range(3)] == [asked.pause] * 3


async def test_the_narrowest_limit_is_slowed_and_comes_back_whole() -> None:
    bureau = Bureau()
    bureau.answers(TOO_FAST)
    await bureau.seconds(2)
    slow = bureau.limiter.grant([Limit("email/docomo", 20)], [1]).again_in
    whole = bureau.limiter.grant([Limit("email", 50)], [1]).again_in
    assert slow > 0.05 / 0.7 - 0.04
    assert whole < 0.02
    await bureau.seconds(60)
    assert bureau.troubles() == []


async def test_breaker_and_budget_are_among_the_metrics() -> None:
    bureau = Bureau()
    labels = {"channel": "email", "lane": "docomo"}
    bureau.answers(DOWN, 20)
    assert REGISTRY.get_sample_value("todoke_breaker_state", labels) == 1
    assert REGISTRY.get_sample_value("todoke_provider_failing_share", labels) == 1
    bureau.now += 2
    bureau.answers(OK, 600)
    await bureau.seconds(1)
    assert REGISTRY.get_sample_value("todoke_breaker_state", labels) == 0
    assert REGISTRY.get_sample_value("todoke_retry_budget", labels) == 60


async def test_calls_under_way_are_those_of_all_lanes_of_a_channel() -> None:
    bureau = Bureau()
    bureau.docomo.breaker.under_way = 2
    bureau.providers.of(GMAIL, RULES).breaker.under_way = 3
    await bureau.seconds(1)
    assert REGISTRY.get_sample_value("todoke_calls_under_way", {"channel": "email"}) == 5


# -- the engine with a sick provider ---------------------------------------------------------------


class Weather:
    """A provider that answers as it is told, and otherwise accepts."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer
        self.calls = 0
        self.heard: list[str] = []

    async def __call__(self, _message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        self.calls += 1
        if self.answer is None:
            self.heard.append(recipients[0].address)
        return self.answer


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():
            await asyncio.sleep(0.02)


async def in_trouble(pool: Pool, what: str) -> bool:
    rows = await pool.fetch("select trouble from worker_session where ended_at is null")
    return any(trouble["code"] == what for row in rows for trouble in json.loads(row["trouble"]))


async def test_a_sick_provider_is_left_in_peace_and_everybody_gets_it_when_it_is_well(
    pool: Pool, tmp_path: Path
) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(300, line=False, phone=True))
    town.sms.script = weather = Weather(DOWN)
    dispatch = await town.send(order(channels=["sms"]))
    async with town.at_work():
        await until(lambda: in_trouble(pool, "breaker.open"))
        before = weather.calls
        await until(lambda: asyncio.sleep(0, weather.calls > before))
        assert weather.calls == before + 1
        weather.answer = None
        end = await town.over(dispatch)
        assert not await in_trouble(pool, "breaker.open")
    assert end.channels == {"sms": {"accepted": 300}}
    assert len(set(people(town.sms))) == len(people(town.sms)) == 300


async def test_the_probe_is_of_the_most_urgent_that_is_due(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    fans = [row.replace(",ja,,", ",ja,festival,") for row in crowd(200, line=False, phone=True)]
    await town.settle(tmp_path, fans)
    town.sms.script = weather = Weather(DOWN)
    await town.send(invitation(channels=["sms"]))
    async with town.at_work():
        await until(lambda: in_trouble(pool, "breaker.open"))
        dispatch = await town.send(order(channels=["sms"]))
        await until(lambda: planned(pool, dispatch))
        weather.answer = None
        await town.over(dispatch)
    assert all("川沿いに" in call.message.body for call in town.sms.taken[:200])


async def planned(pool: Pool, dispatch: str) -> bool:
    return await pool.fetchval("select state = 'sending' from dispatch where id = $1", dispatch) is True


async def test_other_channels_go_on_while_one_is_sick(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(100, line=True, phone=True))
    town.sms.script = Weather(DOWN)
    await town.send(order(channels=["line", "sms"]))
    async with town.at_work():
        await until(lambda: asyncio.sleep(0, town.line.people == 100))
        await until(lambda: in_trouble(pool, "breaker.open"))


async def test_a_doubtful_call_is_not_spent_on_a_probe_while_others_were_never_called(
    pool: Pool, tmp_path: Path
) -> None:
    town = await kawabe(pool)
    await town.settle(tmp_path, crowd(300, line=False, phone=True))
    town.sms.script = weather = Weather(DOUBTFUL)
    dispatch = await town.send(order(channels=["sms"]))
    async with town.at_work():
        await until(lambda: in_trouble(pool, "breaker.open"))
        weather.answer = None
        await until(lambda: asyncio.sleep(0, len(weather.heard) > 0))
        await until(lambda: asyncio.sleep(0, len(weather.heard) >= 300))
        end = await town.over(dispatch)
    assert end.channels == {"sms": {"accepted": 300}}


async def test_repeats_without_room_wait_and_first_tries_do_not(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    town.sms = channel("sms", "phone", 1, repeatable=False, at_once=1)
    await town.settle(tmp_path, crowd(60, line=False, phone=True))
    later = Answer(Verdict.RETRY, code="451")
    town.sms.will_answer(*[later] * 30)
    end = await town.sent(order(channels=["sms"]))
    assert end.channels == {"sms": {"accepted": 60}}
    numbers = [int(address[-4:]) for address in people(town.sms)]
    assert numbers[:30] == list(range(30, 60))


async def test_a_greylisted_mailbox_waits_a_minute_and_its_neighbours_do_not(pool: Pool, tmp_path: Path) -> None:
    town = await kawabe(pool)
    town.email = channel("email", "email", 1, repeatable=False, at_once=1)
    await town.settle(tmp_path, crowd(20, line=False, email=True))
    town.email.will_answer(Answer(Verdict.RETRY, code="451 4.7.1", deferred=True), Answer(Verdict.RETRY, code="471"))
    await town.send(order(channels=["email"]))
    async with town.at_work():
        await until(lambda: asyncio.sleep(0, len(people(town.email)) == 19))
        await until(lambda: waits(pool, 1))
    assert len(town.email.taken) == 19


async def waits(pool: Pool, number: int) -> bool:
    """Whether nothing is left but so many people of one batch that is due in a minute."""
    left = await pool.fetch(
        "select outcomes, extract(epoch from due_at - now()) as seconds from batch where state = 'due'"
    )
    return len(left) == 1 and left[0]["outcomes"].count(3) == number and 50 < left[0]["seconds"] <= 60


@pytest.mark.parametrize("number", [40])
async def test_line_is_asked_again_for_whole_batches_within_the_budget(pool: Pool, tmp_path: Path, number: int) -> None:
    town = await kawabe(pool)
    town.line = channel("line", "line", 5, repeatable=True)
    await town.settle(tmp_path, crowd(5 * number))
    town.line.will_answer(*[DOUBTFUL, OK] * 15)
    end = await town.sent(order(channels=["line"]))
    assert end.channels == {"line": {"accepted": 5 * number}}
