"""An alarm is told once, again while it lasts, and its end is told too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncpg import Pool

from dispatcher.alarms import Notice, due, saw, standing, told
from dispatcher.teller import HookFailed, Teller
from dispatcher.trouble import Trouble

QUOTA = Trouble("quota.gone", "line", "枠がありません。", "The quota is gone.")
PAUSED = Trouble("lane.paused", "email/docomo", "控えています。", "Paused.")


@dataclass
class Pager:
    """Mori's: takes notices, unless it is off."""

    name: str = "pager"
    off: bool = False
    heard: list[Notice] = field(default_factory=list)

    async def tell(self, notice: Notice) -> None:
        if self.off:
            raise HookFailed("off")
        self.heard.append(notice)

    @property
    def states(self) -> list[str]:
        return [notice.state for notice in self.heard]


async def look(pool: Pool, *troubles: Trouble) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await saw(connection, troubles)


async def passes(pool: Pool, seconds: int) -> None:
    """So much time, for every alarm."""
    columns = ["since", "seen_at", "tell_at", "raised_at"]
    moved = ", ".join(f"{column} = {column} - {seconds} * interval '1 second'" for column in columns)
    await pool.execute(f"update alarm set {moved}")  # noqa: S608


def teller(pool: Pool, *hooks: Pager) -> Teller:
    return Teller(pool, hooks, repeat_seconds=1800)


async def codes(pool: Pool) -> Sequence[str]:
    return [each.trouble.code for each in await standing(pool)]


async def test_what_is_seen_at_every_look_is_one_alarm_and_told_once(pool: Pool) -> None:
    mori = Pager()
    for _ in range(3):
        await look(pool, QUOTA)
        await teller(pool, mori).tick()
    assert [notice.trouble for notice in mori.heard] == [QUOTA]
    assert mori.states == ["raised"]


async def test_an_alarm_that_lasts_is_told_again(pool: Pool) -> None:
    mori = Pager()
    await look(pool, QUOTA)
    await teller(pool, mori).tick()
    await passes(pool, 1801)
    await look(pool, QUOTA)
    await teller(pool, mori).tick()
    assert mori.states == ["raised", "still"]


async def test_its_end_is_told_with_its_time(pool: Pool) -> None:
    mori = Pager()
    await look(pool, QUOTA)
    await teller(pool, mori).tick()
    await passes(pool, 20)
    await look(pool)
    await teller(pool, mori).tick()
    assert mori.states == ["raised", "ended"]
    assert mori.heard[-1].until is not None
    await passes(pool, 100_000)
    await teller(pool, mori).tick()
    assert mori.states == ["raised", "ended"]


async def test_trouble_that_flickers_is_one_alarm(pool: Pool) -> None:
    for troubles in [(QUOTA,), (), (QUOTA,)]:
        await look(pool, *troubles)
        await passes(pool, 10)
    assert await pool.fetchval("select count(*) from alarm") == 1


async def test_a_lane_left_in_peace_for_a_minute_is_no_alarm(pool: Pool) -> None:
    await look(pool, PAUSED)
    await passes(pool, 60)
    await look(pool, PAUSED)
    assert await codes(pool) == []
    await passes(pool, 61)
    await look(pool, PAUSED)
    assert await codes(pool) == ["lane.paused"]


async def test_what_was_over_before_anybody_was_told_is_forgotten(pool: Pool) -> None:
    await look(pool, PAUSED)
    await passes(pool, 60)
    await look(pool)
    assert await pool.fetchval("select count(*) from alarm") == 0


async def test_a_hook_that_fails_is_tried_again_and_shown(pool: Pool) -> None:
    mori = Pager(off=True)
    await look(pool, QUOTA)
    await teller(pool, mori).tick()
    (alarm,) = await standing(pool)
    assert (alarm.failures, alarm.told_at) == (1, None)
    mori.off = False
    await teller(pool, mori).tick()
    assert mori.states == []
    await passes(pool, 6)
    await teller(pool, mori).tick()
    assert mori.states == ["raised"]
    (alarm,) = await standing(pool)
    assert alarm.failures == 0


async def test_only_the_hook_that_failed_hears_it_again(pool: Pool) -> None:
    mori, ando = Pager("mori"), Pager("ando", off=True)
    await look(pool, QUOTA)
    await teller(pool, mori, ando).tick()
    ando.off = False
    await passes(pool, 6)
    await teller(pool, mori, ando).tick()
    assert (mori.states, ando.states) == (["raised"], ["raised"])


async def test_two_tellers_tell_one_notice_once(pool: Pool) -> None:
    await look(pool, QUOTA)
    assert await due(pool) is not None
    assert await due(pool) is None


async def test_a_notice_whose_teller_died_is_told_by_another(pool: Pool) -> None:
    await look(pool, QUOTA)
    assert await due(pool) is not None
    await passes(pool, 121)
    taken = await due(pool)
    assert taken is not None
    assert taken.notice.trouble == QUOTA


async def test_an_end_while_the_alarm_is_being_told_is_told_after_it(pool: Pool) -> None:
    mori = Pager()
    await look(pool, QUOTA)
    taken = await due(pool)
    assert taken is not None
    await passes(pool, 20)
    await look(pool)
    await told(pool, taken, repeat_seconds=1800)
    await teller(pool, mori).tick()
    assert (taken.notice.state, mori.states) == ("raised", ["ended"])
