from __future__ import annotations

from channels.contract import Answer, Message, Verdict
from channels.memory import MemoryChannel, MemorySettings
from tests.channels.cast import HANA_LINE, KEY, LINH_LINE, ORDER, OTHER_KEY


async def call(memory: MemoryChannel, message: Message = ORDER) -> Answer:
    return await memory.send(message, [HANA_LINE, LINH_LINE], key=KEY, expires_at=None)


async def test_keeps_what_it_took() -> None:
    memory = MemoryChannel(MemorySettings())
    await call(memory)
    (taken,) = memory.taken
    assert (taken.message, taken.recipients, taken.key) == (ORDER, (HANA_LINE, LINH_LINE), KEY)


async def test_answers_once_each_as_told_and_then_accepts() -> None:
    memory = MemoryChannel(MemorySettings())
    memory.will_answer(Answer(Verdict.AMBIGUOUS), Answer(Verdict.RETRY))
    verdicts = [(await call(memory)).verdict for _ in range(3)]
    assert verdicts == [Verdict.AMBIGUOUS, Verdict.RETRY, Verdict.ACCEPTED]
    assert memory.people == 2


async def test_a_script_sees_every_call_and_may_leave_it() -> None:
    async def refuse_festivals(message: Message, *_: object) -> Answer | None:
        return None if message is ORDER else Answer(Verdict.REJECTED)

    memory = MemoryChannel(MemorySettings())
    memory.script = refuse_festivals
    assert (await call(memory)).verdict is Verdict.ACCEPTED
    assert (await call(memory, Message("ja", "祭り", "花火です"))).verdict is Verdict.REJECTED


async def test_counts_without_keeping_where_told() -> None:
    memory = MemoryChannel(MemorySettings(keep=False))
    for key in (KEY, KEY, OTHER_KEY):
        await memory.send(ORDER, [HANA_LINE], key=key, expires_at=None)
    assert (memory.people, memory.taken) == (2, [])


def test_may_stand_in_under_another_name() -> None:
    memory = MemoryChannel(MemorySettings(contact="phone", call_size=1, repeatable=False), name="sms")
    assert (memory.name, memory.contact, memory.call_size) == ("sms", "phone", 1)
    assert memory.lane("").limits[0].key == "sms"
