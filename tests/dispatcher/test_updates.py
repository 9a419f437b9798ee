"""An update with another area: newly inside, still inside, no longer inside, and nobody in two of them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient, Verdict
from dispatcher import gazetteer
from dispatcher.batches import BatchStore, Member
from dispatcher.counting import Count, count
from dispatcher.dispatches import stop
from dispatcher.drafting import Drafter
from dispatcher.events import Event
from dispatcher.history import dispatch_history
from dispatcher.model import Outcome, Relation, Standing
from dispatcher.personal_history import person_history
from dispatcher.texts import Composer
from geo.shelter_csv import CAPACITY, HEADERS
from geo.shelters import ShelterStatus
from subscribers.columns import open_audience
from subscribers.store import leave, subscriber_number
from tests.dispatcher import drafts
from tests.dispatcher.engine_room import CAST, KAWABE, Kawabe, kawabe, order, people
from tests.dispatcher.new_area import FULL, HANAS_BANK, RELEASED, RIVER, STILL, box, update
from words.problem import Problem, Refused
from words.sql import sql

TAKE = sql("dispatcher", "dispatch_take")
KINDS = {"line": "line", "sms": "phone", "email": "email"}
HANA_LINE, LINH_LINE = f"U{'a' * 32}", f"U{'b' * 32}"
KEN, MEI = "ken@kawabe.example", "mei@gmail.com"


@pytest.fixture
async def town(pool: Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


def read(town: Kawabe) -> dict[str, list[str]]:
    """What everybody has read since the last time, by address."""
    found: dict[str, list[str]] = {}
    for way_out in town.channels.values():
        for call in way_out.taken:
            for recipient in call.recipients:
                found.setdefault(recipient.address, []).append(call.message.body)
        way_out.taken.clear()
    return found


async def ordered(town: Kawabe, **changes: Any) -> str:
    """The first order, which everybody by the river has read."""
    end = await town.sent(order(texts=FULL, **changes))
    read(town)
    return end.dispatch


async def standing(town: Kawabe, dispatch: str, subscriber: str) -> Standing | None:
    number = await subscriber_number(town.pool, subscriber)
    assert number is not None
    history = await person_history(town.pool, dispatch, number)
    return history.standing if history else None


async def moved(town: Kawabe, folder: Path, who: str, lat: float, lon: float) -> None:
    fields = CAST[who].split(",")
    await town.settle(folder, [",".join((*fields[:-2], str(lat), str(lon)))])


async def test_each_of_three_audiences_reads_its_own_text_once_in_its_language(town: Kawabe) -> None:
    first = await ordered(town)
    await town.sent(update(first))
    full, still, released = (
        "川沿いに警戒レベル4 避難指示。",
        "警戒レベル4 避難指示を続けます。",
        "この地区は対象から外れました。",
    )
    assert read(town) == {
        HANA_LINE: [still],
        "+819011110001": [still],
        "+818011110002": [still],
        KEN: [full],
        LINH_LINE: ["Khu vực này không còn lệnh."],
        MEI: [released],
    }


async def test_everybody_is_planned_once_and_those_newly_inside_first(town: Kawabe) -> None:
    first = await ordered(town)
    end = await town.sent(update(first))
    rows = await town.pool.fetch(
        "select b.members, m.audience from batch b join message m on m.dispatch = b.dispatch"
        " and m.number = b.messages[1] where b.dispatch = $1 order by b.number",
        end.dispatch,
    )
    audiences = list(dict.fromkeys(row["audience"] for row in rows))
    members = [{each for row in rows if row["audience"] == one for each in row["members"]} for one in audiences]
    assert audiences == ["new", "still", "released"]
    assert end.audience == sum(map(len, members)) == len(set().union(*members)) == 5


async def test_with_first_reachable_each_person_gets_one_message(town: Kawabe) -> None:
    first = await ordered(town)
    await town.sent(update(first, delivery="first_reachable"))
    found = read(town)
    assert all(len(bodies) == 1 for bodies in found.values())
    assert len(found) == 5


async def test_whoever_moved_away_meanwhile_is_released_and_whoever_moved_in_is_new(
    town: Kawabe, tmp_path: Path
) -> None:
    first = await ordered(town)
    await moved(town, tmp_path, "hana", 34.9, 133.9)
    await moved(town, tmp_path, "ken", 34.600, 133.700)
    end = await town.sent(update(first, area=HANAS_BANK))
    found = read(town)
    assert found[HANA_LINE] == ["この地区は対象から外れました。"]
    assert found[KEN] == ["川沿いに警戒レベル4 避難指示。"]
    assert await standing(town, end.dispatch, "hana") is Standing.RELEASED
    assert await standing(town, end.dispatch, "ken") is Standing.NEW


async def test_whoever_has_left_gets_nothing(town: Kawabe) -> None:
    first = await ordered(town)
    await leave(town.pool, "linh")
    await leave(town.pool, "tome")
    await town.sent(update(first))
    assert {LINH_LINE, "+818011110002"}.isdisjoint(read(town))


async def test_whoever_the_order_never_reached_reads_it_in_full_if_inside_and_nothing_if_not(town: Kawabe) -> None:
    async def refuse(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer:
        return Answer(Verdict.REJECTED, code="30003")

    for way_out in (town.sms, town.email):
        way_out.script = refuse
    first = await ordered(town)
    for way_out in (town.sms, town.email):
        way_out.script = None
    await town.sent(update(first))
    found = read(town)
    assert found["+818011110002"] == ["川沿いに警戒レベル4 避難指示。"], "Tome is inside"
    assert MEI not in found
    assert found["+819011110001"] == ["警戒レベル4 避難指示を続けます。"], "Hana has read it by LINE"


@pytest.mark.parametrize(
    ("became", "tome", "mei"),
    [
        (Outcome.UNKNOWN, Standing.STILL, Standing.RELEASED),
        (Outcome.AMBIGUOUS, Standing.STILL, Standing.RELEASED),
        (Outcome.DELIVERED, Standing.STILL, Standing.RELEASED),
        (Outcome.UNDELIVERED, Standing.NEW, Standing.RELEASED),
        (Outcome.PENDING, Standing.NEW, None),
        (Outcome.EXPIRED, Standing.NEW, None),
        (Outcome.SUPPRESSED, Standing.NEW, None),
    ],
)
async def test_every_outcome_of_the_order_decides_who_is_taken_to_have_it(
    town: Kawabe, became: Outcome, tome: Standing, mei: Standing | None
) -> None:
    first = await ordered(town)
    every = "update batch set outcomes = decode(repeat(lpad(to_hex($1::int), 2, '0'), cardinality(members)), 'hex')"
    await town.pool.execute(every, int(became))
    end = await town.sent(update(first))
    assert (await standing(town, end.dispatch, "tome"), await standing(town, end.dispatch, "mei")) == (tome, mei)


async def test_a_receipt_that_it_did_not_arrive_makes_the_update_say_it_all_again(town: Kawabe) -> None:
    first = (await town.sent(order(texts=FULL))).dispatch
    for call in town.sms.taken:
        member = Member.from_token(call.recipients[0].token)
        assert member is not None
        await BatchStore(town.pool).receipt(member, Outcome.UNDELIVERED, code="30005", ref="SM1")
    end = await town.sent(update(first))
    assert await standing(town, end.dispatch, "tome") is Standing.NEW
    assert await standing(town, end.dispatch, "hana") is Standing.STILL


async def test_what_the_order_still_has_to_send_counts_as_perhaps_received(town: Kawabe) -> None:
    """Mei's order waits behind a slow provider: she must read that it no longer holds for her."""
    tried, slow = asyncio.Event(), True

    async def not_yet(message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        if not slow or recipients[0].address != MEI or message.body.startswith("この地区"):
            return None
        tried.set()
        return Answer(Verdict.RETRY)

    town.email.script = not_yet
    first = await town.send(order(texts=FULL))
    async with town.at_work():
        await tried.wait()
        second = await town.send(update(first))
        await town.over(second)
        slow = False
        await town.over(first)
    assert await standing(town, second, "mei") is Standing.RELEASED


async def test_an_update_is_planned_only_after_what_it_updates(town: Kawabe) -> None:
    first = await town.send(order(texts=FULL))
    second = await town.send(update(first))
    await town.pool.execute("update dispatch set priority = 4 where id = $1", first)
    assert await town.pool.fetchrow(TAKE, 1, 0, 3) is None
    await town.pool.execute("update dispatch set state = 'sending' where id = $1", first)
    taken = await town.pool.fetchrow(TAKE, 1, 0, 3)
    assert taken is not None
    assert taken["id"] == second


async def test_an_order_that_was_stopped_before_it_left_was_received_by_nobody(town: Kawabe) -> None:
    first = await town.send(order(texts=FULL))
    await stop(town.pool, first, by="森")
    await town.sent(update(first))
    assert set(read(town)) == {HANA_LINE, "+819011110001", "+818011110002", KEN}


async def test_an_update_of_an_update_knows_who_was_released_before(town: Kawabe) -> None:
    first = await ordered(town)
    second = (await town.sent(update(first))).dispatch
    read(town)
    third = await town.sent(update(second, area=RIVER))
    told = {who: await standing(town, third.dispatch, who) for who in CAST}
    new, still, released = Standing
    assert told == {"hana": still, "tome": still, "linh": new, "mei": new, "ken": released}
    fourth = await town.sent(update(third.dispatch, area=box(133.695, 34.595, 133.7002, 34.6002)))
    told = {who: await standing(town, fourth.dispatch, who) for who in CAST}
    assert told == {"hana": still, "tome": released, "linh": released, "mei": released, "ken": None}


async def test_a_second_update_may_name_the_first_order_as_well_as_the_last(town: Kawabe) -> None:
    first = await ordered(town)
    await town.sent(update(first))
    third = await town.sent(update(first, area=RIVER, id="third"))
    assert await standing(town, third.dispatch, "ken") is Standing.RELEASED
    assert await standing(town, third.dispatch, "linh") is Standing.NEW


@pytest.mark.parametrize(("became", "again"), [(Outcome.ACCEPTED, None), (Outcome.UNKNOWN, Standing.RELEASED)])
async def test_a_release_that_may_not_have_arrived_is_said_again(
    town: Kawabe, became: Outcome, again: Standing | None
) -> None:
    first = await ordered(town)
    second = (await town.sent(update(first))).dispatch
    every = "update batch set outcomes = decode(repeat(lpad(to_hex($1::int), 2, '0'), cardinality(members)), 'hex')"
    await town.pool.execute(every + " where dispatch = $2", int(became), second)
    third = await town.sent(update(second, area=HANAS_BANK))
    assert await standing(town, third.dispatch, "mei") is again
    fourth = await town.sent(update(second, area=RIVER))
    assert await standing(town, fourth.dispatch, "mei") is Standing.NEW


async def test_after_a_lift_everybody_inside_reads_the_order_in_full(town: Kawabe) -> None:
    first = await ordered(town)
    await town.sent(order(area=None, reference={"lifts": first}, id="lift"))
    read(town)
    end = await town.sent(update(first))
    told = {who: await standing(town, end.dispatch, who) for who in CAST}
    new = Standing.NEW
    assert told == {"hana": new, "tome": new, "ken": new, "linh": None, "mei": None}


async def test_an_update_planned_half_is_resumed_with_everybody_in_the_audience_they_were_in(
    town: Kawabe, tmp_path: Path
) -> None:
    """Between the two planners Hana moves away, who has read that she is still inside, and Linh, who was released, moves in."""
    first = await ordered(town)
    second = (await town.sent(update(first, area=HANAS_BANK))).dispatch
    read(town)
    await town.pool.execute("delete from batch where dispatch = $1 and channel <> 'line'", second)
    await moved(town, tmp_path, "hana", 34.9, 133.9)
    await moved(town, tmp_path, "linh", 34.600, 133.700)
    await town.pool.execute("update dispatch set state = 'planning', planner = null where id = $1", second)
    async with town.at_work():
        await town.over(second)
    assert read(town) == {
        "+818011110002": ["警戒レベル4 避難指示を続けます。"],
        MEI: ["この地区は対象から外れました。"],
    }


async def test_whoever_was_planned_as_released_stays_so_however_they_move(town: Kawabe, tmp_path: Path) -> None:
    first = await ordered(town)
    second = (await town.sent(update(first, area=box(133.7005, 34.59, 133.71, 34.61)))).dispatch
    read(town)
    await town.pool.execute("delete from batch where dispatch = $1 and channel = 'sms'", second)
    await moved(town, tmp_path, "hana", 34.600, 133.705)
    await town.pool.execute("update dispatch set state = 'planning', planner = null where id = $1", second)
    async with town.at_work():
        await town.over(second)
    assert read(town) == {
        "+819011110001": ["この地区は対象から外れました。"],
        "+818011110002": ["警戒レベル4 避難指示を続けます。"],
    }


async def test_the_same_area_again_makes_nobody_new_and_releases_nobody(town: Kawabe) -> None:
    first = await ordered(town)
    end = await town.sent(update(first, area=RIVER))
    assert {await standing(town, end.dispatch, who) for who in CAST} == {Standing.STILL, None}
    assert (await dispatch_history(town.pool, end.dispatch)).standings == {
        Standing.NEW: 0,
        Standing.STILL: 4,
        Standing.RELEASED: 0,
    }


async def test_the_same_area_again_may_say_the_same_to_all(town: Kawabe) -> None:
    first = await ordered(town)
    end = await town.sent(update(first, area=RIVER, texts_still=None, texts_released=None))
    assert end.audience == 4
    assert await standing(town, end.dispatch, "hana") is None


async def test_the_released_are_written_to_where_the_order_may_have_reached_them(town: Kawabe, tmp_path: Path) -> None:
    first = await ordered(town, channels=["sms", "email"])
    await moved(town, tmp_path, "hana", 34.9, 133.9)
    await town.sent(update(first, area=box(133.6, 34.7, 133.61, 34.71)))
    assert set(read(town)) == {"+819011110001", "+818011110002", MEI}


async def test_the_released_hear_of_it_even_if_that_channel_no_longer_reaches_them(
    town: Kawabe, tmp_path: Path
) -> None:
    first = await ordered(town, channels=["sms"])
    await moved(town, tmp_path, "hana", 34.9, 133.9)
    await town.sent(update(first, channels=["line"], area=box(133.6, 34.7, 133.61, 34.71)))
    assert set(read(town)) == {HANA_LINE}


async def test_a_drills_update_reaches_the_drill_list_only(town: Kawabe) -> None:
    first = await ordered(town, mode="drill")
    await town.sent(update(first, mode="drill"))
    assert read(town) == {LINH_LINE: ["[DIỄN TẬP]\nKhu vực này không còn lệnh."]}


async def test_whoever_is_off_the_drill_list_by_now_hears_no_more_of_it(town: Kawabe) -> None:
    first = await ordered(town, mode="drill")
    await town.pool.execute("update subscriber set topics = 0, changed = pg_current_xact_id() where id = 'linh'")
    await town.sent(update(first, mode="drill"))
    assert read(town) == {}


async def test_by_capacity_those_new_and_those_still_inside_share_the_same_room(town: Kawabe, tmp_path: Path) -> None:
    school = "1,E1,岡山県川辺町,川辺小学校,川辺町1,1,,,,,,,,,34.6001,133.7001,,2"
    hall = "2,E2,岡山県川辺町,丘の公民館,川辺町2,1,,,,,,,,,34.6100,133.7100,,50"
    rows = "\r\n".join((",".join((*HEADERS["site"], CAPACITY)), school, hall, ""))
    await gazetteer.import_shelters(town.pool, rows.encode())
    await gazetteer.set_all_statuses(town.pool, ShelterStatus.OPEN)
    first = await ordered(town)
    await moved(town, tmp_path, "ken", 34.600, 133.700)
    names = {"ja": {"subject": "避難指示", "body": "{level_name}。{shelter_name}へ。"}}
    await town.sent(update(first, texts=names, texts_still=names, shelters="capacity", delivery="first_reachable"))
    told = [body for bodies in read(town).values() for body in bodies if body.endswith("へ。")]
    assert sorted(body[-8:] for body in told) == ["。丘の公民館へ。", "。川辺小学校へ。", "。川辺小学校へ。"]


async def counted(town: Kawabe, event: Event) -> Count:
    drafter = Drafter(town.pool, await open_audience(town.pool), KINDS)
    composer = Composer(event, event.valid_until, KAWABE.timezone)
    return count(*await drafter.drafts(event, composer, parent=event.parent))


async def test_the_three_are_counted_before_anything_is_sent(town: Kawabe) -> None:
    found = await counted(town, update(await ordered(town)))
    assert found.audiences == {"new": 1, "still": 2, "released": 2}
    assert (found.people, found.audience) == (3, 5)
    assert found.channels == {"line": 2, "sms": 2, "email": 2}


# -- what is refused -----------------------------------------------------------------------------


async def refusal(town: Kawabe, event: Event) -> list[Problem]:
    with pytest.raises(Refused) as refused:
        await town.send(event)
    return list(refused.value.problems)


async def test_another_area_needs_a_word_for_those_still_inside_and_those_no_longer(town: Kawabe) -> None:
    first = await ordered(town)
    still, released = await refusal(town, update(first, texts_still=None, texts_released=None))
    assert (still.where, released.where) == ("/texts_still", "/texts_released")
    assert "引き続き区域内の人への文面「texts_still」がありません" in still.ja
    assert "'texts_released', the words for those no longer inside, is missing" in released.en


async def test_the_first_area_again_is_another_one_after_an_update(town: Kawabe) -> None:
    first = await ordered(town)
    await town.sent(update(first))
    again = update(first, area=RIVER, texts_still=None, texts_released=None, id="again")
    assert [each.where for each in await refusal(town, again)] == ["/texts_still", "/texts_released"]


async def test_a_lift_cannot_be_updated(town: Kawabe) -> None:
    first = await ordered(town)
    lift = await town.sent(order(area=None, reference={"lifts": first}, id="lift"))
    [problem] = await refusal(town, update(lift.dispatch))
    assert "解除の配信は更新できません" in problem.ja
    assert "A lift cannot be updated." in problem.en


def draft(**changes: Any) -> dict[str, Any]:
    three: dict[str, Any] = {"texts": FULL, "texts_still": STILL, "texts_released": RELEASED}
    return drafts.live(**three | {"reference": {"updates": "d-1"}} | changes)


def test_an_event_with_three_texts_is_stored_and_restored() -> None:
    event = drafts.parsed(draft())
    assert event.standings == tuple(Standing)
    assert event.texts_released["vi"].subject == "Hết"
    assert Event.restore(event.document, event.area) == event


def test_what_is_approved_includes_the_words_for_all_three() -> None:
    other = {"ja": {"subject": "対象外", "body": "解除しました。"}}
    digests = {
        drafts.parsed(draft(**change)).digest for change in ({}, {"texts_released": other}, {"texts_still": FULL})
    }
    assert len(digests) == 3


@pytest.mark.parametrize(
    ("left_out", "ja"), [("texts_still", "引き続き区域内の"), ("texts_released", "区域から外れる")]
)
def test_one_of_the_two_alone_is_refused(left_out: str, ja: str) -> None:
    problem = drafts.only_problem(draft(**{left_out: None}))
    assert problem.where == f"/{left_out}"
    assert f"{ja}人への文面「{left_out}」がありません" in problem.ja


@pytest.mark.parametrize("relation", [Relation.CORRECTS, Relation.LIFTS, None])
def test_only_an_update_has_words_for_three(relation: Relation | None) -> None:
    found = drafts.problems(draft(reference={relation.value: "d-1"} if relation else None))
    assert [each.where for each in found] == ["/texts_still", "/texts_released"]
    assert "reference が updates のイベントだけの項目です" in found[0].ja
    assert "belongs to an event that updates another" in found[0].en


def test_the_released_are_sent_to_no_shelter() -> None:
    problem = drafts.only_problem(
        draft(texts_released={"ja": {"subject": "対象外", "body": "{shelter_name}から帰宅を。"}})
    )
    assert problem.where == "/texts_released/ja/body"
    assert "対象から外れる人は避難場所へ案内しない" in problem.ja
    assert "whoever is no longer inside is sent to no shelter" in problem.en


def test_the_rules_for_texts_hold_for_all_three() -> None:
    bad = {"subject": "", "body": "避難勧告の訓練 {shelter}"}
    found = drafts.problems(draft(texts_still={"ja": bad}, texts_released={"ja": bad, "jp": bad}))
    places = [each.where for each in found if each.code == "text.abolished_term"]
    assert places == ["/texts_still/ja/body", "/texts_released/ja/body"]
    assert {each.code for each in found} >= {
        "text.placeholder",
        "text.drill_word",
        "event.required",
        "language.unknown",
    }
    assert [each.where for each in found if each.code == "text.level_term"] == ["/texts_still/ja/body"]


# -- one by one ----------------------------------------------------------------------------------


@dataclass
class Neighbour:
    """What is true of one person, kept by hand."""

    name: str
    address: str
    lat: float
    lon: float
    here: bool = True
    has_it: bool = False
    bodies: list[str] = field(default_factory=list)

    @property
    def row(self) -> str:
        return f"{self.name},ja,,{self.address},,,自宅,{self.lat},{self.lon}"

    def inside(self, area: dict[str, Any]) -> bool:
        (west, south), _, (east, north), *_ = area["coordinates"][0]
        return bool(west <= self.lon <= east and south <= self.lat <= north)

    def should_read(self, area: dict[str, Any], *, first: bool) -> str | None:
        if not self.here or not (self.inside(area) or self.has_it):
            return None
        if not self.inside(area):
            return None if first else "外"
        return "続" if self.has_it else "全"


SAID = {"全": "避難指示。全", "続": "避難指示。続", "外": "外"}


def words(kind: str) -> dict[str, Any]:
    return {"ja": {"subject": "避難指示", "body": SAID[kind]}}


@pytest.mark.parametrize("seed", range(4))
async def test_over_any_areas_and_moves_the_three_are_those_of_looking_at_everybody_alone(
    pool: Pool, tmp_path: Path, seed: int
) -> None:
    dice, town = random.Random(seed), await kawabe(pool)
    spots = [(round(34.60 + row / 100, 2), round(133.70 + column / 100, 2)) for row in range(4) for column in range(4)]
    everybody = [Neighbour(f"n{i}", f"U{i:032x}", *dice.choice(spots)) for i in range(40)]
    await town.settle(tmp_path, [each.row for each in everybody])
    parent, refused = "", set[str]()

    async def refuse_some(_message: Message, recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        if refused.isdisjoint(recipient.address for recipient in recipients):
            return None
        return Answer(Verdict.SPLIT if len(recipients) > 1 else Verdict.REJECTED)

    town.line.script = refuse_some
    for turn in range(5):
        (south, west), (north, east) = (dice.choice(spots) for _ in range(2))
        area = box(min(west, east), min(south, north), max(west, east) + 0.001, max(south, north) + 0.001)
        more: dict[str, Any] = {"area": area, "id": f"turn-{turn}", "channels": ["line"], "texts": words("全")}
        if turn:
            more |= {"texts_still": words("続"), "texts_released": words("外"), "reference": {"updates": parent}}
        refused.clear()
        refused.update(each.address for each in everybody if dice.random() < 0.1)
        parent = (await town.sent(order(**more))).dispatch
        expected = {each.address: [SAID[said]] for each in everybody if (said := _told(each, area, refused, turn))}
        assert read(town) == expected
        for each in everybody:
            if dice.random() < 0.2:
                each.lat, each.lon = dice.choice(spots)
            if dice.random() < 0.03 and each.here:
                each.here = False
                await leave(pool, each.name)
        await town.settle(tmp_path, [each.row for each in everybody if each.here])


def _told(each: Neighbour, area: dict[str, Any], refused: set[str], turn: int) -> str | None:
    """What they read, and are taken to have afterwards; a provider's refusal leaves them with what they had."""
    said = each.should_read(area, first=turn == 0)
    if said is None or each.address in refused:
        return None
    each.has_it = said != "外"
    return said


async def test_those_who_were_never_written_to_are_told_apart_from_the_released(town: Kawabe) -> None:
    first = await ordered(town, area=HANAS_BANK)
    await town.sent(update(first, area=box(133.6, 34.7, 133.61, 34.71)))
    assert set(read(town)) == {HANA_LINE, "+819011110001", "+818011110002"}
    assert people(town.email) == []
