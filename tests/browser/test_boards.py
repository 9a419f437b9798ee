"""The boards in a browser: by telephone, by keyboard, in both languages."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Browser

from dispatcher.alarms import saw
from dispatcher.gazetteer import set_status, shelters
from dispatcher.trouble import Trouble
from geo.shelters import ShelterStatus
from tests.browser.conftest import Desk, sit_down
from tests.browser.judging import complaints, walk_to
from tests.console.office import Hired, Office

SCHOOL = "E99201000001"
QUOTA = Trouble("quota.gone", "line", "枠がありません。", "The quota is gone.")


async def becomes(kawabe: Office, status: ShelterStatus) -> None:
    async with asyncio.timeout(30):
        while {each.shelter.id: each.status for each in await shelters(kawabe.pool)}[SCHOOL] is not status:
            await asyncio.sleep(0.02)


async def test_a_telephone_fills_a_shelter_with_one_touch(kawabe: Office, phone: Desk) -> None:
    page = await phone.go("/shelters")
    await page.tap(f"#say-full-{SCHOOL}")
    await becomes(kawabe, ShelterStatus.FULL)
    await page.wait_for_selector(f"#say-full-{SCHOOL}[aria-pressed=true]")
    assert phone.trouble == []


async def test_what_another_officer_says_appears_by_itself(kawabe: Office, desk: Desk) -> None:
    page = await desk.go("/shelters")
    await page.focus(f"#say-open-{SCHOOL}")
    await set_status(kawabe.pool, SCHOOL, ShelterStatus.CROWDED)
    await page.wait_for_selector(f"#say-crowded-{SCHOOL}[aria-pressed=true]")
    assert await page.evaluate("document.activeElement.id") == f"say-open-{SCHOOL}"


async def test_the_keyboard_alone_closes_a_shelter(kawabe: Office, desk: Desk) -> None:
    page = await desk.go(f"/shelters?words={SCHOOL}")
    await walk_to(page, f"#say-closed-{SCHOOL}")
    await page.keyboard.press("Enter")
    await becomes(kawabe, ShelterStatus.CLOSED)


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_axe_has_nothing_to_say_of_the_shelters(desk: Desk, lang: str) -> None:
    page = await desk.go("/shelters", lang=lang)
    assert await complaints(page) == []
    assert desk.trouble == []


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_on_a_phone_nothing_sticks_out(phone: Desk, lang: str) -> None:
    page = await phone.go("/shelters", lang=lang)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await complaints(page) == []


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_axe_has_nothing_to_say_of_the_state(desk: Desk, phone: Desk, lang: str) -> None:
    for each in (desk, phone):
        page = await each.go("/state", lang=lang)
        assert await complaints(page) == []
        assert each.trouble == []
    assert await phone.page.evaluate("document.documentElement.scrollWidth") <= 390


async def test_an_alarm_appears_by_itself(kawabe: Office, desk: Desk) -> None:
    page = await desk.go("/state")
    async with kawabe.pool.acquire() as connection, connection.transaction():
        await saw(connection, [QUOTA])
    await page.wait_for_selector("#grade:has-text('警報 1 件')")
    assert desk.trouble == []


async def test_a_wall_that_can_read_nothing_says_that_it_is_old(kawabe: Office, desk: Desk) -> None:
    page = await desk.go("/state")
    await page.route("**/state/now", lambda route: route.abort())
    await page.wait_for_selector("#stale:not([hidden])")
    await page.unroute("**/state/now")
    await page.wait_for_selector("#stale[hidden]", state="attached")


HANAS = "090-1111-0001"


@pytest.fixture
async def audited(browser: Browser, kawabe: Office, mori: Hired) -> Desk:
    """Mori's, who may read the record."""
    return await sit_down(browser, kawabe, mori)


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_somebody_is_found_and_the_record_says_who_looked(kawabe: Office, audited: Desk, lang: str) -> None:
    page = await audited.go("/subscribers", lang=lang)
    await page.fill("#address", HANAS)
    await page.fill("#reason", "本人から電話で問い合わせ")
    await page.press("#reason", "Enter")
    await page.wait_for_selector("#found")
    assert await complaints(page) == []
    assert HANAS not in page.url
    page = await audited.go("/record?group=subscriber", lang=lang)
    assert "subscriber.searched" in await page.inner_text(".record")
    assert await complaints(page) == []
    assert audited.trouble == []


@pytest.mark.parametrize("path", ["/subscribers", "/record"])
async def test_on_a_phone_neither_people_nor_the_record_sticks_out(
    browser: Browser, kawabe: Office, mori: Hired, path: str
) -> None:
    phone = await sit_down(browser, kawabe, mori, width=390, height=844)
    page = await phone.go(path)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await complaints(page) == []
