"""Step 1 in a real browser: with the mouse, with the keyboard alone, on a phone, in both languages."""

from __future__ import annotations

import json

import pytest
from playwright.async_api import Page

from console.orders.book import listed
from console.orders.model import State
from dispatcher.model import Mode
from tests.browser.conftest import Desk
from tests.browser.judging import complaints, walk_to
from tests.console.office import Office

LIGHT_BYTES = 500_000
"""Of a page, the map apart."""


async def go_live(page: Page) -> None:
    await page.click("[name=mode][value=live]")
    await page.click("#going-live .button-danger")
    await page.wait_for_selector("html[data-mode=live]", state="attached")


async def people(page: Page) -> int:
    await page.wait_for_selector("#count:not([hidden])")
    return int((await page.inner_text("#count-people")).replace(",", ""))


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_axe_has_nothing_to_say_of_drill_or_live(desk: Desk, lang: str) -> None:
    page = await desk.open(lang=lang, district="中之島")
    await people(page)
    assert await complaints(page) == []
    await page.click("[name=mode][value=live]")
    assert await complaints(page) == []
    await page.click("#going-live .button-danger")
    assert await complaints(page) == []
    assert desk.trouble == []


async def test_on_a_phone_nothing_sticks_out_and_axe_has_nothing_to_say(phone: Desk) -> None:
    page = await phone.open(district="中之島")
    await people(page)
    assert await page.evaluate("document.documentElement.scrollWidth") <= 390
    assert await page.is_visible(".mode-band")
    assert await complaints(page) == []
    assert phone.trouble == []


async def test_the_count_follows_the_mouse_before_the_shape_is_closed(desk: Desk) -> None:
    page = await desk.open()
    await page.click("[data-tool=polygon]")
    await page.locator("#map").scroll_into_view_if_needed()
    box = await page.locator("#map").bounding_box()
    assert box is not None
    middle, top = box["x"] + box["width"] / 2, box["y"]
    await page.mouse.click(middle - 120, top + 120)
    await page.mouse.click(middle + 120, top + 120)
    await page.mouse.move(middle + 60, top + 200, steps=4)
    before = await people(page)
    await page.mouse.move(middle + 120, top + 320, steps=8)
    await page.wait_for_function(
        "before => Number(document.getElementById('count-people').textContent.replaceAll(',', '')) > before", arg=before
    )
    await page.mouse.click(middle + 120, top + 320)
    await page.mouse.click(middle - 120, top + 320)
    await page.keyboard.press("Enter")
    await page.wait_for_selector("[data-tool=static][aria-pressed=true]")
    assert [part["type"] for part in json.loads(await page.input_value("#areas"))] == ["Polygon"]
    assert desk.trouble == []


async def test_a_district_is_picked_on_the_map_and_left_out_again(desk: Desk) -> None:
    page = await desk.open()
    await page.click("[data-tool=pick]")
    await page.click("#map canvas", position={"x": 120 + 80, "y": 360})
    await people(page)
    assert await page.locator("[name=pick]:checked").count() == 1
    await page.click("#chosen-list button")
    assert await page.locator("[name=pick]:checked").count() == 0
    assert await page.is_hidden("#count")


async def test_sato_gives_a_live_area_with_the_keyboard_alone(desk: Desk, kawabe: Office) -> None:
    page = await desk.open()
    await walk_to(page, "[name=mode]")
    await page.keyboard.press("ArrowRight")
    await page.wait_for_selector("#going-live[open]")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await walk_to(page, "[name=pick]")
    await page.keyboard.press("Space")
    inside = await people(page)
    assert inside > 0
    await walk_to(page, "#where > .go button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/orders/*/what")
    [draft] = await listed(kawabe.pool)
    assert (draft.mode, draft.state) == (Mode.LIVE, State.DRAFT)
    assert draft.version.document["area_name"] == "川西"
    assert draft.version.document["area"]["type"] == "Polygon"


async def test_a_point_and_a_radius_and_pasted_geojson_need_no_map(desk: Desk) -> None:
    page = await desk.open()
    await page.click("summary:has-text('点と半径')")
    await page.fill("#lat", "34.6004")
    await page.fill("#lon", "１３３．７００４")
    await page.click("#add-circle")
    near = await people(page)
    await page.click("summary:has-text('GeoJSON')")
    await page.fill(
        "#geojson", '{"type":"Polygon","coordinates":[[[133.66,34.59],[133.74,34.59],[133.74,34.62],[133.66,34.59]]]}'
    )
    await page.click("#add-geojson")
    await page.wait_for_function(
        "near => Number(document.getElementById('count-people').textContent.replaceAll(',', '')) > near", arg=near
    )
    assert await page.locator("#chosen-list li").count() == 2


async def test_what_cannot_be_read_is_said_in_a_sentence(desk: Desk) -> None:
    page = await desk.open()
    await page.click("summary:has-text('GeoJSON')")
    await page.fill("#geojson", "川辺町")
    await page.click("#add-geojson")
    assert "GeoJSON として読めません" in await page.inner_text("#problems")
    await page.fill(
        "#geojson",
        '{"type":"Polygon","coordinates":[[[133.7,34.6],[133.71,34.61],[133.71,34.6],[133.7,34.61],[133.7,34.6]]]}',
    )
    await page.click("#add-geojson")
    await page.wait_for_selector("#count-problem:not([hidden])")
    assert "交" in await page.inner_text("#count-problem")


async def test_without_an_area_nothing_is_sent(desk: Desk) -> None:
    page = await desk.open()
    await page.click("#where > .go button")
    assert "誰にも送りません" in await page.inner_text("#problems")
    assert page.url.split("?")[0].endswith("/orders/new")


async def test_live_is_unmistakable_and_staying_with_the_drill_is_the_first_answer(desk: Desk) -> None:
    page = await desk.open()
    drill = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    await page.click("[name=mode][value=live]")
    assert await page.evaluate("document.activeElement.value") == "drill"
    await page.keyboard.press("Escape")
    assert await page.is_checked("[name=mode][value=drill]")
    await go_live(page)
    assert (await page.title()).startswith("【本番】")
    assert await page.is_visible(".mode-band .when-live")
    assert not await page.is_visible(".mode-band .when-drill")
    assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != drill


async def test_the_page_is_light_without_its_map(desk: Desk) -> None:
    page = await desk.open()
    sizes = await page.evaluate(
        "() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
        ".filter(each => !/maplibre|terra-draw|\\/map\\//.test(each.name)).map(each => each.decodedBodySize)"
    )
    assert 50_000 < sum(sizes) < LIGHT_BYTES
