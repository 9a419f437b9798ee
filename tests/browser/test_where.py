"""Step 1 in a real browser."""

from tests.browser.conftest import Desk
import json

async def test_look(desk: Desk, phone: Desk) -> None:
    page = await desk.open()
    print(desk.trouble)
    await page.screenshot(path="/tmp/front-1.png")
    await page.check("text=中之島") if await page.locator("label:has-text('中之島')").count() else None
    await page.wait_for_selector("#count:not([hidden])")
    await page.wait_for_timeout(1000)
    await page.screenshot(path="/tmp/front-2.png", full_page=True)
    await page.check("[name=mode][value=live]", force=True, no_wait_after=True) if False else await page.locator("[name=mode][value=live]").click()
    await page.screenshot(path="/tmp/front-3.png")
    await page.click("#going-live .button-danger")
    await page.wait_for_timeout(600)
    await page.screenshot(path="/tmp/front-4.png")
    print(desk.trouble)
    page = await phone.open()
    await page.check("text=中之島")
    await page.wait_for_timeout(1500)
    await page.screenshot(path="/tmp/front-5.png", full_page=True)
    await page.screenshot(path="/tmp/front-6.png")
    print(phone.trouble)
