"""The console in a browser: how soon a page shows something, and how long whoever draws waits for the number of people.

Debian's Chromium asks over HTTP, signed in as an officer; everything runs on this machine. The floor is what the same
browser waits for a small file of the same server.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import shutil
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from asyncpg import Pool
from playwright.async_api import Browser, Page, async_playwright

from bench.follow import spread_out
from bench.people import CENTRE, Size
from bench.remote import Remote
from bench.reporting import not_counted, percentile, progress
from bench.town import NAME, Town, open_town
from bench.working import email, line, sms
from channels.registry import open_channels
from config import Settings
from console.orders.desk import Desk
from console.web.app import console_app
from console.web.parts import Parts
from dispatcher.drafting import Town as Municipality
from subscribers.columns import open_audience
from todoke.town.officers import Login, hire
from todoke.working import town_vault

DEGREES = (0.01, 0.05, 0.2)
"""Radii of the areas drawn."""
CORNERS = 1_000
STEP = 1e-4
"""Degrees the hand moves between two questions: ten metres."""
PAGES = ("/sign-in", "/", "/orders/new", "/account")
LOADS = 7
MOST_MS, MOST_PAINT_MS = 50.0, 1_000.0
_NOWHERE = Remote(9, 9)
FLAGS = ("--no-sandbox", "--enable-unsafe-swiftshader", "--disable-background-networking", "--no-first-run")
_ASK = """async ([url, bodies]) => {
  const token = document.querySelector('meta[name="token"]').content;
  const headers = {"Content-Type": "application/json", "X-Todoke-Token": token};
  const found = [];
  for (const body of bodies) {
    const began = performance.now();
    const answer = await fetch(url, body ? {method: "POST", headers, body} : {cache: "no-store"});
    const said = await answer.text();
    found.push([performance.now() - began, answer.status, body ? JSON.parse(said).people : 0]);
  }
  return found;
}"""
_PAINTED = """() => new Promise(resolve => new PerformanceObserver(list => {
  const paint = list.getEntriesByName("first-contentful-paint")[0];
  if (paint) resolve(paint.startTime);
}).observe({type: "paint", buffered: true}))"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--subscribers", type=int, default=1_000_000)
    parser.add_argument("--asks", type=int, default=50, help="questions for each size of area")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    return asyncio.run(_measure(arguments))


async def _measure(arguments: argparse.Namespace) -> dict[str, Any]:
    people = arguments.subscribers
    async with open_town(Size(people, max(people // 10, 1), people, mix=True)) as town, town.pool(8) as pool:
        progress("everybody is somewhere, and at home")
        await spread_out(pool)
        async with _served(town, pool) as (address, login), _browser() as browser:
            page = await _signed_in(browser, address, login)
            paints = {path: await _paints(page, address + path) for path in PAGES}
            await page.goto(address + "/orders/new")
            floor = await page.evaluate(_ASK, [await _a_file(page), [None] * arguments.asks])
            asked = [await page.evaluate(_ASK, ["/map/count", _bodies(each, arguments.asks)]) for each in DEGREES]
    return _judged(people, paints, floor, asked)


@asynccontextmanager
async def _served(town: Town, pool: Pool) -> AsyncIterator[tuple[str, Login]]:
    settings = Settings(data=town.directory)
    vault = await town_vault(settings, pool)
    [login, _] = await hire(pool, vault, town.directory, town=NAME)
    channels = {"line": line(_NOWHERE), "sms": sms(_NOWHERE), "email": email(9)}
    async with open_channels(channels) as opened:
        municipality = Municipality(NAME, ZoneInfo("Asia/Tokyo"), "")
        desk = Desk(pool, municipality, opened, await open_audience(pool))
        runner = web.AppRunner(console_app(Parts(desk=desk, vault=vault)), access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}", login
        finally:
            await runner.cleanup()


@asynccontextmanager
async def _browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()


async def _signed_in(browser: Browser, address: str, login: Login) -> Page:
    page = await (await browser.new_context(viewport={"width": 1280, "height": 900})).new_page()
    await page.goto(f"{address}/sign-in")
    await page.fill("[name=login]", login.login)
    await page.fill("[name=password]", login.password)
    await page.click("main button")
    await page.fill("[name=code]", login.code(time.time()))
    await page.click("main button")
    await page.wait_for_selector(".who")
    return page


async def _paints(page: Page, url: str) -> list[float]:
    """Milliseconds to the first content, with nothing in the browser's cache."""
    protocol = await page.context.new_cdp_session(page)
    await protocol.send("Network.setCacheDisabled", {"cacheDisabled": True})
    found = []
    for _ in range(LOADS):
        await page.goto(url)
        found.append(float(await page.evaluate(_PAINTED)))
    await protocol.detach()
    return found


async def _a_file(page: Page) -> str:
    found: str = await page.evaluate("document.querySelector('link[rel=icon]').href")
    return found


def _bodies(degrees: float, asks: int) -> list[str]:
    return [json.dumps({"areas": [_area(degrees, number * STEP)], "mode": "drill"}) for number in range(asks)]


def _area(degrees: float, east: float) -> dict[str, Any]:
    """A circle with as many corners as a careful hand draws."""
    turns = [2 * math.pi * corner / CORNERS for corner in [*range(CORNERS), 0]]
    ring = [[CENTRE[0] + east + degrees * math.cos(turn), CENTRE[1] + degrees * math.sin(turn)] for turn in turns]
    return {"type": "Polygon", "coordinates": [ring]}


def _judged(
    people: int, paints: dict[str, list[float]], floor: Sequence[Any], asked: Sequence[Sequence[Any]]
) -> dict[str, Any]:
    rows = [
        {
            "people": answers[-1][2],
            "p50_ms": round(percentile([each[0] for each in answers], 50), 1),
            "p99_ms": round(percentile([each[0] for each in answers], 99), 1),
        }
        for answers in asked
    ]
    pages = {path: round(percentile(times, 50)) for path, times in paints.items()}
    wrong = [f"status {each[1]}" for answers in asked for each in answers if each[1] != web.HTTPOk.status_code]
    result = {
        "subscribers": people,
        "first_content_ms": pages,
        "floor_ms": round(percentile([each[0] for each in floor], 50), 1),
        "areas": rows,
        "ratio": round(MOST_MS / max(row["p50_ms"] for row in rows), 2),
    }
    checked = not_counted(result, wrong)
    return checked | {"lines": _lines(checked)}


def _lines(result: dict[str, Any]) -> list[str]:
    pages = ", ".join(f"{path} {ms} ms" for path, ms in result["first_content_ms"].items())
    return [
        f"the console in Chromium, {result['subscribers']:,} subscribers who each have a home and a position",
        f"  first content with an empty cache (aim {MOST_PAINT_MS:g} ms): {pages}",
        f"  a small file of the same server, there and back: {result['floor_ms']} ms",
        f"  people in an area of {CORNERS:,} corners, there and back (aim {MOST_MS:g} ms):",
        *(f"  {row['people']:>9,} people: p50 {row['p50_ms']} ms, p99 {row['p99_ms']} ms" for row in result["areas"]),
    ]
