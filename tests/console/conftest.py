"""Everybody at work in the town hall."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from console.accounts import Role
from tests.console.office import Desk, Hired, Office, open_office


@pytest.fixture
async def office(pool: asyncpg.Pool) -> AsyncIterator[Office]:
    async with open_office(pool) as office:
        yield office


@pytest.fixture
async def sato(office: Office) -> Hired:
    """She asks."""
    return await office.hire("sato", "佐藤", Role.VIEWER, Role.AUTHOR)


@pytest.fixture
async def mori(office: Office) -> Hired:
    """He approves, and looks after the others."""
    return await office.hire("mori", "森", Role.VIEWER, Role.APPROVER, Role.ADMINISTRATOR)


@pytest.fixture
async def ando(office: Office) -> Hired:
    """The bureau's, an administrator too."""
    return await office.hire("ando", "安藤", Role.VIEWER, Role.TOURISM, Role.ADMINISTRATOR)


@pytest.fixture
async def desk(office: Office) -> Desk:
    """A browser nobody has used yet."""
    return office.desk()
