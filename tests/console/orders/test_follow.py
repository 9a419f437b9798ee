"""Updates, corrections and lifts; and the correction that is there before the first is sent."""

from __future__ import annotations

import pytest

from console.orders import book, submitting
from console.orders.checks import check
from console.orders.follow import follow
from console.orders.model import Author, Order, State
from dispatcher.model import Relation
from tests.console.orders.hall import Hall, draft
from words.problem import Refused


async def sent(hall: Hall) -> Order:
    return await hall.released(await hall.counting())


async def wished(hall: Hall, relation: Relation) -> Order:
    order = await sent(hall)
    return await follow(hall.desk, hall.sato, order.dispatch or "", relation)


async def test_a_correction_is_prepared_before_the_first_is_sent(hall: Hall) -> None:
    order = await hall.submitted()
    [prepared] = [each for each in await book.listed(hall.pool) if each.prepared_for == order.id]
    assert prepared.state is State.DRAFT
    assert "誤りでした" in prepared.version.document["texts"]["ja"]["body"]


async def test_a_drill_needs_none(hall: Hall) -> None:
    await hall.submitted(draft(mode="drill"))
    assert len(await book.listed(hall.pool)) == 1


async def test_submitted_again_there_is_still_one(hall: Hall) -> None:
    order = await hall.submitted()
    order = await book.revise(hall.desk, order.id, Author(hall.sato), draft(issuer="町長"), after=1)
    await submitting.submit(hall.desk, order.id, Author(hall.sato), hash=await hall.hash(order))
    assert len(await book.listed(hall.pool)) == 2


async def test_the_prepared_correction_needs_only_to_be_looked_at_and_approved(hall: Hall) -> None:
    order = await sent(hall)
    correction = await follow(hall.desk, hall.sato, order.dispatch or "", Relation.CORRECTS)
    assert correction.prepared_for == order.id
    assert correction.version.document["reference"] == {"corrects": order.dispatch}
    seen = await hall.hash(correction)
    correction = await submitting.submit(hall.desk, correction.id, Author(hall.sato), hash=seen)
    done = await hall.released(await hall.approve(correction))
    assert done.state is State.RELEASED
    row = await hall.pool.fetchrow("select parent, relation from dispatch where id = $1", done.dispatch)
    assert row is not None
    assert tuple(row) == (order.dispatch, "corrects")


async def test_a_correction_that_waits_for_approval_is_not_taken_away_by_who_wants_one_too(hall: Hall) -> None:
    order = await sent(hall)
    first = await follow(hall.desk, hall.sato, order.dispatch or "", Relation.CORRECTS)
    await submitting.submit(hall.desk, first.id, Author(hall.sato), hash=await hall.hash(first))
    again = await follow(hall.desk, hall.tanaka, order.dispatch or "", Relation.CORRECTS)
    assert (again.id, again.state) == (first.id, State.SUBMITTED)


async def test_a_second_correction_is_another_draft(hall: Hall) -> None:
    order = await sent(hall)
    first = await follow(hall.desk, hall.sato, order.dispatch or "", Relation.CORRECTS)
    await book.discard(hall.desk, first.id, Author(hall.sato))
    second = await follow(hall.desk, hall.sato, order.dispatch or "", Relation.CORRECTS)
    assert second.id != first.id
    assert second.version.document["reference"] == {"corrects": order.dispatch}


async def test_an_update_begins_as_what_it_updates_with_words_for_its_three_audiences(hall: Hall) -> None:
    update = await wished(hall, Relation.UPDATES)
    document = update.version.document
    assert document["texts"]["ja"] == draft()["texts"]["ja"]
    assert "引き続き" in document["texts_still"]["ja"]["body"]
    assert "外れました" in document["texts_released"]["ja"]["body"]
    assert (await check(hall.desk, document)).problems == ()


async def test_a_lift_says_that_it_is_over_to_whom_it_reached(hall: Hall) -> None:
    lift = await wished(hall, Relation.LIFTS)
    assert "area" not in lift.version.document
    assert (await check(hall.desk, lift.version.document)).problems == ()
    seen = await hall.hash(lift)
    lift = await submitting.submit(hall.desk, lift.id, Author(hall.sato), hash=seen)
    assert (await hall.released(await hall.approve(lift))).state is State.RELEASED


async def test_nothing_follows_what_was_never_sent(hall: Hall) -> None:
    with pytest.raises(Refused, match="There is no dispatch '261123-zzzzzz'"):
        await follow(hall.desk, hall.sato, "261123-zzzzzz", Relation.LIFTS)
