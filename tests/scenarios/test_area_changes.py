"""An area that changes, with workers as processes and real providers' look-alikes: who reads what equals, person by
person, what shapely says of where everybody lives.
"""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import shapely
from asyncpg import Pool

from channels.sandbox.process import SandboxProcess, start_sandbox
from dispatcher.model import DispatchState
from tests.dispatcher.engine_room import HEADER
from tests.scenarios.cli import Todoke
from tests.scenarios.test_workers import over, until_sent, worker

FULL, STILL, RELEASED = "警戒レベル4 避難指示。", "避難指示を続けます。", "対象から外れました。"
BEFORE = shapely.Polygon([(133.68, 34.58), (133.72, 34.58), (133.71, 34.61), (133.70, 34.60), (133.68, 34.62)])
AFTER = shapely.Polygon([(133.69, 34.59), (133.73, 34.58), (133.72, 34.62), (133.70, 34.61)])


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[SandboxProcess]:
    async with start_sandbox(tmp_path / "sandbox", line_rate=0, sms_rate=0) as sandbox:
        yield sandbox


@pytest.fixture
def todoke(tmp_path: Path, fresh_database_url: str, sandbox: SandboxProcess) -> Todoke:
    return Todoke(tmp_path / "data", fresh_database_url, sandbox.settings_file)


def phone(number: int) -> str:
    return f"+81902{number:07d}"


async def live_at(todoke: Todoke, homes: list[tuple[float, float]]) -> None:
    """Everybody by LINE, and every second one by SMS as well."""
    rows = [
        f"n{i},ja,,U{i:032x},{phone(i) if i % 2 else ''},,自宅,{lat:.6f},{lon:.6f}"
        for i, (lon, lat) in enumerate(homes)
    ]
    people = todoke.data.parent / "people.csv"
    people.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    await todoke.ok("import", "subscribers", people)


async def send(todoke: Todoke, area: shapely.Polygon, **more: Any) -> str:
    event = {
        "class": "evacuation", "mode": "live", "hazard": "flood", "level": 4, "issuer": "川辺町長",
        "area": shapely.geometry.mapping(area), "channels": ["line", "sms"], "texts": {"ja": {"body": "{level_name}。"}},
        "valid_until": (datetime.now(UTC) + timedelta(hours=1)).isoformat(),
    } | more  # fmt: skip
    path = todoke.data / "event.json"
    path.write_text(json.dumps(event), encoding="utf-8")
    ended = await todoke.ok("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--json")
    return str(ended.last["dispatch"])


def read(sandbox: SandboxProcess) -> dict[str, list[str]]:
    """What everybody has read, in order, each text once: an SMS whose answer was lost may come twice."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for record in sandbox.records("line"):
        for person in record["to"]:
            found[person][record["messages"][0]["text"]] = None
    for record in sandbox.records("sms"):
        found[record["to"]][record["body"]] = None
    return {address: list(texts) for address, texts in found.items()}


def should_read(before: tuple[float, float], after: tuple[float, float]) -> list[str]:
    had, inside = BEFORE.intersects(shapely.Point(before)), AFTER.intersects(shapely.Point(after))
    second = ([STILL] if had else [FULL]) if inside else ([RELEASED] if had else [])
    return ([FULL] if had else []) + second


async def test_an_update_of_the_area_is_exact_over_moves_and_a_killed_worker(
    todoke: Todoke, sandbox: SandboxProcess, pool: Pool
) -> None:
    dice = random.Random(8)
    homes = [(round(dice.uniform(133.67, 133.74), 6), round(dice.uniform(34.57, 34.63), 6)) for _ in range(400)]
    await live_at(todoke, homes)
    async with worker(todoke) as first, worker(todoke):
        # Without late entry: who hears of it on moving in, before the update or after, is a matter of moments.
        order = await send(todoke, BEFORE, late_entry=False)
        await over(pool, order)
        moved = [dice.choice(homes) if dice.random() < 0.2 else home for home in homes]
        await live_at(todoke, moved)
        sent = len(sandbox.records("sms"))
        await sandbox.set_faults([{"channel": "sms", "fault": "slow", "seconds": 0.05}])
        texts = {"texts_still": {"ja": {"body": STILL}}, "texts_released": {"ja": {"body": RELEASED}}}
        update = await send(todoke, AFTER, reference={"updates": order}, **texts)
        await until_sent(sandbox, sent + 10)
        first.kill()
        await first.wait()
        end = await over(pool, update)
    assert end.state is DispatchState.DRAINED
    expected = [should_read(*both) for both in zip(homes, moved, strict=True)]
    found = read(sandbox)
    assert {tuple(each) for each in expected} == {(), (FULL,), (FULL, STILL), (FULL, RELEASED)}
    assert [found.get(f"U{i:032x}", []) for i in range(400)] == expected
    assert [found.get(phone(i), []) for i in range(1, 400, 2)] == expected[1::2]
