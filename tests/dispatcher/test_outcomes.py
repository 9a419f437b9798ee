"""The recipient's state machine: what an answer, a crash and a receipt may and may not change."""

import itertools
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.contract import Verdict
from dispatcher import outcomes as states
from dispatcher.model import POLICIES, EventClass, Outcome
from dispatcher.outcomes import Promise

EVACUATION_BY_SMS = Promise(POLICIES[EventClass.EVACUATION], repeatable=False)
EVACUATION_BY_LINE = Promise(POLICIES[EventClass.EVACUATION], repeatable=True)
TOURISM_BY_SMS = Promise(POLICIES[EventClass.TOURISM], repeatable=False)

PROOFS = [Outcome.PENDING, Outcome.UNKNOWN, Outcome.REJECTED, Outcome.ACCEPTED, Outcome.UNDELIVERED, Outcome.DELIVERED]
proofs = st.sampled_from(PROOFS)
anything = st.sampled_from(list(Outcome))


def test_an_evacuation_sms_nobody_answered_for_is_called_once_more() -> None:
    once = states.after_answer(Outcome.PENDING, Verdict.AMBIGUOUS, EVACUATION_BY_SMS)
    assert once is Outcome.AMBIGUOUS
    assert states.sendable(bytes([once]), repeat=True) == [0]


def test_an_evacuation_sms_ambiguous_twice_is_never_called_a_third_time() -> None:
    twice = states.after_answer(Outcome.AMBIGUOUS, Verdict.AMBIGUOUS, EVACUATION_BY_SMS)
    assert twice is Outcome.UNKNOWN
    assert states.sendable(bytes([twice]), repeat=True) == []


def test_a_tourism_sms_nobody_answered_for_is_never_called_again() -> None:
    assert states.after_answer(Outcome.PENDING, Verdict.AMBIGUOUS, TOURISM_BY_SMS) is Outcome.UNKNOWN


def test_a_line_call_may_be_repeated_as_often_as_it_stays_ambiguous() -> None:
    assert states.after_answer(Outcome.AMBIGUOUS, Verdict.AMBIGUOUS, EVACUATION_BY_LINE) is Outcome.AMBIGUOUS


def test_a_repeat_told_to_slow_down_does_not_forget_that_the_first_may_have_arrived() -> None:
    assert states.after_answer(Outcome.AMBIGUOUS, Verdict.RETRY, EVACUATION_BY_SMS) is Outcome.AMBIGUOUS


@pytest.mark.parametrize(
    ("verdict", "outcome"), [(Verdict.ACCEPTED, Outcome.ACCEPTED), (Verdict.REJECTED, Outcome.REJECTED)]
)
@pytest.mark.parametrize("before", [Outcome.PENDING, Outcome.RETRY, Outcome.AMBIGUOUS])
def test_a_clear_answer_settles_it_whatever_was_before(before: Outcome, verdict: Verdict, outcome: Outcome) -> None:
    assert states.after_answer(before, verdict, EVACUATION_BY_SMS) is outcome


def test_a_crash_leaves_in_doubt_only_what_was_started() -> None:
    before = bytes([Outcome.ACCEPTED, Outcome.PENDING, Outcome.RETRY, Outcome.PENDING])
    after = states.after_crash(before, started=3, repeated=None, promise=EVACUATION_BY_SMS)
    assert list(after) == [Outcome.ACCEPTED, Outcome.AMBIGUOUS, Outcome.AMBIGUOUS, Outcome.PENDING]


def test_a_crash_in_tourism_leaves_unknown_what_was_started() -> None:
    after = states.after_crash(bytes(2), started=1, repeated=None, promise=TOURISM_BY_SMS)
    assert list(after) == [Outcome.UNKNOWN, Outcome.PENDING]


def test_a_crash_does_not_touch_the_ambiguous_that_were_not_called_in_this_attempt() -> None:
    before = bytes([Outcome.AMBIGUOUS, Outcome.PENDING])
    after = states.after_crash(before, started=2, repeated=None, promise=EVACUATION_BY_SMS)
    assert list(after) == [Outcome.AMBIGUOUS, Outcome.AMBIGUOUS]


def test_a_crash_ends_the_doubt_of_whoever_was_being_called_again() -> None:
    before = bytes([Outcome.AMBIGUOUS, Outcome.AMBIGUOUS, Outcome.ACCEPTED])
    after = states.after_crash(before, started=3, repeated=bytes([1, 2, 1]), promise=EVACUATION_BY_SMS)
    assert list(after) == [Outcome.UNKNOWN, Outcome.AMBIGUOUS, Outcome.ACCEPTED]


def test_a_stopped_dispatch_says_cancelled_of_the_unsent_and_unknown_of_the_doubtful() -> None:
    before = bytes([Outcome.PENDING, Outcome.RETRY, Outcome.AMBIGUOUS, Outcome.ACCEPTED])
    after = states.abandoned(before, Outcome.CANCELLED)
    assert list(after) == [Outcome.CANCELLED, Outcome.CANCELLED, Outcome.UNKNOWN, Outcome.ACCEPTED]


@given(anything, st.lists(proofs, min_size=1, max_size=5))
def test_receipts_lead_to_the_same_state_in_whatever_order_they_come(known: Outcome, receipts: list[Outcome]) -> None:
    ends = set()
    for order in itertools.permutations(receipts):
        state = bytes([known])
        for receipt in order:
            state = states.merged(state, bytes([receipt]))
        ends.add(state)
    assert len(ends) == 1


@given(anything, proofs)
def test_a_receipt_that_comes_twice_counts_once_and_never_takes_proof_away(known: Outcome, receipt: Outcome) -> None:
    once = states.merged(bytes([known]), bytes([receipt]))
    assert states.merged(once, bytes([receipt])) == once
    assert once[0] >= known


@given(st.binary(max_size=40), st.integers(0, 40))
def test_whatever_happens_a_final_outcome_is_never_sendable_again(raw: bytes, started: int) -> None:
    known = list(Outcome)
    before = bytes(known[byte % len(known)] for byte in raw)
    after = states.after_crash(before, started=started, repeated=None, promise=EVACUATION_BY_SMS)
    for old, new in zip(before, after, strict=True):
        assert new == old or not Outcome(old).final


def test_people_who_wait_for_a_retry_wait_at_least_as_long_as_the_provider_asked() -> None:
    after = states.next_attempt(bytes([Outcome.RETRY]), tries=0, at_least=60, repeated=True, promise=EVACUATION_BY_SMS)
    assert after.due_in is not None
    assert 60 <= after.due_in <= 61


def test_an_ambiguous_evacuation_waits_ten_seconds_for_a_receipt_before_its_repeat() -> None:
    after = states.next_attempt(
        bytes([Outcome.AMBIGUOUS]), tries=0, at_least=0, repeated=True, promise=EVACUATION_BY_SMS
    )
    assert (after.due_in, after.repeat_in) == (10, 10)


def test_repeats_without_room_wait_for_it_and_no_longer() -> None:
    after = states.next_attempt(
        bytes([Outcome.AMBIGUOUS]), tries=0, at_least=0, repeated=False, promise=EVACUATION_BY_SMS, held=3
    )
    assert (after.due_in, after.repeat_in) == (3, 3)


@pytest.mark.parametrize(("others", "due_in"), [([], 60), ([Outcome.RETRY], 1), ([Outcome.PENDING], 0)])
def test_a_greylisted_mailbox_holds_up_none_of_its_batch(others: list[Outcome], due_in: float) -> None:
    after = states.next_attempt(
        bytes([Outcome.RETRY, *others]),
        tries=0,
        at_least=0,
        repeated=True,
        promise=EVACUATION_BY_SMS,
        deferred=(1, 60),
    )
    assert after.due_in == pytest.approx(due_in, abs=1)


def test_the_backoff_never_leaves_its_cap() -> None:
    policy = POLICIES[EventClass.EVACUATION]
    assert all(0 <= states.backoff(tries, policy) <= policy.backoff_cap for tries in range(200))


def test_a_suspect_is_split_off_alone_and_others_in_halves() -> None:
    assert states.split_positions([4, 5, 6, 7], 2) == ([6], [4, 5, 7])
    assert states.split_positions([4, 5, 6, 7], None) == ([4, 5], [6, 7])


def test_moved_members_are_counted_where_they_moved_to() -> None:
    assert states.counts([bytes([Outcome.MOVED, Outcome.ACCEPTED]), bytes([Outcome.ACCEPTED])]) == {Outcome.ACCEPTED: 2}


def test_a_receipt_of_one_settles_the_doubtful_call_for_all_it_was_made_for() -> None:
    recorded = bytes([Outcome.AMBIGUOUS, Outcome.AMBIGUOUS, Outcome.SUPPRESSED])
    known = states.refined(recorded, bytes([0, Outcome.DELIVERED, 0]))
    settled = states.proven_together(recorded, known)
    assert list(settled) == [Outcome.ACCEPTED, Outcome.DELIVERED, Outcome.SUPPRESSED]
    assert states.proven_together(recorded, recorded) == recorded


def test_six_words_of_one_recipient_lead_to_one_state_in_all_their_720_orders() -> None:
    words = [bytes([word]) for word in PROOFS]
    orders = list(itertools.permutations(words))
    assert len(orders) == 720
    assert {reduce(states.merged, order, b"\0") for order in orders} == {bytes([Outcome.DELIVERED])}
    for first in range(1, len(words)):
        ends: dict[frozenset[bytes], set[bytes]] = {}
        for order in orders:
            ends.setdefault(frozenset(order[:first]), set()).add(reduce(states.merged, order[:first], b"\0"))
        assert {len(states_of_the_same_words) for states_of_the_same_words in ends.values()} == {1}
