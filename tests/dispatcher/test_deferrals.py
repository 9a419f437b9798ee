"""A mailbox that is greylisted waits alone, and longer each time."""

from __future__ import annotations

from dataclasses import dataclass, field

from dispatcher.deferrals import Deferrals

BATCH = ("261123-k7m2qx", 1)
HANA, KEN, TOME = 0, 1, 2


@dataclass
class Post:
    """Deferrals with a clock that goes on when told to."""

    now: float = 0.0
    deferrals: Deferrals = field(init=False)

    def __post_init__(self) -> None:
        self.deferrals = Deferrals(lambda: self.now)

    def waiting(self) -> set[int]:
        return set(self.deferrals.deferred(BATCH, [HANA, KEN, TOME]))


def test_it_waits_a_minute_then_five_then_fifteen() -> None:
    post = Post()
    for wait in (60, 300, 900, 900):
        post.deferrals.defer(BATCH, HANA)
        post.now += wait - 0.1
        assert post.waiting() == {HANA}
        post.now += 0.1
        assert post.waiting() == set()


def test_its_neighbours_do_not_wait() -> None:
    post = Post()
    post.deferrals.defer(BATCH, HANA)
    assert post.waiting() == {HANA}
    assert not post.deferrals.deferred(("another", 1), [HANA])


def test_all_that_wait_are_asked_again_together() -> None:
    post = Post()
    post.deferrals.defer(BATCH, HANA)
    post.now += 20
    post.deferrals.defer(BATCH, KEN)
    assert post.deferrals.waiting(BATCH, [HANA, KEN, TOME]) == (2, 60)


def test_nothing_is_kept_of_a_batch_that_is_done() -> None:
    post = Post()
    post.deferrals.defer(BATCH, HANA)
    post.deferrals.forget(BATCH)
    assert post.waiting() == set()


def test_batches_that_nobody_came_back_for_are_forgotten() -> None:
    post = Post()
    post.deferrals.defer(BATCH, HANA)
    post.now += 60 + 3_601
    post.deferrals.defer(("another", 1), HANA)
    post.deferrals.defer(BATCH, HANA)
    post.now += 60
    assert post.waiting() == set()
