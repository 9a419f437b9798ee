"""What holds up sending, in the words of whoever reads it."""

from __future__ import annotations

from asyncpg import Pool

from channels.contract import Pause
from dispatcher.batches import LaneKey
from dispatcher.dispatches import workers
from dispatcher.pauses import Pauses
from dispatcher.session import Session
from dispatcher.trouble import Trouble

QUOTA = Pause("channel", None, "quota")
DEFERRED = Pause("lane", 60.0, "deferred")


def paused(*refusals: tuple[LaneKey, Pause]) -> Pauses:
    pauses = Pauses(lambda: 0.0)
    for lane, pause in refusals:
        pauses.heed(lane, pause)
    return pauses


def test_a_quota_that_is_gone_says_what_to_do_in_both_languages() -> None:
    (trouble,) = paused((LaneKey(1, "line", ""), QUOTA)).trouble()
    assert trouble.say("ja") == (
        "line: 今月の送信枠を使い切りました。事業者の管理画面で枠を追加し、それまではほかの手段で送ってください。"
    )
    assert trouble.say("en").startswith("line: The quota is used up.")


def test_a_slow_mail_provider_is_named_by_its_lane() -> None:
    (trouble,) = paused((LaneKey(1, "email", "docomo"), DEFERRED)).trouble()
    assert (trouble.code, trouble.where) == ("lane.paused", "email/docomo")


async def test_a_worker_tells_its_trouble_with_every_beat(pool: Pool) -> None:
    pauses = paused((LaneKey(1, "line", ""), QUOTA))
    async with Session(
        pool, beat_seconds=0.01, expire_seconds=120, trouble=pauses.trouble, shared_among=lambda _: None
    ) as session:
        told = await beaten(pool, session)
    assert [Trouble.from_json(each) for each in told] == pauses.trouble()


async def beaten(pool: Pool, session: Session) -> list[dict[str, str]]:
    """What others read once a beat has been written."""
    while not await pool.fetchval("select beat from worker_session where number = $1", session.number):
        pass
    (worker,) = await workers(pool)
    told: list[dict[str, str]] = worker["trouble"]
    return told
