"""Steps 1 to 4 in real browsers: two officers, the keyboard alone, a phone, both languages."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, Page

from console.accounts import Role
from console.orders.book import listed
from console.orders.model import State
from console.orders.releaser import Releaser
from dispatcher.model import Mode
from tests.browser.conftest import Desk, sit_down
from tests.browser.judging import complaints, walk_to
from tests.console.office import Hired, Office, code_of

SIGNED = "select concat_ws(' ', mode, requested_by, approved_by) from dispatch where id = $1"


async def go_live(page: Page) -> None:
    await page.click("[name=mode][value=live]")
    await page.click("#going-live .button-danger")
    await page.wait_for_selector("html[data-mode=live]", state="attached")


async def choose(page: Page, level: str, hazard: str = "flood") -> None:
    """The texts come by themselves."""
    await page.check(f"[name=kind][value='{level}']")
    await page.select_option("#f-hazard", hazard)
    await page.wait_for_function("() => document.getElementById('f-texts-ja-body')?.value.includes('level_name')")


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
    await page.click("#what .go [value=next]")
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


async def judged(page: Page) -> None:
    """As every page is."""
    width = await page.evaluate("window.innerWidth")
    assert await complaints(page) == [], page.url
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, page.url
    shown = await page.get_attribute("html", "data-mode")
    if shown is not None:
        assert await page.is_visible(f".mode-band .when-{shown}"), page.url


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize("width", [1280, 390])
async def test_every_page_of_a_live_level_five_is_sound(
    browser: Browser, kawabe: Office, sato: Hired, mori: Hired, lang: str, width: int
) -> None:
    desk = await sit_down(browser, kawabe, sato, width=width)
    page = await desk.open(district="中之島", lang=lang)
    await go_live(page)
    await page.click("#where > .go button")
    await page.wait_for_url("**/what")
    await judged(page)
    await choose(page, "5")
    await page.fill("#f-texts-ja-body", "避難勧告です。{foo}")
    await page.wait_for_selector(".judged-problems [data-code='text.abolished_term']")
    await judged(page)
    await page.goto(page.url)
    await choose(page, "5")
    await page.wait_for_selector(".judged-good")
    await page.click("#what .go [value=next]")
    await page.wait_for_selector("#map[data-ready]")
    await judged(page)
    await page.click("a.button-danger")
    await page.wait_for_url("**/alone")
    await judged(page)
    await page.fill("#area_name", "中之島")
    await page.click("#alone .button-danger")
    await page.wait_for_selector("#countdown")
    await judged(page)
    hers = await sit_down(browser, kawabe, mori, width=width)
    for path in ("/", page.url.removeprefix(kawabe.address), "/orders", "/templates"):
        await judged(await hers.go(path, lang=lang))
    assert desk.trouble == hers.trouble == []


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_every_page_of_a_drill_is_sound_on_a_phone(phone: Desk, kawabe: Office, lang: str) -> None:
    page = await written(phone, live=False, lang=lang)
    await judged(page)
    await page.click("#what .go [value=next]")
    await page.wait_for_selector("#start_at")
    assert await page.get_attribute("html", "data-mode") == "drill"
    await judged(page)
    await page.click("#submit .button-primary")
    await page.wait_for_selector(".others")
    await judged(page)
    await judged(await phone.go("/", lang=lang))
    assert phone.trouble == []


async def test_the_way_is_gone_with_the_keyboard_alone(kawabe: Office, desk: Desk, hers: Desk, mori: Hired) -> None:
    page = await desk.open()
    await walk_to(page, "[name=pick]")
    await page.keyboard.press("Space")
    await page.wait_for_selector("#count:not([hidden])")
    await walk_to(page, "#where > .go button")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/what")
    await walk_to(page, "[name=kind]")
    await page.keyboard.press("Space")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Tab")
    await page.keyboard.type("洪")
    await page.keyboard.press("ArrowDown")
    await page.wait_for_function("() => document.getElementById('f-texts-ja-body')?.value.includes('level_name')")
    await walk_to(page, "#what .go [value=next]")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/check")
    await walk_to(page, "#submit .button-primary")
    await page.keyboard.press("Enter")
    await page.wait_for_selector(".others")
    [order] = await listed(kawabe.pool, (State.SUBMITTED,))

    await kawabe.pool.execute("update sign_in set factor_at = factor_at - interval '6 minutes'")
    other = await hers.go("/")
    await walk_to(other, ".pressing .entry a")
    await other.keyboard.press("Enter")
    await other.wait_for_selector("#approve")
    await walk_to(other, "#code")
    kawabe.clock.tick()
    await other.keyboard.type(code_of(mori, kawabe.clock))
    await other.keyboard.press("Enter")
    await other.wait_for_selector("#countdown")
    await walk_to(other, "#take-back")
    await other.keyboard.press("Enter")
    await other.wait_for_selector("text=何も送っていません")
    [back] = await listed(kawabe.pool, (State.TAKEN_BACK,))
    assert back.id == order.id


async def test_the_countdown_moves_by_itself_and_ends_at_the_dispatch(kawabe: Office, desk: Desk, hers: Desk) -> None:
    page = await written(desk)
    await page.click("#what .go [value=next]")
    await page.click("#submit .button-primary")
    await page.wait_for_selector(".others")
    other = await hers.go(page.url.removeprefix(kawabe.address))
    await other.click("#approve .button-primary")
    await other.wait_for_selector("#countdown")
    async with Releaser(kawabe.pool).at_work():
        await other.wait_for_function("() => Number(document.querySelector('.countdown-seconds b')?.textContent) < 9")
        assert await page.locator(".notice-success").count() == 0
        await other.wait_for_selector(".notice-success")
    assert hers.trouble == []


async def test_without_scripts_the_way_is_the_same(browser: Browser, kawabe: Office, desk: Desk, sato: Hired) -> None:
    """From step 2 on: an area is also given by name only with scripts."""
    page = await desk.open(district="中之島")
    await page.click("#where > .go button")
    await page.wait_for_url("**/what")
    context = await browser.new_context(java_script_enabled=False, storage_state=await page.context.storage_state())
    plain = await context.new_page()
    await plain.goto(page.url)
    await plain.check("[name=kind][value='4']")
    await plain.select_option("#f-hazard", "flood")
    await plain.click("#texts [value=prepare]")
    assert "level_name" in await plain.input_value("#f-texts-ja-body")
    await plain.click("#what .go [value=next]")
    await plain.click("#submit .button-primary")
    [order] = await listed(kawabe.pool, (State.SUBMITTED,))
    assert await plain.locator(f"form[action='/orders/{order.id}/withdraw']").count() == 1
    await context.close()


async def test_a_problem_leads_to_its_field_in_a_language_that_is_not_shown(desk: Desk) -> None:
    page = await written(desk)
    await page.check("[name=shown][value=en]")
    await page.fill("#f-texts-en-body", "{foo}")
    await page.wait_for_selector(".judged-problems")
    await page.check("[name=shown][value=ja]")
    assert not await page.is_visible("#f-texts-en-body")
    await page.click(".judged-problems a")
    assert await page.evaluate("document.activeElement.id") == "f-texts-en-body"


async def test_another_level_brings_its_texts_and_hand_written_ones_stay(desk: Desk) -> None:
    page = await written(desk)
    await page.check("[name=kind][value='5']")
    await page.wait_for_function("() => document.getElementById('f-texts-ja-body').value.includes('命を守る')")
    await page.fill("#f-texts-ja-body", "{area_name}に{level_name}。命を守ってください。{issued_at}")
    await page.check("[name=kind][value='4']")
    await page.wait_for_selector("text=そのままにしました")
    assert "命を守ってください" in await page.input_value("#f-texts-ja-body")


async def test_an_order_takes_less_than_a_minute_of_clicks(desk: Desk) -> None:
    """Eight of them, and no text typed: district, live, yes, next, level, hazard, next, submit."""
    page = await written(desk)
    await page.click("#what .go [value=next]")
    await page.click("#submit .button-primary")
    await page.wait_for_selector(".others")
    assert "承認待ち" in await page.inner_text("h1")


async def test_two_who_write_at_once_see_where_they_differ(browser: Browser, kawabe: Office, desk: Desk) -> None:
    tanaka = await kawabe.hire("tanaka", "田中", Role.AUTHOR)
    page = await written(desk)
    await page.click("#what .go [value=save]")
    await page.wait_for_load_state()
    other = await (await sit_down(browser, kawabe, tanaka)).go(page.url.removeprefix(kawabe.address))
    await other.fill("#f-issuer", "川辺町災害対策本部長")
    await other.click("#what .go [value=save]")
    await page.fill("#f-area_name-ja", "中之島全域")
    await page.click("#what .go [value=next]")
    await page.wait_for_selector(".differences")
    assert "田中 さんが先に保存しました" in await page.inner_text(".notice-error")
    assert "川辺町災害対策本部長" in await page.inner_text(".differences")
    assert await page.input_value("#f-area_name-ja") == "中之島全域"
    assert await complaints(page) == []
    await page.click("#what .go [value=next]")
    await page.wait_for_url("**/check")
    assert "中之島全域" in await page.inner_text(".headline")


async def test_the_area_of_a_draft_is_changed_on_the_map_page(kawabe: Office, desk: Desk) -> None:
    page = await written(desk)
    await page.click("#what .go [value=save]")
    await page.click("#f-area a")
    await page.wait_for_selector("#map[data-ready]")
    assert await page.get_attribute("html", "data-mode") == "live"
    assert await page.locator("#mode-choice").count() == 0
    await page.wait_for_selector("#count:not([hidden])")
    assert await page.locator("#chosen-list li").count() == 1
    await page.check("li:has-text('川西') [name=pick]")
    await page.click("#where > .go button")
    await page.wait_for_url("**/what")
    [order] = await listed(kawabe.pool, (State.DRAFT,))
    assert "area_name" not in order.version.document
    assert await page.input_value("#f-area_name-ja") == ""
    assert await page.is_visible(".judged-bad, .judged-good")
    assert desk.trouble == []


@pytest.mark.parametrize("lang", ["ja", "en"])
async def test_the_bureau_writes_an_invitation(browser: Browser, kawabe: Office, lang: str) -> None:
    ando = await kawabe.hire("ando", "安藤", Role.TOURISM)
    desk = await sit_down(browser, kawabe, ando)
    page = await desk.open(district="中之島", lang=lang)
    await page.click("#where > .go button")
    await page.wait_for_url("**/what")
    assert await page.locator("#f-hazard").count() == 0
    await page.fill("[name='/topics']", "花火")
    await page.fill("#f-texts-ja-subject", "花火")
    await page.fill("#f-texts-ja-body", "今夜は花火です。")
    await page.wait_for_selector(".judged-good")
    await judged(page)
    assert desk.trouble == []


async def test_the_topics_come_with_an_invitation_only(desk: Desk) -> None:
    page = await written(desk, live=False)
    assert not await page.is_visible("[name='/topics']")
    await page.check("[name=kind][value=tourism]")
    assert await page.is_visible("[name='/topics']")
    assert not await page.is_visible("#f-hazard")
    await page.wait_for_function("() => document.getElementById('f-texts-ja-body').value === ''")


async def test_the_front_page_keeps_the_focus_while_it_moves(kawabe: Office, desk: Desk, hers: Desk) -> None:
    page = await written(desk)
    await page.click("#what .go [value=next]")
    await page.click("#submit .button-primary")
    await page.wait_for_selector(".others")
    other = await hers.go("/")
    await walk_to(other, ".pressing .entry a")
    focused = await other.evaluate("document.activeElement.id")
    before = await other.input_value("#seen")
    await other.wait_for_function("before => document.getElementById('seen').value !== before", arg=before)
    assert await other.evaluate("document.activeElement.id") == focused
