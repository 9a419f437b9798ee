"""Signing in, enrolling, one's own account and the officers, in a real browser."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser

from console.accounts import Role
from console.accounts.elevation import propose_roles
from console.accounts.staff import add_officer
from tests.browser.conftest import Desk, sit_down
from tests.browser.judging import complaints, walk_to
from tests.console.office import PASSWORD, Hired, Office, code_of

WIDTHS = pytest.mark.parametrize("width", [1280, 390])
LANGUAGES = pytest.mark.parametrize("lang", ["ja", "en"])


@pytest.fixture
async def elsewhere(browser: Browser, kawabe: Office) -> Desk:
    """A browser in which nobody is signed in."""
    context = await browser.new_context(viewport={"width": 390, "height": 844}, locale="ja-JP")
    return Desk(await context.new_page(), kawabe.address)


async def nothing_wrong(desk: Desk) -> None:
    assert await complaints(desk.page) == []
    assert await desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert desk.trouble == []


@LANGUAGES
async def test_the_door_has_nothing_that_axe_minds(elsewhere: Desk, kawabe: Office, lang: str) -> None:
    kudo = await kawabe.hire("kudo", "工藤")
    page = await elsewhere.go("/sign-in", lang=lang)
    await nothing_wrong(elsewhere)
    await page.fill("[name=login]", kudo.login)
    await page.fill("[name=password]", "wrong")
    await page.click("main button")
    await page.wait_for_selector("[role=alert]")
    await nothing_wrong(elsewhere)
    await page.fill("[name=login]", kudo.login)
    await page.fill("[name=password]", PASSWORD)
    await page.click("main button")
    await page.wait_for_selector("[name=code]")
    await nothing_wrong(elsewhere)


async def test_kudo_signs_in_with_the_keyboard_alone(elsewhere: Desk, kawabe: Office) -> None:
    kudo = await kawabe.hire("kudo", "工藤")
    page = await elsewhere.go("/sign-in")
    await walk_to(page, "[name=login]")
    await page.keyboard.type(kudo.login)
    await walk_to(page, "[name=password]")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[name=code]")
    kawabe.clock.tick()
    await walk_to(page, "[name=code]")
    await page.keyboard.type(code_of(kudo, kawabe.clock))
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".who")
    assert await page.inner_text(".who") == "工藤"


@LANGUAGES
async def test_who_is_invited_enrols_on_a_page_that_axe_does_not_mind(
    elsewhere: Desk, kawabe: Office, mori: Hired, lang: str
) -> None:
    invited = await add_officer(kawabe.pool, login="kudo", name="工藤", by=mori.id)
    page = await elsewhere.go(f"/enrol?code={invited.code}", lang=lang)
    assert await page.is_visible("svg")
    await nothing_wrong(elsewhere)


@WIDTHS
@LANGUAGES
async def test_ones_account_and_the_officers_fit_and_please_axe(
    browser: Browser, kawabe: Office, sato: Hired, mori: Hired, lang: str, width: int
) -> None:
    await propose_roles(kawabe.pool, sato.id, [Role.APPROVER], by=mori.id)
    desk = await sit_down(browser, kawabe, mori, width=width)
    await desk.go("/account", lang=lang)
    await nothing_wrong(desk)
    await desk.go("/officers", lang=lang)
    await nothing_wrong(desk)
    await desk.go("/nowhere", lang=lang)
    desk.trouble.clear()  # the browser's own word on the 404
    await nothing_wrong(desk)
