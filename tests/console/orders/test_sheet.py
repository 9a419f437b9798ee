"""The sheet: how many, by which way, until when, for how much, and when the number is typed in."""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncpg import Pool

from channels.contract import Message
from console.orders import submitting
from console.orders.checks import previews
from console.orders.content import event_of
from console.orders.model import Author
from console.orders.sheet import sheet
from dispatcher.dispatches import Signatures, create
from tests.console.orders.hall import Hall, draft, drill, map_the_town, open_hall
from tests.dispatcher.engine_room import crowd, order
from words.problem import Refused


async def test_it_counts_people_by_channel_language_and_whether_they_are_reached(hall: Hall) -> None:
    page = await sheet(hall.desk, await hall.draft())
    assert (page.people, page.count.audience, page.unreachable) == (4, 4, 0)
    assert {each.channel: each.people for each in page.channels} == {"line": 2, "sms": 2, "email": 1}
    assert page.reach == {("line", "sms"): 1, ("sms",): 1, ("line",): 1, ("email",): 1}
    assert page.count.languages == {"ja": 1, "ja-x-easy": 1, "vi": 1, "zh-Hans": 1}
    [line, sms, _] = page.channels
    assert (line.languages, sms.languages) == ({"ja": 1, "vi": 1}, {"ja": 1, "ja-x-easy": 1})


async def test_whom_its_channels_do_not_reach_is_counted_too(hall: Hall) -> None:
    page = await sheet(hall.desk, await hall.draft(draft(channels=["line"])))
    assert (page.people, page.unreachable, page.reach) == (4, 2, {("line",): 2, (): 2})


async def test_a_drill_is_counted_for_its_list_alone(hall: Hall) -> None:
    page = await sheet(hall.desk, await hall.draft(drill()))
    assert (page.people, {each.channel: each.people for each in page.channels}) == (
        1,
        {"line": 1, "sms": 0, "email": 0},
    )


async def test_its_cost_is_by_segment_and_beyond_what_is_included(hall: Hall) -> None:
    """An SMS of this text takes two segments; LINE includes two messages a month, of which nobody says how many are used."""
    page = await sheet(hall.desk, await hall.draft())
    [line, sms, email] = page.channels
    assert sms.units == 2 * hall.desk.channels["sms"].cost(await message(hall))
    assert (sms.yen, line.units, line.yen, email.yen) == (sms.units * 10, 2, 6, 0)
    assert page.yen == sms.yen + line.yen


async def message(hall: Hall) -> Message:
    shown = await previews(hall.desk, await event_of(hall.desk, await hall.draft()))
    return next(each.message for each in shown if each.channel == "sms")


async def test_a_quota_that_does_not_suffice_is_said(pool: Pool, tmp_path: Path) -> None:
    hall = await open_hall(pool, tmp_path, crowd(201))
    page = await sheet(hall.desk, await hall.draft(draft(channels=["line"])))
    [problem] = [each for each in page.advice if each.code == "sheet.over_quota"]
    assert problem.en.startswith("line has 200 messages left this month, and this takes 201.")
    assert problem.ja.startswith("line の今月の残りは 200 通ですが、201 通が必要です。")


async def test_when_it_will_have_arrived_follows_the_limits_and_what_is_queued(pool: Pool, tmp_path: Path) -> None:
    hall = await open_hall(pool, tmp_path, crowd(300, line=False, phone=True))
    [alone] = (await sheet(hall.desk, await hall.draft(draft(channels=["sms"])))).channels
    [limit] = hall.desk.channels["sms"].lane("").limits
    assert alone.seconds == pytest.approx(300 * 1.05 / limit.rate + 2, rel=0.01)
    assert alone.queued == 0
    await plan_another(hall)
    [behind] = (await sheet(hall.desk, await hall.draft(draft(channels=["sms"])))).channels
    assert behind.queued == pytest.approx(300 * 1.05 / limit.rate, rel=0.01)
    assert behind.seconds == pytest.approx(2 * 300 * 1.05 / limit.rate + 2, rel=0.01)


async def plan_another(hall: Hall) -> None:
    """A dispatch whose batches wait: nobody sends here."""
    name = await create(hall.pool, order(channels=["sms"]), Signatures("佐藤", "森", counted=300))
    await hall.pool.execute("update dispatch set state = 'sending', counted = null where id = $1", name)
    await hall.pool.execute(
        "insert into batch (dispatch, number, key, channel, lane, priority, messages, members, places, outcomes, state)"
        " select $1, 0, gen_random_uuid(), 'sms', '', 0, array[0], array_agg(n), array_agg(n),"
        " decode(repeat('00', 300), 'hex'), 'due' from generate_series(1::bigint, 300) n",
        name,
    )


async def test_it_is_compared_with_the_last_such_order(pool: Pool, tmp_path: Path) -> None:
    hall = await open_hall(pool, tmp_path, crowd(120))
    before = await create(hall.pool, order(), Signatures("佐藤", "森", counted=50))
    page = await sheet(hall.desk, await hall.draft())
    assert page.similar is not None
    assert (page.similar.dispatch, page.similar.people) == (before, 50)
    [why] = page.typed
    assert why.en.startswith("It concerns 120 people, far more than the last such order (50).")
    assert why.ja.startswith("前回の同じ種類の発令（50 人）よりずっと多い 120 人が対象です。")


async def test_far_more_people_than_usual_are_typed_in(pool: Pool, tmp_path: Path) -> None:
    hall = await open_hall(pool, tmp_path, crowd(120))
    await create(hall.pool, order(), Signatures("佐藤", "森", counted=50))
    wish = await hall.draft()
    seen = await hall.hash(wish)
    for typed in (None, 50):
        with pytest.raises(Refused, match="Type the number of people to show that you have seen it: 120"):
            await submitting.submit(hall.desk, wish.id, Author(hall.sato), hash=seen, typed=typed)
    done = await submitting.submit(hall.desk, wish.id, Author(hall.sato), hash=seen, typed=120)
    assert done.submission is not None
    assert done.submission.figures["typed"] == ["sheet.far_more"]


async def test_the_whole_town_for_a_landslide_is_typed_in_and_for_an_earthquake_is_not(
    pool: Pool, tmp_path: Path
) -> None:
    hall = await open_hall(pool, tmp_path, crowd(120))
    await map_the_town(pool)
    text = {"ja": {"subject": "{level_name}", "body": "{issued_at}、{area_name}に{level_name}。避難してください。"}}
    slide = await sheet(hall.desk, await hall.draft(draft(area={"code": "99201"}, hazard="landslide", texts=text)))
    assert [each.code for each in slide.typed] == ["sheet.whole_city"]
    assert "120 of the town's 120 people" in slide.typed[0].en
    quake = await sheet(hall.desk, await hall.draft(draft(area={"code": "99201"}, hazard="earthquake", texts=text)))
    assert quake.typed == ()


async def test_a_draft_that_cannot_be_sent_has_no_sheet(hall: Hall) -> None:
    with pytest.raises(Refused) as refused:
        await sheet(hall.desk, await hall.draft(draft(area=None)))
    assert refused.value.problems[0].where == "/area"
