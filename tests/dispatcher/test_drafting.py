"""Whom a draft sends to which shelter: the nearest, or by capacity, and only where the law's mark allows it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from asyncpg import Pool

from dispatcher import gazetteer
from dispatcher.drafting import Drafter, Plan
from dispatcher.texts import Composer
from geo.shelter_csv import CAPACITY, HEADERS
from geo.shelters import ShelterStatus
from subscribers.columns import open_audience
from tests.dispatcher.engine_room import KAWABE, crowd, kawabe, order

TEXTS = {"ja": {"subject": "避難指示", "body": "{shelter_name}へ避難指示。"}}
KINDS = {"line": "line", "sms": "phone", "email": "email"}
SCHOOL = "1,E1,岡山県川辺町,川辺小学校,川辺町1,1,,,,,,,,,34.6001,133.7001,,40"
GYM = "2,E2,岡山県川辺町,川辺体育館,川辺町2,1,,,,,,,,,34.6003,133.7003,,"
HILL = "3,E3,岡山県川辺町,丘の上公園,川辺町3,,1,,,,,,,,34.6000,133.7000,,500"
"""The school and the gymnasium are designated for floods, the park on the hill for landslides only."""


@pytest.fixture
async def drafter(pool: Pool, tmp_path: Path) -> Drafter:
    rows = "\r\n".join((",".join((*HEADERS["site"], CAPACITY)), SCHOOL, GYM, HILL, ""))
    await gazetteer.import_shelters(pool, rows.encode())
    await gazetteer.set_all_statuses(pool, ShelterStatus.OPEN)
    await (await kawabe(pool)).settle(tmp_path, [*crowd(100), "mute,ja,,,,,自宅,34.6001,133.7001"])
    return Drafter(pool, await open_audience(pool), KINDS)


def sent(plan: Plan) -> Counter[str]:
    rows = plan.routed["line"]
    return Counter(plan.shelters.names[shelter] for shelter in plan.variants["line"].shelters[rows].tolist())


async def draft(drafter: Drafter, **changes: Any) -> Plan:
    event = order(texts=TEXTS, **changes)
    [plan] = await drafter.drafts(event, Composer(event, event.valid_until, KAWABE.timezone), parent=None)
    return plan


async def test_everybody_is_sent_to_the_nearest_unless_the_event_says_otherwise(drafter: Drafter) -> None:
    assert sent(await draft(drafter)) == {"川辺小学校": 100}


async def test_by_capacity_a_full_school_sends_the_rest_to_the_gymnasium(drafter: Drafter) -> None:
    assert sent(await draft(drafter, shelters="capacity")) == {"川辺小学校": 40, "川辺体育館": 60}


async def test_by_capacity_the_whole_audience_is_one_portion(drafter: Drafter) -> None:
    event = order(texts=TEXTS, shelters="capacity")
    composer = Composer(event, event.valid_until, KAWABE.timezone)
    plans = [plan async for plan in drafter.portions(event, composer, parent=None, shared=["line"])]
    assert [sent(plan) for plan in plans] == [{"川辺小学校": 40, "川辺体育館": 60}]


async def test_a_site_not_designated_for_the_hazard_is_named_to_nobody_however_near(drafter: Drafter) -> None:
    assert sent(await draft(drafter, hazard="landslide")) == {"丘の上公園": 100}
    assert "丘の上公園" not in sent(await draft(drafter, hazard="flood", shelters="capacity"))
