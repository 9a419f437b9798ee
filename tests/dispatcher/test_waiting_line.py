"""Who gets a slot: decided when it opens, by urgency, on a clock that goes on when told to."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import pytest

from dispatcher.waiting_line import Granted, Place, Slot, WaitingLine, Window, always

ORDER, TOURISM = 0, 4
INTERVAL, LATENESS = 0.005, 0.008


@dataclass
class Office:
    """A line at which a slot opens every INTERVAL; `served` are names in the order they called."""

    now: float = 100.0
    next: float = 100.0
    asked: int = 0
    served: list[str] = field(default_factory=list)
    given_back: list[Slot] = field(default_factory=list)
    calls: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.line = WaitingLine(self.grant, lambda: self.now, self.given_back.append)

    async def grant(self, costs: Sequence[int]) -> Granted:
        self.asked += len(costs)
        windows = []
        self.next = max(self.next, self.now)
        for cost in costs:
            self.next += INTERVAL * cost
            windows.append(Window(self.next, self.next + LATENESS))
        return Granted(windows, 0.0)

    def call(
        self, name: str, priority: int = TOURISM, *, cost: int = 1, permitted: Callable[[], bool] = always
    ) -> Place:
        """Somebody who calls as soon as they are let."""
        place = self.line.join(cost, priority, permitted)
        self.calls[name] = asyncio.create_task(self._call(name, place))
        return place

    async def _call(self, name: str, place: Place) -> None:
        with place:
            if await place.reached():
                self.served.append(name)

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def until_slot(self, seconds: float = INTERVAL) -> None:
        self.now += seconds
        self.line.attend()
        await self.settle()

    async def blocked(self, seconds: float) -> None:
        """The slot is handed to its caller, whose process then stands still before it could wake."""
        self.now += INTERVAL
        self.line.attend()
        self.now += seconds
        await self.settle()


@pytest.fixture
async def office() -> Office:
    return Office()


async def test_an_order_goes_before_all_tourism_that_waits(office: Office) -> None:
    for name in ("花火", "祭り", "灯籠"):
        office.call(name)
    await office.settle()
    office.call("避難指示", ORDER)
    await office.settle()
    for _ in range(4):
        await office.until_slot()
    assert office.served == ["避難指示", "花火", "祭り", "灯籠"]


async def test_an_order_takes_the_slots_that_tourism_was_given_and_may_no_longer_use(office: Office) -> None:
    urgent = False
    for name in ("花火", "祭り"):
        office.call(name, permitted=lambda: not urgent)
    await office.settle()
    urgent = True
    office.call("避難指示", ORDER)
    office.call("避難指示の続き", ORDER)
    await office.until_slot()
    await office.until_slot()
    assert office.served == ["避難指示", "避難指示の続き"]
    assert office.given_back == []


async def test_who_is_no_longer_permitted_leaves_when_its_turn_comes(office: Office) -> None:
    permitted = True
    office.call("花火", permitted=lambda: permitted)
    await office.settle()
    permitted = False
    await office.until_slot()
    assert office.calls["花火"].done()
    assert office.served == []


async def test_nothing_is_asked_for_on_behalf_of_who_is_not_permitted(office: Office) -> None:
    office.call("花火", permitted=lambda: False)
    await office.settle()
    assert office.calls["花火"].done()
    assert office.asked == 0


async def test_permission_that_ends_between_the_slot_and_the_call_passes_the_slot_on(office: Office) -> None:
    permitted = True
    office.call("花火", permitted=lambda: permitted)
    await office.settle()
    office.now += INTERVAL
    office.line.attend()
    permitted = False
    office.call("避難指示", ORDER)
    await office.settle()
    assert office.served == ["避難指示"]


async def test_a_slot_is_known_to_be_near_before_it_opens(office: Office) -> None:
    place = office.line.join(1, ORDER, always)
    assert await asyncio.wait_for(place.near(), 10)
    assert office.now < office.next


async def test_one_who_is_not_ready_holds_nobody_behind(office: Office) -> None:
    committing = office.line.join(1, ORDER, always)
    assert await committing.near()
    office.call("健", ORDER)
    await office.until_slot()
    assert office.served == ["健"]


async def test_a_slot_whose_caller_has_gone_is_the_next_ones(office: Office) -> None:
    office.call("花", ORDER)
    office.call("健", ORDER)
    await office.settle()
    office.now += INTERVAL
    office.line.attend()
    office.calls["花"].cancel()
    await office.settle()
    assert office.served == ["健"]


async def test_nobody_begins_after_the_window_and_the_slot_is_given_back(office: Office) -> None:
    office.call("花", ORDER)
    await office.settle()
    await office.blocked(LATENESS + 0.001)
    assert office.served == []
    assert [slot.window.opens for slot in office.given_back] == [100.0 + INTERVAL]


async def test_who_overslept_is_in_front_again(office: Office) -> None:
    office.call("花", ORDER)
    office.call("健", ORDER)
    office.call("メイ", ORDER)
    await office.settle()
    await office.blocked(LATENESS + 0.001)
    await office.until_slot()
    await office.until_slot()
    assert office.served == ["花", "健", "メイ"]


async def test_who_overslept_while_the_next_slot_is_open_already_uses_it_at_once(office: Office) -> None:
    """Once it was handed the second slot while it still gave the first up, and waited for a word for ever."""
    office.call("花", ORDER)
    office.line.join(1, TOURISM, always)
    await office.settle()
    await office.blocked(LATENESS + 0.001)
    assert office.served == ["花"]


async def test_a_slot_for_one_token_is_not_used_for_three(office: Office) -> None:
    office.call("短い", TOURISM)
    await office.settle()
    office.call("長い", ORDER, cost=3)
    await office.until_slot()
    assert office.served == ["短い"]
    await office.until_slot(3 * INTERVAL)
    assert office.served == ["短い", "長い"]


async def test_a_line_that_cannot_ask_tells_everybody_in_it() -> None:
    async def broken(_costs: Sequence[int]) -> Granted:
        raise ZeroDivisionError

    line = WaitingLine(broken, lambda: 0.0, lambda _slot: None)
    waiting: list[Awaitable[bool]] = [line.join(1, ORDER, always).reached() for _ in range(2)]
    found = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in found] == [ZeroDivisionError] * 2


async def test_whoever_need_not_wait_passes_and_whoever_stands_in_line_is_not_passed() -> None:
    async def never(_costs: Sequence[int]) -> Granted:
        return Granted([], 1.0)

    line = WaitingLine(never, lambda: 0.0, lambda _slot: None, at_once=lambda _cost, most: min(most, 3))
    assert line.pass_through(1, 32) == 3
    with line.join(1, TOURISM, always):
        assert line.pass_through(1, 32) == 0
    assert line.pass_through(1, 2) == 2


async def test_where_others_share_the_limit_nobody_passes() -> None:
    office = Office()
    assert office.line.pass_through(1, 32) == 0


@pytest.mark.parametrize("ticks", [number + 0.5 for number in range(12)])
async def test_a_slot_that_opens_while_the_line_looks_elsewhere_is_used(ticks: float) -> None:
    """The clock goes on by a tick each time it is read, so the slot opens at each place of the line's own work."""
    tick, moments = 0.001, count()

    async def grant(costs: Sequence[int]) -> Granted:
        opens = (next(moments) + ticks) * tick
        return Granted([Window(opens, opens + 60) for _ in costs], 0.0)

    line = WaitingLine(grant, lambda: next(moments) * tick, lambda _slot: None)
    async with asyncio.timeout(10):
        with line.join(1, ORDER, always) as place:
            assert await place.reached()
