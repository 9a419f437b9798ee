"""Drafts and their versions."""

from __future__ import annotations

import asyncpg
import pytest

from console.orders import book, submitting
from console.orders.model import Author, State
from dispatcher.model import Mode
from tests.console.orders.hall import Hall, draft, drill
from words.problem import Refused

API = Author(key="river gauge")


async def test_a_draft_may_lack_anything_and_is_a_drill_unless_it_says_otherwise(hall: Hall) -> None:
    order = await hall.draft({"class": "evacuation", "hazard": "flood"})
    assert (order.state, order.mode, order.version.number) == (State.DRAFT, Mode.DRILL, 1)
    assert order.version.document == {"class": "evacuation", "hazard": "flood"}
    assert order.version.author == Author(hall.sato)


async def test_every_version_is_kept_with_who_wrote_it_and_when(hall: Hall) -> None:
    order = await hall.draft(draft(level=4))
    await book.revise(hall.desk, order.id, Author(hall.tanaka), draft(issuer="町長"), after=1)
    newest, first = await book.versions(hall.pool, order.id)
    assert [(each.number, each.author.officer) for each in (newest, first)] == [(2, hall.tanaka), (1, hall.sato)]
    assert newest.at > first.at
    with pytest.raises(asyncpg.RaiseError, match="only ever added to"):
        await hall.pool.execute("update town_order_version set document = '{}'")


async def test_what_somebody_else_changed_meanwhile_is_not_written_over(hall: Hall) -> None:
    order = await hall.draft()
    await book.revise(hall.desk, order.id, Author(hall.tanaka), draft(issuer="町長"), after=1)
    with pytest.raises(Refused) as refused:
        await book.revise(hall.desk, order.id, Author(hall.sato), draft(), after=1)
    assert refused.value.say("en")[0].startswith("Somebody else has changed this draft (version 2).")
    assert refused.value.say("ja")[0].startswith("ほかの人がこの下書きを変更しました（第 2 版）。")


@pytest.mark.parametrize("key", ["approved_by", "state", "priority", "nonsense"])
async def test_what_no_event_has_is_refused(hall: Hall, key: str) -> None:
    """Row 23."""
    with pytest.raises(Refused) as refused:
        await hall.draft(draft(**{key: "x"}))
    assert [each.where for each in refused.value.problems] == [f"/{key}"]


async def test_drill_and_live_are_never_changed_afterwards(hall: Hall) -> None:
    order = await hall.draft(drill())
    with pytest.raises(Refused, match="Drill and live cannot be changed afterwards"):
        await book.revise(hall.desk, order.id, Author(hall.sato), draft(), after=1)


async def test_the_bureau_writes_its_invitations_and_no_orders(hall: Hall) -> None:
    invitation = {"class": "tourism", "mode": "live"}
    assert (await book.create(hall.desk, Author(hall.ando), invitation)).state is State.DRAFT
    with pytest.raises(Refused):
        await book.create(hall.desk, Author(hall.ando), draft())


async def test_an_alert_by_api_waits_as_a_draft_for_two_people(hall: Hall) -> None:
    order = await book.create(hall.desk, API, draft(id="gauge-7"))
    assert (order.state, order.version.author) == (State.DRAFT, API)
    order = await submitting.submit(hall.desk, order.id, Author(hall.tanaka), hash=await hall.hash(order))
    with pytest.raises(Refused, match="cannot approve it"):
        await hall.approve(order, by=hall.tanaka)
    assert (await hall.released(await hall.approve(order))).state is State.RELEASED


async def test_what_is_discarded_stays_so(hall: Hall) -> None:
    order = await book.discard(hall.desk, (await hall.draft()).id, Author(hall.sato))
    assert (order.state, order.void_why) == (State.VOID, "discarded")
    with pytest.raises(Refused, match="This order is void"):
        await book.revise(hall.desk, order.id, Author(hall.sato), draft(), after=1)


async def test_there_is_no_order_nobody_wrote(hall: Hall) -> None:
    with pytest.raises(Refused, match="There is no order 7"):
        await book.read(hall.pool, 7)


async def test_the_list_shows_the_latest_changed_first(hall: Hall) -> None:
    first, second = await hall.draft(), await hall.submitted()
    await book.revise(hall.desk, first.id, Author(hall.sato), draft(), after=1)
    assert [order.id for order in await book.listed(hall.pool) if order.prepared_for is None] == [first.id, second.id]
    assert [order.id for order in await book.listed(hall.pool, [State.SUBMITTED])] == [second.id]


@pytest.mark.parametrize(
    "wrong",
    [
        {"texts": "避難"},
        {"texts": {"ja": "避難"}},
        {"channels": "line"},
        {"level": [4]},
        {"area_name": 5},
        {"hazard": ["flood"]},
        {"reference": "x"},
        {"late_entry": "yes"},
    ],
)
async def test_what_no_page_could_show_is_no_draft(hall: Hall, wrong: dict[str, object]) -> None:
    with pytest.raises(Refused, match=f"'{next(iter(wrong))}' is of another shape"):
        await book.create(hall.desk, API, draft(**wrong))
