"""The demo's two officers come in by the door everybody comes in by."""

from __future__ import annotations

import json
from pathlib import Path

import asyncpg
import pytest

from console.accounts import Role
from console.accounts.staff import add_administrator, colleagues
from tests.console.office import VAULT, Hired, open_office
from todoke.town.officers import Login, hire


async def hired(pool: asyncpg.Pool, directory: Path) -> list[Login]:
    return list(await hire(pool, VAULT, directory, town="川辺町"))


async def test_sato_writes_and_mori_approves_and_both_look_after_accounts(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await hired(pool, tmp_path)
    roles = {each.login: each.roles for each in await colleagues(pool)}
    both = {Role.VIEWER, Role.ADMINISTRATOR, Role.AUTHOR}
    assert roles == {"sato": both | {Role.AUDITOR}, "mori": both | {Role.APPROVER}}


@pytest.mark.parametrize("which", [0, 1])
async def test_what_is_printed_signs_them_in(pool: asyncpg.Pool, tmp_path: Path, which: int) -> None:
    login = (await hired(pool, tmp_path))[which]
    async with open_office(pool) as office:
        office.clock.now += 1e8
        desk = office.desk()
        await desk.give_password(Hired(0, login.login, login.secret), login.password)
        assert (await desk.give_code(Hired(0, login.login, login.secret))).status == 303
        assert login.name in (await desk.get("/account")).text


async def test_another_demo_of_the_same_town_has_the_same_logins(pool: asyncpg.Pool, tmp_path: Path) -> None:
    assert await hired(pool, tmp_path) == await hired(pool, tmp_path)
    assert kept_in(tmp_path) == ["sato", "mori"]


def kept_in(directory: Path) -> list[str]:
    """Of a file that nobody else reads."""
    [file] = directory.iterdir()
    assert file.stat().st_mode & 0o077 == 0
    return [each["login"] for each in json.loads(file.read_bytes())]


async def test_a_town_with_officers_of_its_own_gets_no_others(pool: asyncpg.Pool, tmp_path: Path) -> None:
    await add_administrator(pool, login="tanaka", name="田中")
    assert await hired(pool, tmp_path) == []
    assert [each.login for each in await colleagues(pool)] == ["tanaka"]
