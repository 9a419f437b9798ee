"""The town hall, open."""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncpg import Pool

from tests.console.orders.hall import Hall, open_hall


@pytest.fixture
async def hall(pool: Pool, tmp_path: Path) -> Hall:
    return await open_hall(pool, tmp_path)
