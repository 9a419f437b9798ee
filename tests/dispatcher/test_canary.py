"""Kawabe's canary: a real message to the town's own test phone, and what counts as come back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool

from channels.contract import Answer, Pause, Verdict
from channels.memory import MemoryChannel, MemorySettings
from dispatcher import canary
from dispatcher.batches import BatchStore, Member
from dispatcher.canary import Canary, CanaryBook, Nest, Proof, answered, latest, missing
from dispatcher.dispatches import recent, stop
from dispatcher.events import Event
from dispatcher.model import Outcome
from subscribers.addressbook import Addresses
from subscribers.columns import open_audience
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, kawabe, order, people

PHONE = "+819000000001"


class CountedLine(MemoryChannel):
    """A LINE that counts what it sends; `mute` it answers 200 and sends nothing, as in 2022."""

    def __init__(self) -> None:
        super().__init__(MemorySettings(contact="line", call_size=500), name="line")
        self.mute = False
        self.sent = 7

    async def send(self, *call: Any, **more: Any) -> Answer:
        answer = await super().send(*call, **more)
        self.sent += not self.mute and answer.verdict is Verdict.ACCEPTED
        return answer

    async def counted(self) -> int | None:
        return self.sent


def nest(channel: str = "sms", proof: Proof = "accepted", **changes: Any) -> Nest:
    contact = {"sms": "phone"}.get(channel, channel)
    return Nest(channel, contact, PHONE, lane="", proof=proof, every=300, deadline=45, **changes)


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    town.line = CountedLine()
    await town.settle(tmp_path, list(CAST.values()))
    return town


def canary_of(town: Kawabe, *nests: Nest) -> Canary:
    return Canary(town.pool, town.channels, nests, town=KAWABE, link=lambda token: f"https://kawabe.example/{token}")


@asynccontextmanager
async def at_work(town: Kawabe, *nests: Nest) -> AsyncIterator[None]:
    columns = await open_audience(town.pool)
    book = CanaryBook(Addresses(columns, town.pool, town.vault), nests)
    async with town.at_work(columns, addresses=book):
        yield


async def flown(town: Kawabe, *nests: Nest) -> Canary:
    """Sent and called, and judged once."""
    birds = canary_of(town, *nests)
    await birds.tick()
    async with at_work(town, *nests), asyncio.timeout(20):
        while await town.pool.fetchval("select exists (select from dispatch where state = 'sending')"):
            await asyncio.sleep(0.01)
    await birds.tick()
    return birds


async def passes(pool: Pool, seconds: int) -> None:
    await pool.execute("update duty set done_at = done_at - $1 * interval '1 second'", seconds)
    for column in ("sent_at", "deadline", "next_at"):
        await pool.execute(f"update canary set {column} = {column} - $1 * interval '1 second'", seconds)  # noqa: S608


async def results(pool: Pool) -> Sequence[str]:
    return [bird["result"] for bird in await latest(pool)]


async def test_it_reaches_the_test_phone_and_nobody_else(town: Kawabe) -> None:
    await flown(town, nest())
    assert people(town.sms) == [PHONE]
    assert people(town.line) == people(town.email) == []
    assert town.sms.taken[0].message.body.startswith("【訓練】配信の確認 対応は不要です。川辺町 ")
    assert await results(town.pool) == ["came_back"]


async def test_it_is_no_dispatch_that_officers_see(town: Kawabe) -> None:
    await flown(town, nest())
    assert await recent(town.pool) == []


async def test_one_of_two_processes_sends_it(town: Kawabe) -> None:
    await asyncio.gather(*(canary_of(town, nest()).tick() for _ in range(4)))
    assert await town.pool.fetchval("select count(*) from canary") == 1


async def test_the_next_one_is_sent_when_its_time_has_come_whoever_is_left(town: Kawabe) -> None:
    await canary_of(town, nest()).tick()
    await passes(town.pool, 299)
    await canary_of(town, nest()).tick()
    assert await town.pool.fetchval("select count(*) from canary") == 1
    await passes(town.pool, 1)
    await canary_of(town, nest()).tick()
    assert await town.pool.fetchval("select count(*) from canary") == 2


async def test_one_that_nobody_takes_is_missed_after_its_deadline(town: Kawabe) -> None:
    birds = canary_of(town, nest())
    await birds.tick()
    assert await missing(town.pool) == []
    await passes(town.pool, 46)
    await birds.tick()
    (trouble,) = await missing(town.pool)
    assert (trouble.code, trouble.where) == ("canary.missing", "sms")
    assert trouble.say("ja").startswith("sms: 配信の確認(カナリア)が期限までに戻りません(事業者の受付なし)。")


async def test_a_certain_refusal_does_not_wait_for_the_deadline(town: Kawabe) -> None:
    town.sms.will_answer(Answer(Verdict.REJECTED, code="21211"))
    await flown(town, nest())
    assert await results(town.pool) == ["missed"]


async def test_it_is_never_sent_twice(town: Kawabe) -> None:
    town.sms.will_answer(Answer(Verdict.AMBIGUOUS, code="timeout"))
    await flown(town, nest())
    assert people(town.sms) == []
    assert await town.pool.fetchval("select count(*) from attempt") == 1


async def test_what_is_accepted_and_not_sent_is_found_out_by_the_count(town: Kawabe) -> None:
    assert isinstance(town.line, CountedLine)
    town.line.mute = True
    birds = await flown(town, nest("line", "receipt"))
    assert await results(town.pool) == ["waited_for"]
    await passes(town.pool, 46)
    await birds.tick()
    assert [each.where for each in await missing(town.pool)] == ["line"]


async def test_what_the_provider_counted_came_back(town: Kawabe) -> None:
    await flown(town, nest("line", "receipt"))
    assert await results(town.pool) == ["came_back"]


async def test_a_count_that_begins_anew_with_the_month_came_back(town: Kawabe) -> None:
    assert isinstance(town.line, CountedLine)
    birds = canary_of(town, nest("line", "receipt"))
    await birds.tick()
    town.line.sent = 0
    async with at_work(town, nest("line")), asyncio.timeout(20):
        while not town.line.sent:
            await asyncio.sleep(0.01)
    await birds.tick()
    assert await results(town.pool) == ["came_back"]


async def test_a_receipt_is_waited_for_and_ends_the_alarm_when_it_is_late(town: Kawabe) -> None:
    birds = await flown(town, nest(proof="receipt"))
    await passes(town.pool, 46)
    await birds.tick()
    assert len(await missing(town.pool)) == 1
    dispatch = await town.pool.fetchval("select dispatch from canary")
    assert await BatchStore(town.pool).receipt(Member(dispatch, 0, 0), Outcome.DELIVERED, code="", ref="SM1")
    await birds.tick()
    assert await missing(town.pool) == []
    assert await results(town.pool) == ["late"]


async def test_an_answer_is_its_link_opened(town: Kawabe) -> None:
    birds = await flown(town, nest(proof="answer"))
    token = town.sms.taken[0].message.body.rpartition("/")[2]
    assert not await answered(town.pool, token[:-1])
    assert await results(town.pool) == ["waited_for"]
    assert await answered(town.pool, token)
    await birds.tick()
    assert await results(town.pool) == ["came_back"]


async def test_an_alarm_lasts_until_the_next_one_comes_back(town: Kawabe) -> None:
    birds = canary_of(town, nest())
    await birds.tick()
    await passes(town.pool, 300)
    await birds.tick()
    assert len(await missing(town.pool)) == 1
    async with at_work(town, nest()), asyncio.timeout(20):
        while await results(town.pool) != ["came_back"]:
            await birds.tick()
            await asyncio.sleep(0.01)
    assert await missing(town.pool) == []


async def test_one_that_was_switched_off_is_no_alarm_for_ever(town: Kawabe) -> None:
    birds = canary_of(town, nest())
    await birds.tick()
    await passes(town.pool, 46)
    await birds.tick()
    assert len(await missing(town.pool)) == 1
    await passes(town.pool, 500)
    assert await missing(town.pool) == []


async def test_an_evacuation_under_way_is_no_false_alarm_and_is_not_delayed(town: Kawabe) -> None:
    async def wait(*_: object) -> Answer:
        return Answer(Verdict.RETRY, code="429", pause=Pause("lane", 30.0, "rate", exact=True))

    town.sms.script = wait
    birds = canary_of(town, nest())
    dispatch = await town.send(order(channels=["sms"]))
    async with at_work(town, nest()), asyncio.timeout(20):
        while not await town.pool.fetchval("select exists (select from attempt where dispatch = $1)", dispatch):
            await asyncio.sleep(0.01)
        await town.pool.execute("update batch set due_at = now() where dispatch = $1", dispatch)
        await birds.tick()
        await passes(town.pool, 46)
        await birds.tick()
    assert await results(town.pool) == ["passed_over"]
    assert await missing(town.pool) == []


async def test_one_that_was_stopped_is_no_alarm(town: Kawabe) -> None:
    birds = canary_of(town, nest())
    await birds.tick()
    await stop(town.pool, await town.pool.fetchval("select dispatch from canary"), by="森")
    async with at_work(town, nest()), asyncio.timeout(20):
        while await town.pool.fetchval("select exists (select from batch where state <> 'done')"):
            await asyncio.sleep(0.01)
    await passes(town.pool, 46)
    await birds.tick()
    assert await results(town.pool) == ["passed_over"]


async def test_after_a_week_nothing_of_it_is_left(town: Kawabe) -> None:
    birds = await flown(town, nest())
    await passes(town.pool, 8 * 86_400)
    await town.pool.execute("update duty set done_at = now() where name = 'canary/sms'")
    await birds.tick()
    for table in ("canary", "dispatch", "batch", "message", "attempt"):
        assert await town.pool.fetchval(f"select count(*) from {table}") == 0  # noqa: S608


async def test_canaries_of_the_same_words_share_one_event(town: Kawabe) -> None:
    birds = canary_of(town, nest())
    for _ in range(3):
        await birds.tick()
        await passes(town.pool, 300)
    assert await town.pool.fetchval("select count(*) from canary") == 3
    assert await town.pool.fetchval("select count(*) from event") == 1


async def test_what_it_says_can_be_reported_like_any_event(town: Kawabe) -> None:
    await canary_of(town, nest()).tick()
    event = Event.restore(json.loads(await town.pool.fetchval("select document from event")), None)
    assert (event.mode, event.event_class, event.channels) == ("drill", "code", ("sms",))


def test_an_address_is_not_shown() -> None:
    assert PHONE not in repr(nest())
    assert canary.PRIORITY < 3
