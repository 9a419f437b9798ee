"""Debian's Chromium, driven by Playwright, before Kawabe's step 1."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from asyncpg import Pool
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

from console.web.map_data import MapData
from console.where.districts import read_districts
from dispatcher.gazetteer import import_boundaries, import_shelters, set_all_statuses, set_status
from geo.shelters import ShelterStatus
from subscribers.columns import open_audience
from subscribers.importer import import_subscribers
from subscribers.vault import Vault
from tests.browser.app import served
from tests.subscribers.cast import KEY
from todoke.town.fictional import write_town

KINDS = {"line": "line", "sms": "phone", "email": "email"}
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


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the browser, which `.ci/run` installs. Without it the tests are skipped, but never where CI runs."""
    found = shutil.which("chromium")
    if found is None:
        reason = "needs Chromium: apt-get install chromium"
        if not os.environ.get("CI"):
            pytest.skip(reason)
        pytest.fail(reason)
    return found


@pytest.fixture
async def browser(chromium: str) -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture
async def kawabe(pool: Pool, tmp_path: Path) -> AsyncIterator[str]:
    """The address of step 1, for 3,000 people of Kawabe with their districts and shelters."""
    town = write_town(tmp_path)
    await import_boundaries(pool, town.boundary.read_bytes())
    await import_shelters(pool, town.shelters.read_bytes())
    await import_subscribers(pool, Vault(KEY), town.subscribers)
    await set_all_statuses(pool, ShelterStatus.OPEN)
    for number, status in enumerate(ShelterStatus, start=1):
        await set_status(pool, f"E99201{number:06d}", status)
    districts = read_districts(town.districts.read_bytes())
    data = MapData(pool, await open_audience(pool), KINDS, districts)
    async with served(data) as address:
        yield address


@dataclass
class Desk:
    """An officer's browser. `trouble`: what the page's policy forbade, and errors nobody caught."""

    page: Page
    address: str
    trouble: list[str] = field(default_factory=list)

    def heard(self, said: ConsoleMessage) -> None:
        if said.type == "error":
            self.trouble.append(said.text)

    async def open(self, *, lang: str = "ja", areas: str = "[]") -> Page:
        await self.page.goto(f"{self.address}/orders/new?lang={lang}&areas={areas}")
        await self.page.wait_for_selector("#map[data-ready]", timeout=PATIENCE_MS)
        return self.page


async def sit_down(browser: Browser, address: str, *, width: int, height: int) -> Desk:
    context: BrowserContext = await browser.new_context(
        viewport={"width": width, "height": height}, has_touch=width < 500
    )
    context.set_default_timeout(PATIENCE_MS)
    desk = Desk(await context.new_page(), address)
    desk.page.on("console", desk.heard)
    desk.page.on("pageerror", lambda error: desk.trouble.append(str(error)))
    return desk


@pytest.fixture
async def desk(browser: Browser, kawabe: str) -> Desk:
    return await sit_down(browser, kawabe, width=1280, height=900)


@pytest.fixture
async def phone(browser: Browser, kawabe: str) -> Desk:
    return await sit_down(browser, kawabe, width=390, height=844)
