"""Routing: everybody once a channel, and only equal messages in one batch."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.audience import Match
from dispatcher.model import Delivery
from dispatcher.routing import Cut, Shape, Variants, cuts, route

KINDS = {"line": "line", "sms": "phone", "email": "email"}
SHAPES = {
    "line": Shape("line", 3, one_call=True),
    "sms": Shape("phone", 4, one_call=False),
    "email": Shape("email", 2, one_call=False),
}
LANES = ["", "docomo", "google"]
LANGUAGES = ["ja", "en"]


def crowd(rows: list[tuple[int, int, int, int]]) -> Match:
    """People as (language, LINE lane, phone lane, mail lane); lane -1 is unreachable."""
    columns = np.array(rows, np.int16).reshape(-1, 4).T
    numbers = np.arange(1, len(rows) + 1, dtype=np.int64) * 7
    return Match(
        subscribers=numbers,
        places=numbers * 10,
        lons=np.full(len(rows), 133.7),
        lats=np.full(len(rows), 34.6),
        languages=columns[0],
        language_names=LANGUAGES,
        lanes={"line": columns[1], "phone": columns[2], "email": columns[3]},
        lane_names=LANES,
    )


def planned(match: Match, delivery: Delivery, variants: Variants | None = None) -> list[Cut]:
    routed = route(match, KINDS, delivery)
    return list(cuts(match, routed, SHAPES, dict.fromkeys(KINDS, variants or Variants.none(len(match)))))


people = st.lists(st.tuples(st.integers(0, 1), st.integers(-1, 0), st.integers(-1, 0), st.integers(-1, 2)), max_size=30)


@given(people)
def test_everybody_reachable_stands_once_in_every_channel_that_reaches_them(
    rows: list[tuple[int, int, int, int]],
) -> None:
    match = crowd(rows)
    seen = Counter((cut.channel, member) for cut in planned(match, Delivery.ALL) for member in cut.members.tolist())
    expected = {
        (channel, (i + 1) * 7)
        for i, row in enumerate(rows)
        for channel, lane in zip(KINDS, row[1:], strict=True)
        if lane >= 0
    }
    assert set(seen) == expected
    assert set(seen.values()) <= {1}


@given(people)
def test_first_reachable_gives_everybody_one_channel_line_before_sms_before_email(
    rows: list[tuple[int, int, int, int]],
) -> None:
    seen = {member: cut.channel for cut in planned(crowd(rows), Delivery.FIRST_REACHABLE) for member in cut.members}
    for i, row in enumerate(rows):
        channels = [channel for channel, lane in zip(KINDS, row[1:], strict=True) if lane >= 0]
        assert seen.get((i + 1) * 7) == (channels[0] if channels else None)


@given(people)
def test_every_member_of_every_batch_gets_their_own_language_and_mail_lane(
    rows: list[tuple[int, int, int, int]],
) -> None:
    for cut in planned(crowd(rows), Delivery.ALL):
        assert 0 < len(cut.members) <= SHAPES[cut.channel].size
        assert cut.places.tolist() == [member * 10 for member in cut.members]
        for member, which in zip(cut.members, cut.which or [0] * len(cut.members), strict=True):
            row = rows[member // 7 - 1]
            assert LANGUAGES[row[0]] == cut.variants[which].language
            if cut.channel == "email":
                assert LANES[row[3]] == cut.lane


@given(people)
def test_a_batch_that_is_one_call_has_one_message(rows: list[tuple[int, int, int, int]]) -> None:
    for cut in planned(crowd(rows), Delivery.ALL):
        assert cut.channel != "line" or len(cut.variants) == 1


def test_people_sent_to_different_shelters_stand_in_different_calls() -> None:
    match = crowd([(0, 0, -1, -1)] * 3)
    variants = Variants(np.array([0, 1, 0], np.int32), np.array([300, 300, 300], np.int32))
    told = sorted((cut.variants[0].shelter, cut.members.tolist()) for cut in planned(match, Delivery.ALL, variants))
    assert told == [(0, [7, 21]), (1, [14])]


def test_people_sent_to_different_shelters_share_a_run_of_single_calls() -> None:
    match = crowd([(0, -1, 0, -1)] * 3)
    variants = Variants(np.array([0, 1, 0], np.int32), np.array([300, 300, 300], np.int32))
    (cut,) = planned(match, Delivery.ALL, variants)
    assert [cut.variants[which].shelter for which in cut.which] == [0, 0, 1]


def test_the_first_batches_of_all_channels_come_before_the_second_of_any() -> None:
    order = [cut.channel for cut in planned(crowd([(0, 0, 0, 1)] * 10), Delivery.ALL)]
    assert sorted(order[:3]) == ["email", "line", "sms"]
