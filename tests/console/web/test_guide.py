"""The guide of a first order, for whoever tries the demo."""

from __future__ import annotations

import asyncpg

from console.accounts import Role
from console.web.guide import HINTS
from tests.console.office import Office, open_office


async def begin_an_order(office: Office) -> str:
    """What step 1 says to Sato."""
    desk = await office.signed_in(await office.hire("sato", "佐藤", Role.AUTHOR))
    return (await desk.get("/orders/new")).text


async def test_a_guided_console_says_what_to_do_on_the_page(pool: asyncpg.Pool) -> None:
    async with open_office(pool, guided=True) as office:
        assert "<b>案内 2/6</b> 訓練のまま、地区の名前に印を付けるか" in await begin_an_order(office)


async def test_a_towns_own_console_has_no_guide(pool: asyncpg.Pool) -> None:
    async with open_office(pool) as office:
        assert "案内" not in await begin_an_order(office)


def test_the_guide_counts_its_steps() -> None:
    assert [each.step for each in HINTS.values()] == [1, 2, 3, 4, 5, 6]
