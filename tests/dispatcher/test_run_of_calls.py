"""A run of single calls, made by as many hands as are of use: each recipient once, whatever a call waits for."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from asyncpg import Pool

from channels.contract import Answer, Message, Recipient
from channels.memory import MemoryChannel, MemorySettings
from tests.dispatcher.engine_room import Kawabe, crowd, kawabe, order


def sms(rate: float) -> MemoryChannel:
    """A channel that now and then takes a turn of the event loop for a call, and mostly none."""
    settings = MemorySettings(contact="phone", call_size=1, repeatable=False, at_once=64, rate=rate)
    channel, dice = MemoryChannel(settings), random.Random(7)
    channel.name = "sms"

    async def script(_message: Message, _recipients: Sequence[Recipient], _key: UUID) -> Answer | None:
        for _ in range(dice.choice([0, 0, 0, 0, 1, 3])):
            await asyncio.sleep(0)
        return None

    channel.script = script
    return channel


@pytest.mark.parametrize("rate", [2_000, 20_000, 1_000_000_000])
async def test_everybody_is_called_once_whether_calls_wait_or_not(pool: Pool, tmp_path: Path, rate: float) -> None:
    town: Kawabe = await kawabe(pool)
    await town.settle(tmp_path, crowd(900, line=False, phone=True))
    town.sms = sms(rate)
    end = await town.sent(order(channels=["sms"]))
    called = Counter(recipient.address for call in town.sms.taken for recipient in call.recipients)
    assert len(called) == 900
    assert set(called.values()) == {1}
    assert end.channels == {"sms": {"accepted": 900}}


class Slowly(MemoryChannel):
    """Its connections take longer to open than a slot is waited for. `late` counts calls that found none open."""

    late = opened = 0

    async def connect(self) -> Opened:
        await asyncio.sleep(0.06)
        self.opened += 1
        return Opened(self)

    async def send(
        self, message: Message, recipients: Sequence[Recipient], *, key: UUID, expires_at: datetime | None
    ) -> Answer:
        self.late += not self.opened
        return await super().send(message, recipients, key=key, expires_at=expires_at)


class Opened:
    def __init__(self, channel: Slowly) -> None:
        self._channel: Slowly | None = channel

    def release(self) -> None:
        if self._channel is not None:
            self._channel.opened -= 1
            self._channel = None


@pytest.mark.parametrize(("call_size", "rate"), [(1, 100), (1, 100_000), (5, 100)])
async def test_no_slot_is_used_before_a_connection_is_open(
    pool: Pool, tmp_path: Path, call_size: int, rate: float
) -> None:
    town: Kawabe = await kawabe(pool)
    await town.settle(tmp_path, crowd(40, line=False, phone=True))
    settings = MemorySettings(contact="phone", call_size=call_size, repeatable=call_size > 1, at_once=4, rate=rate)
    town.sms = slowly = Slowly(settings, name="sms")
    end = await town.sent(order(channels=["sms"]))
    assert (slowly.late, slowly.opened) == (0, 0)
    assert end.channels == {"sms": {"accepted": 40}}


REFUSED_ONCE = """
create sequence records;
create function refuse_the_first() returns trigger language plpgsql as $$
begin
    if nextval('records') = 1 then raise 'the first record is refused'; end if;
    return new;
end $$;
create trigger refuse_the_first before insert on attempt for each row execute function refuse_the_first();
"""


async def test_what_a_failed_record_held_is_recorded_with_the_next(pool: Pool, tmp_path: Path) -> None:
    town: Kawabe = await kawabe(pool)
    await town.settle(tmp_path, crowd(60, line=False, phone=True))
    town.sms = sms(rate=200)
    await pool.execute(REFUSED_ONCE)
    end = await town.sent(order(channels=["sms"]))
    told = await pool.fetchval("select array_agg(distinct position) from attempt, unnest(positions) as position")
    assert await pool.fetchval("select last_value > 1 from records")
    assert len(told) == 60
    assert end.channels == {"sms": {"accepted": 60}}
