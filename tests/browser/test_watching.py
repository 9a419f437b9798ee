"""Steps 5 and 6 in a browser: figures that move while the engine sends, a stop halfway, and what is there afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from playwright.async_api import Browser, Page, expect

from channels.contract import Answer, Message, Recipient, Verdict
from dispatcher.dispatches import status
from dispatcher.model import DispatchState
from tests.browser.conftest import Desk, sit_down
from tests.browser.judging import complaints, walk_to
from tests.console.office import VAULT, Hired, Office
from tests.dispatcher.engine_room import Kawabe, order


@dataclass
class Gate:
    """SMS that leave one by one, when they are let through; every fifth number is refused."""

    let: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    calls: int = 0

    async def __call__(self, _message: Message, _to: Sequence[Recipient], _key: UUID) -> Answer | None:
        await self.let.acquire()
        self.calls += 1
        return Answer(Verdict.REJECTED, code="30003") if self.calls % 5 == 0 else None

    def open(self, number: int) -> None:
        for _ in range(number):
            self.let.release()


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def town(kawabe: Office, gate: Gate) -> Kawabe:
    town = Kawabe(kawabe.pool, VAULT)
    town.sms.script = gate
    return town


async def figure(page: Page, channel: str, name: str) -> int:
    """A number of a channel, as it is shown now."""
    shown = page.locator(f".channel:has-text('{channel}') dl div:has(dt:text-is('{name}')) dd")
    return int((await shown.inner_text()).replace(",", ""))


async def until(page: Page, channel: str, name: str, least: int) -> int:
    async with asyncio.timeout(30):
        while (shown := await figure(page, channel, name)) < least:
            await page.wait_for_timeout(50)
    return shown


async def test_figures_move_and_a_stop_halfway_leaves_the_rest_unsent(desk: Desk, town: Kawabe, gate: Gate) -> None:
    dispatch = await town.send(order())
    page = await desk.go(f"/dispatches/{dispatch}")
    async with town.at_work():
        gate.open(30)
        assert await until(page, "SMS", "受付", 15) > 0
        await page.click(".stop .button-danger")
        await page.wait_for_selector("[name=what]")
        unsent = int((await page.inner_text(".unsent")).replace(",", ""))
        assert unsent > 0
        await page.click(".button-danger")
        await page.wait_for_url(f"**/dispatches/{dispatch}")
        gate.open(10_000)
        end = await town.over(dispatch)
    assert end.state is DispatchState.CANCELLED
    assert end.channels["sms"]["cancelled"] > 0
    await expect(page.locator("#figures .state")).to_have_text("中止")
    assert "停止：佐藤" in await page.inner_text("#content")
    assert desk.trouble == []


async def test_the_keyboard_alone_stops_one_channel(desk: Desk, town: Kawabe, gate: Gate) -> None:
    dispatch = await town.send(order())
    page = await desk.go(f"/dispatches/{dispatch}")
    await walk_to(page, ".stop .button-danger")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[name=what]")
    await walk_to(page, "[name=what]")
    await page.keyboard.press("ArrowDown")
    chosen = await page.evaluate("document.querySelector('[name=what]:checked').value")
    await walk_to(page, ".button-danger")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"**/dispatches/{dispatch}")
    gate.open(10_000)
    async with town.at_work():
        end = await town.over(dispatch)
    assert set(end.channels[chosen]) == {"cancelled"}
    assert end.state is DispatchState.DRAINED


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_axe_has_nothing_to_say_of_what_is_sent(desk: Desk, town: Kawabe, gate: Gate, lang: str) -> None:
    dispatch = await town.send(order())
    async with town.at_work():
        gate.open(30)
        page = await desk.go(f"/dispatches/{dispatch}", lang=lang)
        await page.wait_for_selector(".not-reached svg.map")
        await page.wait_for_selector(".now-live")
        assert await complaints(page) == []
        for path in ("", "/stop", "/chronology", "/unreached"):
            await page.goto(f"{desk.address}/dispatches/{dispatch}{path}")
            assert await complaints(page) == []
        for path in ("/dispatches", "/dispatches/stop"):
            await page.goto(desk.address + path)
            assert await complaints(page) == []
        gate.open(10_000)
    assert desk.trouble == []


async def test_on_a_phone_nothing_sticks_out(phone: Desk, town: Kawabe, gate: Gate) -> None:
    dispatch = await town.send(order())
    async with town.at_work():
        gate.open(30)
        for path in (f"/dispatches/{dispatch}", f"/dispatches/{dispatch}/stop", "/dispatches", "/dispatches/stop"):
            page = await phone.go(path)
            await page.wait_for_selector(".now-live")
            assert await page.evaluate("document.documentElement.scrollWidth") <= 390
            assert await complaints(page) == []
        gate.open(10_000)
    assert phone.trouble == []


async def test_a_sign_in_that_is_ended_says_so_on_the_page(
    browser: Browser, kawabe: Office, town: Kawabe, mori: Hired
) -> None:
    dispatch = await town.send(order())
    desk = await sit_down(browser, kawabe, mori)
    page = await desk.go(f"/dispatches/{dispatch}")
    await kawabe.pool.execute("update sign_in set ended_at = now(), ended_why = 'test' where officer = $1", mori.id)
    await page.wait_for_selector("#trouble:has-text('ログインが終わりました')")


async def test_a_follow_up_is_one_click(desk: Desk, town: Kawabe, gate: Gate) -> None:
    gate.open(10_000)
    end = await town.sent(order())
    page = await desk.go(f"/dispatches/{end.dispatch}")
    await page.click("text=訂正する")
    await page.wait_for_url("**/orders/*")
    assert (await status(town.pool, end.dispatch)).state is DispatchState.DRAINED
