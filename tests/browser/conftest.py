"""Debian's Chromium, driven by Playwright, before the console of Kawabe's town hall."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from asyncpg import Pool
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from console.accounts import Role
from console.where.districts import read_districts
from dispatcher.gazetteer import import_boundaries, import_shelters, set_all_statuses, set_status
from geo.shelters import ShelterStatus
from subscribers.importer import import_subscribers
from tests.console.office import COOKIE, VAULT, Hired, Office, open_office
from todoke.town.fictional import write_town

FLAGS = (
    "--no-sandbox",  # root, as in containers; the pages are our own
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE_MS = 60_000


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def kawabe(pool: Pool, tmp_path: Path) -> AsyncIterator[Office]:
    """The town hall, for 3,000 people of Kawabe with their districts and shelters."""
    town = write_town(tmp_path)
    await import_boundaries(pool, town.boundary.read_bytes())
    await import_shelters(pool, town.shelters.read_bytes())
    await import_subscribers(pool, VAULT, town.subscribers)
    await set_all_statuses(pool, ShelterStatus.OPEN)
    for number, status in enumerate(ShelterStatus, start=1):
        await set_status(pool, f"E99201{number:06d}", status)
    async with open_office(pool, districts=read_districts(town.districts.read_bytes())) as office:
        yield office


@dataclass
class Desk:
    """An officer's browser. `trouble`: what the page's policy forbade, and errors nobody caught."""

    page: Page
    address: str
    trouble: list[str] = field(default_factory=list)

    def heard(self, said: ConsoleMessage) -> None:
        """What was still being asked for when the officer went on is no trouble."""
        if said.type == "error" and not said.text.startswith(("htmx:sendAbort", "htmx:afterRequest")):
            self.trouble.append(said.text)

    async def go(self, path: str, *, lang: str = "ja") -> Page:
        """To a page, in that language."""
        await self.page.goto(self.address + path)
        if await self.page.get_attribute("html", "lang") != lang:
            await self.page.click(f"[name=language][value={lang}]")
            await self.page.wait_for_selector(f"html[lang={lang}]", state="attached")
        return self.page

    async def open(self, *, lang: str = "ja", district: str | None = None) -> Page:
        """Step 1 of a new order, with a district picked by its name."""
        await self.go("/orders/new", lang=lang)
        await self.page.wait_for_selector("#map[data-ready]", timeout=PATIENCE_MS)
        if district is not None:
            await self.page.check(f"li:has-text('{district}') [name=pick]")
        return self.page


async def sit_down(browser: Browser, office: Office, hired: Hired, *, width: int = 1280, height: int = 900) -> Desk:
    """The browser of somebody who is signed in."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height}, has_touch=width < 500, locale="ja-JP"
    )
    context.set_default_timeout(PATIENCE_MS)
    signed_in = await office.signed_in(hired)
    await context.add_cookies([{"name": COOKIE, "value": signed_in.cookie or "", "url": office.address}])
    desk = Desk(await context.new_page(), office.address)
    desk.page.on("console", desk.heard)
    desk.page.on("pageerror", lambda error: desk.trouble.append(str(error)))
    return desk


@pytest.fixture
async def sato(kawabe: Office) -> Hired:
    """She asks."""
    return await kawabe.hire("sato", "佐藤", Role.VIEWER, Role.AUTHOR)


@pytest.fixture
async def mori(kawabe: Office) -> Hired:
    """He approves."""
    return await kawabe.hire("mori", "森", Role.VIEWER, Role.APPROVER, Role.ADMINISTRATOR)


@pytest.fixture
async def desk(browser: Browser, kawabe: Office, sato: Hired) -> Desk:
    """Sato's."""
    return await sit_down(browser, kawabe, sato)


@pytest.fixture
async def phone(browser: Browser, kawabe: Office, sato: Hired) -> Desk:
    """Sato's, in her hand."""
    return await sit_down(browser, kawabe, sato, width=390, height=844)
