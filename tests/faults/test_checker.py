"""The checker finds what it is there to find: it is given histories in which something went wrong."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.faults import checker, evidence
from tests.faults.checker import Allowed, Case, Verdict, judge, rate
from tests.faults.evidence import (
    ACCEPTED,
    AMBIGUOUS,
    CANCELLED,
    DELIVERED,
    PENDING,
    REJECTED,
    SUPPRESSED,
    UNDELIVERED,
    UNKNOWN,
    Break,
    Copy,
    Dispatch,
    Member,
    Request,
    Seen,
    Word,
)
from tests.faults.history import history

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HANA, TOME, KEN = "hana", "tome", "ken"
ORDER = Dispatch("261123-kawabe", "evacuation", "live", "drained", NOON, at_end := NOON + timedelta(seconds=60), None,
                 NOON + timedelta(hours=1))  # fmt: skip
TOURISM = replace(ORDER, event_class="tourism")
DRILL = replace(ORDER, mode="drill")


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def copy(seconds: float, channel: str = "sms") -> Copy:
    return Copy("mark", channel, "address", after(seconds), f"ref-{seconds}")


def member(person: str, outcome: int = ACCEPTED, channel: str = "sms", *, words: Sequence[int] | None = None) -> Member:
    """In a batch of one, claimed by session 7 a second after noon, begun at two seconds, recorded at four."""
    said = words if words is not None else [outcome] if outcome >= REJECTED else []
    pending, own = bytes([PENDING]), bytes([outcome])
    return Member(
        person, channel, 0, 0, outcome, "done",
        words=[Word(after(4), "attempt 1.0 of session 7", each, "", "") for each in said],
        seen=[
            Seen(after(0.5), "due", None, 0, 0, pending, b""),
            Seen(after(1), "claimed", 7, 1, 0, pending, b""),
            Seen(after(2), "claimed", 7, 1, 1, pending, b""),
            Seen(after(4), "done", None, 1, 0, own, b""),
        ],
    )  # fmt: skip


def case(
    dispatch: Dispatch = ORDER,
    *,
    concerned: Sequence[str] = (HANA,),
    channel: str = "sms",
    copies: Sequence[tuple[str, Copy]] = (),
    members: Sequence[Member] = (),
    drill_list: Sequence[str] = (),
    gone: Sequence[str] = (),
    requests: Sequence[Request] = (),
) -> Case:
    people = frozenset((person, channel) for person in concerned)
    return Case(dispatch, people, frozenset(drill_list), frozenset(gone), copies, members, requests)


def told_once(dispatch: Dispatch = ORDER, channel: str = "sms") -> Case:
    return case(dispatch, channel=channel, copies=[(HANA, copy(3, channel))], members=[member(HANA, channel=channel)])


def told_twice(dispatch: Dispatch = ORDER, channel: str = "sms", requests: Sequence[Request] = ()) -> Case:
    copies = [(HANA, copy(3, channel)), (HANA, copy(20, channel))]
    return case(dispatch, channel=channel, copies=copies, members=[member(HANA, channel=channel)], requests=requests)


def found(verdict: Verdict) -> list[tuple[str, str]]:
    return [(finding.invariant, finding.sentence) for finding in verdict.findings]


def request(monotonic: float, outcome: str = "accepted", fault: str = "") -> Request:
    return Request("sms", monotonic, outcome, "", fault)


@pytest.mark.parametrize("channel", ["line", "sms", "email"])
@pytest.mark.parametrize("dispatch", [ORDER, TOURISM, replace(DRILL, mode="live")])
def test_who_was_told_once_is_well_told(dispatch: Dispatch, channel: str) -> None:
    assert found(judge(told_once(dispatch, channel))) == []


# -- I1: lost --------------------------------------------------------------------------------------


def test_who_is_in_no_batch_is_lost() -> None:
    assert found(judge(case())) == [("I1", "lost: no copy, and in no batch")]


def test_who_is_unknown_is_lost_to_an_order_but_not_to_tourism() -> None:
    unknown = case(members=[member(HANA, UNKNOWN)])
    assert found(judge(unknown)) == [("I1", "lost: no copy, and recorded as unknown")]
    assert found(judge(unknown, allowed=Allowed(unknown=True))) == []
    assert found(judge(replace(unknown, dispatch=TOURISM))) == []


def test_who_was_cut_off_twice_may_end_as_unknown_and_is_counted() -> None:
    pending, doubtful = bytes([PENDING]), bytes([AMBIGUOUS])
    seen = [Seen(after(2), "claimed", 7, 1, 1, pending, b""), Seen(after(5), "due", None, 1, 0, doubtful, b""),
            Seen(after(20), "claimed", 8, 2, 1, doubtful, b""), Seen(after(24), "done", None, 2, 0, bytes([UNKNOWN]), b"")]  # fmt: skip
    unknown = case(members=[replace(member(HANA, UNKNOWN), seen=seen)])
    once, twice = [Break(7, after(3))], [Break(7, after(3)), Break(8, after(21))]
    assert found(judge(unknown, once)) == [("I1", "lost: no copy, and recorded as unknown")]
    assert found(judge(unknown, twice)) == []
    assert judge(unknown, twice).cut_twice == 1


def test_a_reason_has_to_be_true() -> None:
    cancelled, rejected = case(members=[member(HANA, CANCELLED)]), case(members=[member(HANA, REJECTED)])
    assert found(judge(cancelled)) == [("I1", "lost: no copy, and recorded as cancelled")]
    stopped = replace(ORDER, state="cancelled", stopped_by="森")
    assert found(judge(replace(cancelled, dispatch=stopped))) == []
    assert found(judge(rejected)) == [("I1", "lost: no copy, and recorded as rejected")]
    assert found(judge(replace(rejected, requests=[request(1, "refused")]))) == []


def test_who_had_left_is_not_lost_and_nobody_else_is_suppressed() -> None:
    suppressed = case(members=[member(HANA, SUPPRESSED)])
    assert found(judge(suppressed)) == [("I1", "lost: no copy, and recorded as suppressed")]
    assert found(judge(replace(suppressed, gone=frozenset({HANA})))) == []


# -- I2: doubled -----------------------------------------------------------------------------------


def test_a_second_copy_on_line_is_one_too_many() -> None:
    assert found(judge(told_twice(channel="line"))) == [("I2", "2 copies, at most once")]


def test_a_second_copy_of_tourism_is_one_too_many_whatever_broke() -> None:
    broken = [Break(7, after(3))]
    verdict = judge(told_twice(TOURISM), broken)
    assert found(verdict) == [("I2", "2 copies, at most once")]
    assert [figure.value for figure in verdict.figures() if figure.name == "tourism doubled"] == [1]


def test_a_second_sms_of_an_order_needs_a_call_in_doubt() -> None:
    assert found(judge(told_twice())) == [("I2", "2 copies, and no call was in doubt")]


def test_a_worker_killed_during_the_call_excuses_one_more() -> None:
    verdict = judge(told_twice(), [Break(7, after(3))])
    assert (found(verdict), verdict.extras, verdict.in_doubt, verdict.begun) == ([], 1, 1, {7: 1})


@pytest.mark.parametrize("broken", [Break(7, after(1.2)), Break(7, after(5)), Break(8, after(3))])
def test_a_kill_before_the_call_after_its_record_or_of_somebody_else_excuses_nothing(broken: Break) -> None:
    assert found(judge(told_twice(), [broken])) == [("I2", "2 copies, and no call was in doubt")]


def test_a_call_begun_that_had_not_left_at_the_kill_excuses_nothing() -> None:
    both_later = replace(told_twice(), copies=[(HANA, copy(15)), (HANA, copy(20))])
    assert found(judge(both_later, [Break(7, after(3))])) == [("I2", "2 copies, and no call was in doubt")]


def test_a_reply_lost_at_the_provider_excuses_as_many_as_were_lost() -> None:
    two = told_twice(requests=[request(3, fault="drop_after")])
    assert found(judge(two)) == []
    tome = [(TOME, copy(3)), (TOME, copy(20))]
    four = replace(two, copies=[*two.copies, *tome], members=[*two.members, member(TOME)])
    assert ("I2", "2 copies, and no call was in doubt") in found(judge(four))


def test_three_are_always_too_many() -> None:
    three = told_twice()
    three = replace(three, copies=[*three.copies, (HANA, copy(40))])
    assert found(judge(three, [Break(7, after(3))], Allowed(lost_replies=9))) == [("I2", "3 copies, twice at most")]


# -- I3: phantoms ----------------------------------------------------------------------------------


def test_a_copy_of_who_is_in_no_batch_is_a_phantom() -> None:
    assert found(judge(case(copies=[(HANA, copy(3))]))) == [("I3", "a copy, and in no batch")]


def test_a_copy_before_the_intent_is_a_phantom() -> None:
    early = case(copies=[(HANA, copy(1.5))], members=[member(HANA)])
    assert found(judge(early)) == [("I3", "a copy before any intent to call was committed")]


# -- I4: in time -----------------------------------------------------------------------------------


def test_nothing_leaves_two_seconds_after_a_stop() -> None:
    stopped = replace(ORDER, state="cancelled", stopped_by="森", ended_at=after(10))
    late = case(stopped, copies=[(HANA, copy(12.5))], members=[member(HANA)])
    assert found(judge(late)) == [("I4", "a copy 2.5 s after the end")]
    assert found(judge(replace(late, copies=[(HANA, copy(11.9))]))) == []


def test_nothing_leaves_before_the_approval_or_after_it_has_expired() -> None:
    hurried = replace(told_once(), dispatch=replace(ORDER, approved_at=after(3.5)))
    assert found(judge(hurried)) == [("I4", "a copy before the approval")]
    expired = replace(told_twice(), dispatch=replace(ORDER, valid_until=after(10)))
    assert found(judge(expired, [Break(7, after(3))])) == [("I4", "a copy 10.0 s after the end")]


# -- I5, I8: nobody else -----------------------------------------------------------------------------


def test_an_outsider_is_seen() -> None:
    verdict = judge(replace(told_once(), copies=[(HANA, copy(3)), (KEN, copy(3))]))
    assert ("I5", "a copy, and not concerned") in found(verdict)


def test_who_had_left_gets_nothing() -> None:
    left = replace(told_once(), gone=frozenset({HANA}))
    assert found(judge(left)) == [("I5", "a copy, and had left before the approval")]


def test_a_drill_stays_on_its_list() -> None:
    assert found(judge(told_once(DRILL))) == [("I8", "a drill, and not on the drill list")]
    assert found(judge(replace(told_once(DRILL), drill_list=frozenset({HANA})))) == []


# -- I6: the rate ----------------------------------------------------------------------------------


def test_one_request_too_many_in_any_second_is_seen() -> None:
    steady = [request(n / 16) for n in range(160)]
    assert rate(steady, "sms", 16) == []
    [finding] = rate([*steady, request(3.14)], "sms", 16)
    assert finding.invariant == "I6"
    assert rate([*steady, request(3.14)], "sms", 16, jitter=0.1) == []
    assert rate([*steady, request(3.14)], "sms", 0) == []


# -- I7, I10: the record -------------------------------------------------------------------------------


def test_accepted_means_that_a_provider_has_it() -> None:
    invented = case(members=[member(HANA)])
    assert ("I7", "recorded as accepted, and no provider has it") in found(judge(invented))


@pytest.mark.parametrize("outcome", [SUPPRESSED, REJECTED, PENDING])
def test_not_sent_means_that_no_provider_has_it(outcome: int) -> None:
    denied = case(copies=[(HANA, copy(3))], members=[member(HANA, outcome)])
    assert f"recorded as {evidence.NAMES[outcome]}, and a provider has it" in dict(found(judge(denied)))["I7"]


def test_who_is_still_in_doubt_at_the_end_is_seen() -> None:
    doubtful = case(copies=[(HANA, copy(3))], members=[member(HANA, AMBIGUOUS)])
    assert found(judge(doubtful)) == [("I7", "over, and still ambiguous")]


def test_the_highest_proof_stands_in_whatever_order_it_came() -> None:
    copies = [(HANA, copy(3))]
    for words in ([ACCEPTED, DELIVERED, UNDELIVERED], [DELIVERED, UNDELIVERED, ACCEPTED]):
        assert found(judge(case(copies=copies, members=[member(HANA, DELIVERED, words=words)]))) == []
    lower = judge(case(copies=copies, members=[member(HANA, ACCEPTED, words=[ACCEPTED, DELIVERED])]))
    assert found(lower) == [("I10", "recorded as accepted, while the highest proof is delivered")]
    unproved = judge(case(copies=copies, members=[member(HANA, ACCEPTED, words=[])]))
    assert found(unproved) == [("I10", "recorded as accepted, while the highest proof is none")]


# -- what it says, and what it rests on -------------------------------------------------------------------


def test_the_history_of_a_recipient_is_told_in_order_by_both_witnesses() -> None:
    lines = history(told_once(), HANA, "sms").splitlines()
    told = [line.split("  ", 3)[3] for line in lines[1:]]
    assert told == [
        "evacuation 261123-kawabe approved (live)",
        "batch 0 position 0: due, held by nobody, attempt 0, not begun, pending",
        "batch 0 position 0: claimed, held by session 7, attempt 1, not begun, pending",
        "batch 0 position 0: claimed, held by session 7, attempt 1, call begun, pending",
        "accepted, as ref-3",
        "batch 0 position 0: attempt 1.0 of session 7 says accepted",
        "batch 0 position 0: done, held by nobody, attempt 1, not begun, accepted",
        "dispatch drained",
    ]


@pytest.mark.parametrize("module", [checker, evidence])
def test_the_checker_imports_nothing_of_what_it_judges(module: object) -> None:
    tree = ast.parse(Path(str(getattr(module, "__file__"))).read_text(encoding="utf-8"))  # noqa: B009
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    ours = {
        name for name in imported if name and name.split(".")[0] in {"dispatcher", "channels", "subscribers", "todoke"}
    }
    assert ours == set()
