"""The recipient's state machine: how one answer, a crash, a stop or a receipt changes outcome bytes.

Pure functions over byte strings with one byte a member (`Outcome`). The engine asks here and
nowhere else what may be sent, what an answer proves, and what is left to do.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from channels.contract import Verdict
from dispatcher.model import ClassPolicy, Outcome

KEY_LIFETIME = timedelta(hours=23, minutes=30)
"""LINE keeps a retry key for 24 hours after the first request; half an hour is kept back for clocks that differ."""

AGAIN, PASSED = 1, 2
"""Marks of a doubtful member of a batch that is being called: called again by this attempt, or not."""

_OF_VERDICT = {
    Verdict.ACCEPTED: Outcome.ACCEPTED,
    Verdict.REJECTED: Outcome.REJECTED,
    Verdict.RETRY: Outcome.RETRY,
    Verdict.AMBIGUOUS: Outcome.AMBIGUOUS,
}
_YES, _TAKEN = Verdict.ACCEPTED, Outcome.ACCEPTED
"""Looked up once: it takes 0.8 µs to find members of an Enum and to hash one, at every call (Python 3.11)."""
_FRESH = bytes([Outcome.PENDING, Outcome.RETRY])
_CALLABLE = bytes([*_FRESH, Outcome.AMBIGUOUS])
_DOUBTED = bytes.maketrans(_FRESH, bytes([Outcome.AMBIGUOUS] * len(_FRESH)))


@dataclass(frozen=True, slots=True)
class Promise:
    """What a class promises on a channel: its policy, and whether a repeated call counts once."""

    policy: ClassPolicy
    repeatable: bool

    @property
    def repeats(self) -> bool:
        """Whether an ambiguous call may be made again at all."""
        return self.repeatable or self.policy.reconcile is not None

    def repeat_delay(self) -> float:
        """Seconds before an ambiguous call is made again. Raises ValueError where it never is."""
        if self.repeatable:
            return self.policy.backoff
        if self.policy.reconcile is None:
            raise ValueError("this class never repeats an ambiguous call")
        return self.policy.reconcile


def sendable(outcomes: bytes, *, repeat: bool) -> list[int]:
    """Positions that a new attempt calls; `repeat` says whether ambiguous ones are due as well."""
    if outcomes.count(Outcome.PENDING) == len(outcomes):
        return list(range(len(outcomes)))
    wanted = _CALLABLE if repeat else _FRESH
    return [position for position, byte in enumerate(outcomes) if byte in wanted]


def after_answer(before: int, verdict: Verdict, promise: Promise) -> Outcome:
    """What one member becomes when a call that had it as `before` is answered with `verdict`.

    A member that was ambiguous stays so after RETRY (the repeat certainly did not go, the first
    call still may have), and becomes UNKNOWN when the one repeat is ambiguous too.
    """
    if verdict is _YES:
        return _TAKEN
    outcome = _OF_VERDICT[verdict]
    if outcome is Outcome.RETRY and before == Outcome.AMBIGUOUS:
        return Outcome.AMBIGUOUS
    if outcome is not Outcome.AMBIGUOUS or promise.repeatable:
        return outcome
    if before == Outcome.AMBIGUOUS or not promise.repeats:
        return Outcome.UNKNOWN
    return Outcome.AMBIGUOUS


def all_answered(outcomes: bytes, verdict: Verdict, promise: Promise, *, repeat: bool) -> bytes:
    """The bytes after one call for everybody whom `sendable` names: `after_answer` for each of them."""
    becomes = bytearray(range(256))
    for before in _CALLABLE if repeat else _FRESH:
        becomes[before] = after_answer(before, verdict, promise)
    return outcomes.translate(becomes)


def after_crash(outcomes: bytes, *, started: int, repeated: bytes | None, promise: Promise) -> bytes:
    """The bytes of a batch whose worker died: what it had certainly not started is as before.

    `started` bounds the positions it may have called; `repeated` marks who was being called again,
    which ends their doubt where a repeat may count twice.
    """
    touched = all_answered(outcomes[:started], Verdict.AMBIGUOUS, promise, repeat=False) + outcomes[started:]
    return abandoned_at(touched, [position for position, mark in enumerate(repeated or b"") if mark == AGAIN])


def abandoned_at(outcomes: bytes, positions: Iterable[int]) -> bytes:
    """The bytes with UNKNOWN for whoever is ambiguous at `positions`: they are called no more."""
    return marked(outcomes, [p for p in positions if outcomes[p] == Outcome.AMBIGUOUS], Outcome.UNKNOWN)


def abandoned(outcomes: bytes, end: Outcome) -> bytes:
    """The bytes when nothing more will be sent: `end` for the unsent, UNKNOWN for the ambiguous."""
    ends = {Outcome.PENDING: end, Outcome.RETRY: end, Outcome.AMBIGUOUS: Outcome.UNKNOWN}
    return bytes(ends.get(Outcome(byte), byte) for byte in outcomes)


def doubted(outcomes: bytes, repeated: bytes | None) -> bytes:
    """The bytes in a restored backup: whoever was still to be called may have been called since it was taken.

    `repeated` marks who had their one repeat by then.
    """
    marks = [position for position, mark in enumerate(repeated or b"") if mark]
    return abandoned_at(outcomes.translate(_DOUBTED), marks)


def marked(outcomes: bytes, positions: Iterable[int], outcome: int) -> bytes:
    """The bytes with `outcome` at `positions`."""
    touched = bytearray(outcomes)
    for position in positions:
        touched[position] = outcome
    return bytes(touched)


def merged(known: bytes, late: bytes) -> bytes:
    """`known` refined by proof that came late, twice or out of order: only proof counts, and it only rises.

    Commutative, associative and idempotent in the proofs (UNKNOWN and above). Proof of acceptance
    overrides even CANCELLED or EXPIRED, which only say that the engine stopped trying.
    """
    return bytes(max(old, new) if new >= Outcome.UNKNOWN else old for old, new in zip(known, late, strict=True))


def refined(outcomes: bytes, proofs: bytes | None) -> bytes:
    """What is true of each member: the attempt's own record and the proofs that came beside it."""
    return merged(outcomes, proofs) if proofs is not None else outcomes


def proven_together(recorded: bytes, known: bytes) -> bytes:
    """`known` where a call to many that nobody answered for has turned out to be accepted, by a receipt of one of them.

    Such a call is accepted or refused as a whole, and those it was made for are the doubtful in `recorded`. Repeated
    without the one whose receipt came it would be another call.
    """
    doubtful = [position for position, byte in enumerate(recorded) if byte == Outcome.AMBIGUOUS]
    if not any(known[position] >= Outcome.ACCEPTED for position in doubtful):
        return known
    return marked(known, [position for position in doubtful if known[position] < Outcome.ACCEPTED], Outcome.ACCEPTED)


def all_final(outcomes: bytes) -> bool:
    return min(outcomes, default=Outcome.DELIVERED) >= Outcome.SUPPRESSED


@dataclass(frozen=True, slots=True)
class Next:
    """When an unfinished batch is due again, in seconds from now on the database's clock.

    `due_in` None: when its ambiguous members are. `repeat_in` is when those may be called again;
    None keeps the moment that stands in the batch.
    """

    due_in: float | None
    repeat_in: float | None
    ambiguous: bool


def next_attempt(
    outcomes: bytes,
    *,
    tries: int,
    at_least: float,
    repeated: bool,
    promise: Promise,
    held: float = 0.0,
    deferred: tuple[int, float] = (0, 0.0),
) -> Next:
    """The next attempt of a batch that is not finished.

    `at_least` is the provider's own wish in seconds; `repeated` says whether ambiguous members were
    called in the attempt that ends, so that a new moment has to be set for those that still are;
    `held` is for how many seconds repeats were put off; `deferred` how many of the retries wait for
    seconds of their own, and for how many. The others wait with full jitter, so that thousands that
    failed together do not return together.
    """
    ambiguous = Outcome.AMBIGUOUS in outcomes
    repeat_in = None
    if ambiguous and (repeated or held):
        repeat_in = max(promise.repeat_delay() if repeated else 0.0, at_least, held)
    delays = [repeat_in] if repeat_in is not None else []
    number, seconds = deferred
    if outcomes.count(Outcome.RETRY) > number:
        delays.append(max(at_least + backoff(tries, promise.policy), held))
    if number:
        delays.append(max(seconds, held))
    if Outcome.PENDING in outcomes:
        delays.append(0.0)
    return Next(min(delays, default=None), repeat_in, ambiguous)


def backoff(tries: int, policy: ClassPolicy) -> float:
    """Seconds to wait after `tries` attempts that ended in retry: full jitter under a doubling cap."""
    ceiling = min(policy.backoff_cap, policy.backoff * 2 ** min(tries, 16))
    return random.uniform(0, ceiling)  # noqa: S311 - spreads load, guards nothing


def counts(outcomes: Iterable[bytes]) -> dict[Outcome, int]:
    """How many members stand at each outcome; moved ones are counted in the batch they moved to."""
    totals = np.bincount(np.frombuffer(b"".join(outcomes), dtype=np.uint8), minlength=256)
    return {outcome: int(totals[outcome]) for outcome in Outcome if totals[outcome] and outcome is not Outcome.MOVED}


def newly(before: bytes, after: bytes) -> dict[Outcome, int]:
    """How many members reached each final outcome on the way from `before` to `after`."""
    finals = [outcome for outcome in Outcome if outcome.final and outcome is not Outcome.MOVED]
    gained = {outcome: after.count(outcome) - before.count(outcome) for outcome in finals}
    return {outcome: number for outcome, number in gained.items() if number > 0}


def split_positions(positions: Sequence[int], suspect: int | None) -> tuple[list[int], list[int]]:
    """Two smaller calls for one that was refused whole: the suspect alone if the provider named it, else halves."""
    if suspect is not None and 0 <= suspect < len(positions):
        return [positions[suspect]], [*positions[:suspect], *positions[suspect + 1 :]]
    middle = len(positions) // 2
    return list(positions[:middle]), list(positions[middle:])
