"""Break-glass: one officer, a level 5, everybody else alarmed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from console.orders import alone, approving
from console.orders.lookout import Lookout
from console.orders.model import Author, Kind, Order, State
from dispatcher.alarms import standing
from tests.console.orders.hall import Hall, draft, level_five
from words.problem import Refused


async def release_alone(hall: Hall, order: Order, **changes: object) -> Order:
    given = {"hash": await hall.hash(order), "area_name": "川沿い", "factor_at": datetime.now(UTC)} | changes
    return await alone.release_alone(hall.desk, order.id, hall.sato, **given)  # type: ignore[arg-type]


async def look_at(hall: Hall, order: Order, officer: int, *, agreed: bool = True) -> Order:
    now = datetime.now(UTC)
    return await alone.look_at(hall.desk, order.id, officer, hash=order.hash or "", factor_at=now, agreed=agreed)


async def test_one_officer_releases_a_level_five_and_everybody_is_alarmed_at_once(hall: Hall) -> None:
    order = await release_alone(hall, await hall.draft(level_five()))
    assert (order.state, order.approval and order.approval.kind) == (State.COUNTING, Kind.ALONE)
    [alarm] = await standing(hall.pool)
    assert (alarm.trouble.code, alarm.trouble.where) == ("order.alone", f"order:{order.id}")
    assert "released by one officer alone (break-glass)" in alarm.trouble.en
    assert "一人で発信しました" in alarm.trouble.ja
    await hall.released(order)
    [sent] = await hall.dispatches()
    assert (sent["requested_by"], sent["approved_by"]) == ("佐藤", "佐藤（緊急発信・単独）")


async def test_it_shows_a_clock_until_another_has_looked_at_it(hall: Hall) -> None:
    order = await hall.released(await release_alone(hall, await hall.draft(level_five())))
    assert order.seconds_to_look is not None
    assert 3500 < order.seconds_to_look <= 3600
    assert [each.code for each in await Lookout(hall.pool).look()] == ["order.alone"]
    order = await look_at(hall, order, hall.mori)
    assert order.seconds_to_look is None
    assert order.looked_at is not None
    assert (order.looked_at.officer, order.looked_at.agreed) == (hall.mori, True)
    assert await Lookout(hall.pool).look() == []


async def test_overdue_it_is_another_alarm(hall: Hall) -> None:
    desk = hall.ruled(afterwards_seconds=-1)
    order = await hall.draft(level_five())
    seen = {"hash": await hall.hash(order), "area_name": "川沿い", "factor_at": datetime.now(UTC)}
    await alone.release_alone(desk, order.id, hall.sato, **seen)  # type: ignore[arg-type]
    assert [each.code for each in await Lookout(hall.pool).look()] == ["order.alone", "order.alone_overdue"]


async def test_taken_back_there_is_nothing_to_look_at(hall: Hall) -> None:
    order = await release_alone(hall, await hall.draft(level_five()))
    await approving.take_back(hall.desk, order.id, hall.mori)
    assert await Lookout(hall.pool).look() == []
    with pytest.raises(Refused, match="does not wait for an approval afterwards"):
        await look_at(hall, order, hall.mori)


async def test_who_released_it_does_not_look_at_it(hall: Hall) -> None:
    await hall.pool.execute("update officer set roles = '{author, approver}' where id = $1", hall.sato)
    order = await hall.released(await release_alone(hall, await hall.draft(level_five())))
    with pytest.raises(Refused, match="Ask another approver"):
        await look_at(hall, order, hall.sato)


async def test_a_level_four_needs_two(hall: Hall) -> None:
    with pytest.raises(Refused) as refused:
        await release_alone(hall, await hall.draft(draft()))
    assert refused.value.say("en") == [
        "/level: Only a live level 5 can be released by one officer. Ask another approver."
    ]
    assert refused.value.say("ja")[0].endswith(
        "本番の警戒レベル5（緊急安全確保）だけです。ほかは別の承認者に頼んでください。"
    )


@pytest.mark.parametrize("typed", ["", "川辺", "山沿い"])
async def test_another_name_of_the_area_releases_nothing(hall: Hall, typed: str) -> None:
    with pytest.raises(Refused, match="type the name of its area: 川沿い"):
        await release_alone(hall, await hall.draft(level_five()), area_name=typed)
    assert await standing(hall.pool) == []


async def test_an_area_without_a_name_cannot_be_typed(hall: Hall) -> None:
    order = await hall.draft(level_five(area_name=None))
    with pytest.raises(Refused, match="its area needs a name"):
        await release_alone(hall, order)


async def test_it_needs_a_second_factor_too(hall: Hall) -> None:
    order = await hall.draft(level_five())
    with pytest.raises(Refused, match="needs a code given within the last 5 minutes"):
        await release_alone(hall, order, factor_at=None)
    assert (await hall.read(order)).state is State.DRAFT
    assert (await hall.read(order)).version.author == Author(hall.sato)
