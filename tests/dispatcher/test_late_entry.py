"""Late entry: whoever comes into the area of an order in force gets it, once, and nobody gets what no longer holds."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool
from prometheus_client import REGISTRY

from channels.contract import Answer, Verdict
from channels.memory import MemoryChannel
from dispatcher.audience import Longs, Whereabouts
from dispatcher.dispatches import status, stop, stop_all
from dispatcher.drafting import Drafter
from dispatcher.late_entry import LateEntry
from dispatcher.model import DispatchState, Standing
from dispatcher.personal_history import PersonHistory, person_history
from dispatcher.writing import Writer
from subscribers.columns import Columns, open_audience
from subscribers.moving import Position, move
from subscribers.store import subscriber_number
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, invitation, kawabe, order, people
from tests.dispatcher.new_area import FULL, box, update
from words.sql import sql

KEN = "ken@kawabe.example"
HILL = (133.75, 34.65)
RIVER = (133.70, 34.60)
EASTERN = [[[133.70, 34.59], [133.72, 34.59], [133.72, 34.61], [133.70, 34.61], [133.70, 34.59]]]
PLANNED_LATER = "update dispatch set state = 'sending', planned_at = now() + $2 where id = $1"
FINISH = sql("dispatcher", "dispatch_finish")
JUN = "jun,ja,drill,,,jun@kawabe.example,自宅,34.650,133.750"
AYA = "aya,ja,festival,,,aya@kawabe.example,自宅,34.650,133.750"


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def goes(town: Kawabe, who: str, where: tuple[float, float]) -> None:
    number = await subscriber_number(town.pool, who)
    assert number is not None
    await move(town.pool, [Position(number, *where, datetime.now(UTC) + timedelta(hours=1))])


async def until(true: Callable[[], bool] | Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(8):
        while not (met if isinstance(met := true(), bool) else await met):
            await asyncio.sleep(0.02)


def got(channel: MemoryChannel, address: str) -> list[str]:
    """The texts that an address has got."""
    return [call.message.body for call in channel.taken if call.recipients[0].address == address]


def says(words: str, **changes: Any) -> Any:
    """An order by mail, in these words."""
    texts = {"ja": {"subject": "避難指示", "body": f"{words}、{{level_name}}。"}}
    return order(channels=["email"], texts=texts, id=words, **changes)


async def has_words(town: Kawabe, address: str, words: str) -> None:
    await until(lambda: any(text.startswith(words) for text in got(town.email, address)))


async def history(town: Kawabe, dispatch: str, who: str) -> PersonHistory:
    number = await subscriber_number(town.pool, who)
    assert number is not None
    found = await person_history(town.pool, dispatch, number)
    assert found is not None
    return found


async def test_ken_comes_down_from_the_hill_and_gets_the_order_marked_as_late_entry(town: Kawabe) -> None:
    end = await town.sent(says("order"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "order")
    now, ken = await status(town.pool, end.dispatch), await history(town, end.dispatch, "ken")
    assert (now.audience, now.late_entries) == (2, 1)
    assert ken.entered_at is not None
    assert ken.place < 0
    assert (await history(town, end.dispatch, "mei")).entered_at is None


async def test_whoever_signs_up_inside_gets_it_on_every_channel(town: Kawabe, tmp_path: Path) -> None:
    end = await town.sent(order())
    async with town.at_work():
        await town.settle(tmp_path, [f"jo,ja,,U{'e' * 32},090-1111-0010,jo@kawabe.example,自宅,34.6,133.7"])
        await until(lambda: "jo@kawabe.example" in people(town.email) and f"U{'e' * 32}" in people(town.line))
        await town.over(end.dispatch)
    assert "+819011110010" in people(town.sms)
    assert (await history(town, end.dispatch, "jo")).place > 0


async def test_the_edge_counts_as_inside(town: Kawabe) -> None:
    await town.sent(says("order"))
    async with town.at_work():
        await goes(town, "ken", (133.69, 34.60))
        await has_words(town, KEN, "order")


async def test_moving_out_and_in_again_brings_no_second_order(town: Kawabe, tmp_path: Path) -> None:
    await town.settle(tmp_path, [JUN])
    await town.sent(says("order"))
    async with town.at_work():
        for where in (RIVER, HILL, RIVER):
            await goes(town, "ken", where)
            await has_words(town, KEN, "order")
        await goes(town, "jun", RIVER)
        await has_words(town, "jun@kawabe.example", "order")
    assert len(got(town.email, KEN)) == 1


async def test_whoever_was_found_by_the_plan_gets_no_second_one_for_moving(town: Kawabe) -> None:
    end = await town.sent(order())
    async with town.at_work():
        await goes(town, "hana", (133.701, 34.601))
        await goes(town, "ken", RIVER)
        await until(lambda: KEN in people(town.email))
        await town.over(end.dispatch)
    assert (town.line.people, town.sms.people) == (2, 2)


async def test_whoever_came_in_while_nobody_was_at_work_gets_it_when_somebody_is(town: Kawabe) -> None:
    await town.sent(says("order"))
    await goes(town, "ken", RIVER)
    async with town.at_work():
        await has_words(town, KEN, "order")


async def test_an_order_that_was_sent_is_sending_again_and_drains_again(town: Kawabe) -> None:
    first = await town.sent(says("order"))
    held = asyncio.Event()

    async def hold(*_: object) -> None:
        await held.wait()

    town.email.script = hold
    async with town.at_work():
        await goes(town, "ken", RIVER)

        async def sending() -> bool:
            return (await status(town.pool, first.dispatch)).state is DispatchState.SENDING

        await until(sending)
        held.set()
        again = await town.over(first.dispatch)
    assert (again.state, again.channels) == (DispatchState.DRAINED, {"email": {"accepted": 2}})
    assert again.seconds["drained"] > first.seconds["drained"]
    assert again.seconds["first_send"] == first.seconds["first_send"]


async def test_an_order_that_was_lifted_reaches_nobody_more(town: Kawabe) -> None:
    old = await town.sent(says("old"))
    await town.sent(says("lift", area=None, reference={"lifts": old.dispatch}))
    await town.sent(says("new"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert len(got(town.email, KEN)) == 1


async def test_an_order_that_has_expired_reaches_nobody_more(town: Kawabe) -> None:
    old = await town.sent(says("old"))
    await town.pool.execute("update dispatch set valid_until = now() where id = $1", old.dispatch)
    await town.sent(says("new"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert len(got(town.email, KEN)) == 1


async def test_an_order_that_was_stopped_after_it_was_sent_stays_sent_and_reaches_nobody_more(town: Kawabe) -> None:
    old = await town.sent(says("old"))
    assert await stop(town.pool, old.dispatch, by="森") is DispatchState.DRAINED
    await town.sent(says("new"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert len(got(town.email, KEN)) == 1
    assert (await status(town.pool, old.dispatch)).stopped_by == "森"


async def test_stopping_everything_ends_all_late_entry(town: Kawabe) -> None:
    old = await town.sent(says("old"))
    assert await stop_all(town.pool, by="森") == []
    await town.sent(says("new"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert (await status(town.pool, old.dispatch)).late_entries == 0


async def test_what_still_waits_when_the_lift_is_approved_is_not_sent_any_more(town: Kawabe) -> None:
    first = await town.sent(says("order"))
    refused = asyncio.Event()

    async def refuse(*_: object) -> Answer:
        refused.set()
        return Answer(Verdict.RETRY)

    town.email.script = refuse
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await refused.wait()
        lift = await town.send(says("lift", area=None, reference={"lifts": first.dispatch}))
        town.email.script = None
        await town.over(lift)
        end = await town.over(first.dispatch)
    assert end.channels == {"email": {"accepted": 1, "cancelled": 1}}
    assert got(town.email, KEN) == []


async def test_an_update_takes_the_place_of_the_order(town: Kawabe) -> None:
    old = await town.sent(says("old"))
    await town.sent(says("new", reference={"updates": old.dispatch}))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert len(got(town.email, KEN)) == 1


async def test_whoever_an_update_released_reads_the_full_order_on_coming_back_in(town: Kawabe) -> None:
    first = await town.sent(order(texts=FULL))
    end = await town.sent(update(first.dispatch))
    told = got(town.email, "mei@gmail.com")
    async with town.at_work():
        await goes(town, "mei", (133.698, 34.598))
        await until(lambda: len(got(town.email, "mei@gmail.com")) > len(told))
        await town.over(end.dispatch)
    mei = await history(town, end.dispatch, "mei")
    assert [each.body for each in mei.messages] == got(town.email, "mei@gmail.com")[1:]
    assert mei.standing is Standing.NEW
    assert mei.entered_at is not None


async def test_a_correction_without_an_area_goes_to_who_comes_into_that_of_the_order(town: Kawabe) -> None:
    old = await town.sent(says("old"))
    await town.sent(says("new", area=None, reference={"corrects": old.dispatch}))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert len(got(town.email, KEN)) == 1


async def test_of_an_event_sent_twice_whoever_comes_in_gets_one_order(town: Kawabe) -> None:
    event = says("order")
    first = await town.sent(event)
    async with town.at_work():
        again = await town.over(await town.send(event, again=True))
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "order")
        await town.over(again.dispatch)
    assert len(got(town.email, KEN)) == 1
    assert (await status(town.pool, first.dispatch)).late_entries == 0


async def test_two_events_that_overlap_are_two_orders(town: Kawabe) -> None:
    await town.sent(says("river"))
    await town.sent(says("east", area={"type": "Polygon", "coordinates": EASTERN}))
    async with town.at_work():
        await goes(town, "ken", (133.705, 34.60))
        await has_words(town, KEN, "river")
        await has_words(town, KEN, "east")
    assert len(got(town.email, KEN)) == 2


async def test_two_overlapping_parts_of_one_area_are_one_order(town: Kawabe) -> None:
    parts = [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": part}}
        for part in (EASTERN, [[[133.69, 34.59], [133.71, 34.59], [133.71, 34.61], [133.69, 34.61], [133.69, 34.59]]])
    ]
    end = await town.sent(says("order", area={"type": "FeatureCollection", "features": parts}))
    async with town.at_work():
        await goes(town, "ken", (133.705, 34.60))
        await has_words(town, KEN, "order")
        await town.over(end.dispatch)
    assert len(got(town.email, KEN)) == 1


@pytest.mark.parametrize(("wanted", "texts"), [(None, 1), (True, 2)])
async def test_a_campaign_goes_to_who_comes_in_only_if_it_asks_for_it(
    town: Kawabe, tmp_path: Path, wanted: bool | None, texts: int
) -> None:
    await town.settle(tmp_path, [AYA])
    await town.sent(invitation(channels=["email"], late_entry=wanted))
    await town.sent(says("order"))
    async with town.at_work():
        for who in ("ken", "aya"):
            await goes(town, who, RIVER)
        await until(lambda: len(got(town.email, "aya@kawabe.example")) == texts)
        await has_words(town, "aya@kawabe.example", "order")
        await has_words(town, KEN, "order")
    assert len(got(town.email, "aya@kawabe.example")) == texts
    assert len(got(town.email, KEN)) == 1


async def test_an_order_may_do_without_late_entry(town: Kawabe) -> None:
    await town.sent(says("old", late_entry=False))
    await town.sent(says("new"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "new")
    assert len(got(town.email, KEN)) == 1


async def test_a_drill_goes_to_the_drill_list_only(town: Kawabe, tmp_path: Path) -> None:
    await town.settle(tmp_path, [JUN])
    await town.sent(says("order", mode="drill"))
    async with town.at_work():
        await goes(town, "ken", RIVER)
        await goes(town, "jun", RIVER)
        await until(lambda: bool(got(town.email, "jun@kawabe.example")))
    assert got(town.email, KEN) == []


async def test_two_workers_bring_thirty_people_one_order_each(town: Kawabe, tmp_path: Path) -> None:
    rows = [f"n{i},ja,,U{i:032x},,n{i}@kawabe.example,自宅,34.650,133.750" for i in range(30)]
    await town.settle(tmp_path, rows)
    end = await town.sent(order(channels=["line", "email"]))
    async with town.at_work(), town.at_work():
        for i in range(30):
            await goes(town, f"n{i}", RIVER)
        await until(lambda: {f"n{i}@kawabe.example" for i in range(30)} <= set(people(town.email)))
        await town.over(end.dispatch)
    assert set(Counter(people(town.email) + people(town.line)).values()) == {1}
    assert (await status(town.pool, end.dispatch)).late_entries == 30


async def by_hand(town: Kawabe, audience: Columns | None = None) -> LateEntry:
    """As another process has it, but told when to look."""
    audience, kinds = (
        audience or await open_audience(town.pool),
        {name: each.contact for name, each in town.channels.items()},
    )
    writer = Writer(town.channels, batch_size=500, town=KAWABE)
    return LateEntry(
        town.pool, audience, Drafter(town.pool, audience, kinds), writer, channels=town.channels, town=KAWABE
    )


async def test_two_processes_that_find_somebody_at_the_same_moment_write_one_batch(town: Kawabe) -> None:
    end = await town.sent(says("order"))
    await goes(town, "ken", RIVER)
    finders = [await by_hand(town) for _ in range(6)]
    await asyncio.gather(*(finder.tick() for finder in finders))
    written = "select count(*) from batch where dispatch = $1 and entered_at is not null"
    assert await town.pool.fetchval(written, end.dispatch) == 1


async def test_a_process_that_died_after_writing_it_down_has_it_sent_once_by_the_next(town: Kawabe) -> None:
    end = await town.sent(says("order"))
    await goes(town, "ken", RIVER)
    await (await by_hand(town)).tick()
    assert got(town.email, KEN) == []
    async with town.at_work():
        await town.over(end.dispatch)
    assert len(got(town.email, KEN)) == 1


async def test_of_an_order_approved_just_now_only_those_who_changed_since_are_looked_at(
    town: Kawabe, monkeypatch: pytest.MonkeyPatch
) -> None:
    audience, looked_for = await open_audience(town.pool), list[int]()
    late = await by_hand(town, audience)
    whereabouts = audience.whereabouts

    def looked(subscribers: Longs) -> Whereabouts:
        looked_for.extend(subscribers.tolist())
        return whereabouts(subscribers)

    async with audience.following(), late.at_work(every=3600):
        await town.sent(says("elsewhere", area=box(133.0, 34.0, 133.1, 34.1)))
        end = await town.sent(says("order"))
        await town.pool.execute(PLANNED_LATER, end.dispatch, timedelta(hours=1))
        await late.tick()
        monkeypatch.setattr(audience, "whereabouts", looked)
        monkeypatch.setattr(audience, "match", None)
        monkeypatch.setattr("dispatcher.late_entry._MARGIN_SECONDS", 0.0)
        await goes(town, "ken", RIVER)
        await until(lambda: bool(looked_for))
        await town.pool.execute(PLANNED_LATER, end.dispatch, -timedelta(seconds=2))
        await late.tick()
    assert (await status(town.pool, end.dispatch)).late_entries == 1


def counted() -> float:
    return REGISTRY.get_sample_value("todoke_late_entries_total", {"class": "evacuation"}) or 0.0


async def test_what_went_wrong_is_told_and_done_again(town: Kawabe, monkeypatch: pytest.MonkeyPatch) -> None:
    await town.sent(says("order"))
    await goes(town, "ken", RIVER)
    finder, write = await by_hand(town), Writer.write

    async def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(Writer, "write", fail)
    with pytest.raises(ConnectionError):
        await finder.tick()
    assert [trouble.code for trouble in finder.trouble()] == ["late_entry.failed"]
    monkeypatch.setattr(Writer, "write", write)
    before = counted()
    await finder.tick()
    assert finder.trouble() == []
    assert counted() == before + 1


async def test_an_order_lifted_between_the_look_and_the_writing_is_not_written(
    town: Kawabe, monkeypatch: pytest.MonkeyPatch
) -> None:
    end = await town.sent(says("order"))
    await goes(town, "ken", RIVER)
    draft = Drafter.for_those

    async def lift_meanwhile(*arguments: Any) -> Any:
        await town.send(says("lift", area=None, reference={"lifts": end.dispatch}))
        return await draft(*arguments)

    monkeypatch.setattr(Drafter, "for_those", lift_meanwhile)
    await (await by_hand(town)).tick()
    now = await status(town.pool, end.dispatch)
    assert (now.state, now.late_entries) == (DispatchState.DRAINED, 0)


async def test_an_order_written_while_the_closer_looks_is_not_taken_for_sent(town: Kawabe) -> None:
    end = await town.sent(says("order"))
    await goes(town, "ken", RIVER)
    await town.pool.execute("update dispatch set state = 'sending' where id = $1", end.dispatch)
    async with town.pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute("update dispatch set next_batch = next_batch + 1 where id = $1", end.dispatch)
        closing = asyncio.create_task(town.pool.fetch(FINISH))

        async def waiting() -> bool:
            found = (
                "select exists (select from pg_stat_activity where wait_event_type = 'Lock' and query like '%drained%')"
            )
            return bool(await town.pool.fetchval(found))

        await until(waiting)
        await transaction.commit()
    assert await closing == []


async def test_whoever_stood_in_an_order_that_was_stopped_first_gets_it_when_it_is_sent_again(town: Kawabe) -> None:
    event, refused = says("order"), asyncio.Event()

    async def refuse(*_: object) -> Answer:
        refused.set()
        return Answer(Verdict.RETRY)

    town.email.script = refuse
    await goes(town, "ken", RIVER)
    async with town.at_work():
        stopped = await town.send(event)
        await refused.wait()
        await stop(town.pool, stopped, by="森")
        await town.over(stopped)
    town.email.script = None
    await goes(town, "ken", HILL)
    await town.send(event, again=True)
    async with town.at_work():
        await has_words(town, "mei@gmail.com", "order")
        assert got(town.email, KEN) == []
        await goes(town, "ken", RIVER)
        await has_words(town, KEN, "order")
