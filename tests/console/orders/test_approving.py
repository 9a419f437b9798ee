"""Another officer's word, and the ten seconds after it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from console.orders import approving, book, submitting
from console.orders.model import Author, State
from console.orders.releaser import Releaser
from tests.console.orders.hall import Hall, draft
from words.problem import Refused


async def test_an_order_that_another_approves_leaves_after_ten_seconds(hall: Hall) -> None:
    order = await hall.counting()
    assert order.state is State.COUNTING
    assert order.seconds_left is not None
    assert 8 < order.seconds_left <= 10
    await Releaser(hall.pool).tick()
    assert await hall.dispatches() == []
    order = await hall.released(order)
    assert order.state is State.RELEASED
    [sent] = await hall.dispatches()
    assert sent == {
        "id": order.dispatch,
        "digest": order.hash,
        "mode": "live",
        "requested_by": "佐藤",
        "approved_by": "森",
        "counted": 4,
    }
    assert await hall.recorded(order) == ["order.drafted", "order.submitted", "order.approved", "order.released"]


async def test_what_is_taken_back_within_them_leaves_nothing_sent(hall: Hall) -> None:
    order = await hall.counting()
    taken = await approving.take_back(hall.desk, order.id, hall.sato)
    assert (taken.state, taken.hash, taken.approval) == (State.TAKEN_BACK, None, None)
    assert (await hall.released(order)).state is State.TAKEN_BACK
    assert await hall.dispatches() == []


async def test_what_has_left_is_not_taken_back(hall: Hall) -> None:
    order = await hall.released(await hall.counting())
    with pytest.raises(Refused) as refused:
        await approving.take_back(hall.desk, order.id, hall.mori)
    assert refused.value.say("en") == [
        f"It has already left, as {order.dispatch}. Stop it, or correct it if it is wrong."
    ]
    assert refused.value.say("ja") == [
        f"もう送信が始まっています（{order.dispatch}）。止めるには「停止」を、誤りなら「訂正」を選んでください。"
    ]


async def test_nobody_approves_their_own(hall: Hall) -> None:
    order = await hall.draft()
    await hall.pool.execute("update officer set roles = '{author, approver}' where id = $1", hall.sato)
    order = await submitting.submit(hall.desk, order.id, Author(hall.sato), hash=await hall.hash(order))
    with pytest.raises(Refused) as refused:
        await hall.approve(order, by=hall.sato)
    assert [each.code for each in refused.value.problems] == ["four_eyes"]
    assert refused.value.say("en") == [
        "You wrote or submitted this order, so you cannot approve it. Ask another approver."
    ]
    assert refused.value.say("ja") == ["自分が作成または提出した発令は承認できません。別の承認者に頼んでください。"]


async def test_who_changed_the_text_or_submitted_it_does_not_approve_it_either(hall: Hall) -> None:
    order = await hall.draft()
    order = await book.revise(hall.desk, order.id, Author(hall.tanaka), draft(issuer="町長"), after=1)
    order = await submitting.submit(hall.desk, order.id, Author(hall.sato), hash=await hall.hash(order))
    with pytest.raises(Refused, match="cannot approve it"):
        await hall.approve(order, by=hall.tanaka)
    assert (await hall.approve(order)).state is State.COUNTING


async def test_an_approver_who_lost_the_role_meanwhile_approves_nothing(hall: Hall) -> None:
    order = await hall.submitted()
    await hall.pool.execute("update officer set roles = '{viewer}' where id = $1", hall.mori)
    with pytest.raises(Refused) as refused:
        await hall.approve(order)
    assert (await hall.read(order)).state is State.SUBMITTED
    assert "承認" in refused.value.say("ja")[0]


async def test_a_stale_hash_approves_nothing(hall: Hall) -> None:
    order = await hall.submitted()
    changed = await book.revise(hall.desk, order.id, Author(hall.sato), draft(issuer="町長"), after=1)
    again = await submitting.submit(hall.desk, order.id, Author(hall.sato), hash=await hall.hash(changed))
    assert again.hash != order.hash
    with pytest.raises(Refused) as refused:
        await hall.approve(order)
    assert [each.code for each in refused.value.problems] == ["content_changed"]
    assert refused.value.say("en") == [
        "/hash: The content is not what you looked at. Look at it once more. Nothing was sent."
    ]


@pytest.mark.parametrize("age", [301, -5, None])
async def test_an_approval_needs_a_fresh_second_factor(hall: Hall, age: float | None) -> None:
    order = await hall.submitted()
    given = datetime.now(UTC) - timedelta(seconds=age) if age is not None else None
    with pytest.raises(Refused) as refused:
        await hall.approve(order, factor_at=given)
    assert [each.code for each in refused.value.problems] == ["step_up"]
    assert refused.value.say("en") == [
        "/code: This needs a code given within the last 5 minutes. Enter one from your authenticator."
    ]


async def test_a_draft_is_not_approved(hall: Hall) -> None:
    """Row 21: no state is skipped."""
    order = await hall.draft()
    with pytest.raises(Refused, match="content is not what you looked at"):
        await hall.approve(order, hash=await hall.hash(order))
    assert (await hall.read(order)).state is State.DRAFT


async def test_a_change_takes_the_approval_of_what_waits_away(hall: Hall) -> None:
    order = await hall.submitted()
    changed = await book.revise(hall.desk, order.id, Author(hall.sato), draft(), after=1)
    assert (changed.state, changed.hash, changed.submission) == (State.DRAFT, None, None)


async def test_what_counts_down_is_not_changed(hall: Hall) -> None:
    order = await hall.counting()
    with pytest.raises(Refused, match="This order is about to leave"):
        await book.revise(hall.desk, order.id, Author(hall.sato), draft(), after=1)


async def test_two_who_approve_at_once_and_one_who_clicks_twice_make_one_dispatch(hall: Hall) -> None:
    order = await hall.submitted()
    ways = [hall.approve(order), hall.approve(order, by=hall.tanaka), hall.approve(order)]
    done = await asyncio.gather(*ways, return_exceptions=True)
    assert any(not isinstance(each, BaseException) for each in done)
    await hall.released(order)
    assert len(await hall.dispatches()) == 1


async def test_an_order_for_quite_others_than_were_submitted_is_looked_at_again(hall: Hall) -> None:
    order = await hall.submitted()
    await hall.pool.execute("alter table town_order_submission disable trigger all")
    await hall.pool.execute("update town_order_submission set people = 400")
    with pytest.raises(Refused, match="submitted for 400 people and would now reach 4"):
        await hall.approve(order)


async def test_an_approver_sends_it_back_with_a_word(hall: Hall) -> None:
    order = await hall.submitted()
    back = await submitting.send_back(hall.desk, order.id, hall.mori, note="区域が広すぎます")
    assert (back.state, back.hash) == (State.DRAFT, None)
    with pytest.raises(Refused):
        await hall.approve(order)


async def test_nobody_is_released_by_the_database_without_an_approval_of_just_this(hall: Hall) -> None:
    """Whatever the code does: the row itself refuses."""
    order = await hall.counting()
    for change in ("hash = 'other'", "approval = null", "state = 'draft'"):
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await hall.pool.execute(f"update town_order set {change} where id = {order.id}")  # noqa: S608
