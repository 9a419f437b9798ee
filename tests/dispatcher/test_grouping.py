"""Group commit: nobody's result is lost, mixed up, or spoilt by a neighbour."""

import asyncio
from collections.abc import Sequence

import pytest

from dispatcher.grouping import Group


async def test_calls_that_come_together_share_one_and_each_gets_its_own_result() -> None:
    lists: list[list[int]] = []

    async def doubled(items: Sequence[int]) -> list[int]:
        lists.append(list(items))
        await asyncio.sleep(0)
        return [2 * item for item in items]

    group = Group(doubled)
    assert await asyncio.gather(*(group(i) for i in range(10))) == [2 * i for i in range(10)]
    assert lists == [list(range(10))]


async def test_a_list_never_grows_beyond_its_most() -> None:
    sizes: list[int] = []

    async def counted(items: Sequence[int]) -> Sequence[int]:
        sizes.append(len(items))
        return items

    group = Group(counted, most=4)
    await asyncio.gather(*(group(i) for i in range(10)))
    assert sizes == [4, 4, 2]


async def test_one_bad_item_fails_alone() -> None:
    async def divided(items: Sequence[int]) -> list[float]:
        return [12 / item for item in items]

    group = Group(divided)
    results = await asyncio.gather(*(group(i) for i in (1, 0, 3)), return_exceptions=True)
    assert results[0] == 12
    assert isinstance(results[1], ZeroDivisionError)
    assert results[2] == 4


async def test_a_caller_that_gives_up_takes_nobody_with_it() -> None:
    started, go = asyncio.Event(), asyncio.Event()

    async def slowly(items: Sequence[str]) -> Sequence[str]:
        started.set()
        await go.wait()
        return items

    group = Group(slowly)
    impatient, patient = asyncio.create_task(group("a")), asyncio.create_task(group("b"))
    await started.wait()
    impatient.cancel()
    go.set()
    assert await patient == "b"
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_an_item_that_has_to_wait_holds_up_neither_its_neighbours_nor_who_comes_later() -> None:
    let_go = asyncio.Event()

    async def work(items: Sequence[str]) -> Sequence[str]:
        if "locked" in items:
            await let_go.wait()
        return items

    group = Group(work, patience=0.05)
    first = asyncio.create_task(group("first"))
    locked, neighbour = asyncio.create_task(group("locked")), asyncio.create_task(group("neighbour"))
    assert list(await asyncio.gather(first, neighbour)) == ["first", "neighbour"]
    assert await group("later") == "later"
    assert not locked.done()
    let_go.set()
    assert await locked == "locked"
