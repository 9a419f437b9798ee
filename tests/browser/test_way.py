"""Steps 1 to 4 in real browsers: two officers, the keyboard alone, a phone, both languages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page

from console.orders.book import listed
from console.orders.model import State
from console.orders.releaser import Releaser
from dispatcher.model import Mode
from tests.browser.conftest import Desk, sit_down
from tests.console.office import Hired, Office

SIGNED = "select concat_ws(' ', mode, requested_by, approved_by) from dispatch where id = $1"


async def go_live(page: Page) -> None:
    await page.click("[name=mode][value=live]")
    await page.click("#going-live .button-danger")
    await page.wait_for_selector("html[data-mode=live]", state="attached")


async def choose(page: Page, level: str, hazard: str = "flood") -> None:
    """The texts come by themselves."""
    await page.check(f"[name=kind][value='{level}']")
    await page.select_option("#f-hazard", hazard)
    await page.wait_for_function("document.getElementById('f-texts-ja-body')?.value.includes('level_name')")


async def written(desk: Desk, level: str = "4", *, live: bool = True, lang: str = "ja") -> Page:
    """From an empty map to a draft that may go on."""
    page = await desk.open(district="中之島", lang=lang)
    if live:
        await go_live(page)
    await page.click("#where > .go button")
    await page.wait_for_url("**/what")
    await choose(page, level)
    await page.wait_for_selector(".judged-good")
    return page


@pytest.fixture
async def hers(browser: Browser, kawabe: Office, mori: Hired) -> Desk:
    """Mori's browser, elsewhere."""
    return await sit_down(browser, kawabe, mori)


async def test_two_officers_send_a_live_order_from_two_browsers(kawabe: Office, desk: Desk, hers: Desk) -> None:
    page = await written(desk)
    await page.click("[name=do][value=next]:visible")
    await page.wait_for_url("**/check")
    await page.click("#submit .button-primary")
    await page.wait_for_url("**/orders/*")
    assert "承認を待っています" in await page.inner_text("main")
    assert await page.locator("#approve").count() == 0

    other = await hers.go("/")
    await other.click(".pressing .entry a")
    assert await other.get_attribute("html", "data-mode") == "live"
    await other.click("#approve .button-primary")
    await other.wait_for_selector("#countdown")
    [order] = await listed(kawabe.pool, (State.COUNTING,))
    await kawabe.pool.execute("update town_order set release_at = now() where id = $1", order.id)
    await Releaser(kawabe.pool).tick()
    await other.wait_for_selector(".notice-success")
    [sent] = await listed(kawabe.pool, (State.RELEASED,))
    assert await other.get_attribute(".notice-success a", "href") == f"/dispatches/{sent.dispatch}"
    assert await kawabe.pool.fetchval(SIGNED, sent.dispatch) == f"{Mode.LIVE} 佐藤 森"
    assert desk.trouble == hers.trouble == []
