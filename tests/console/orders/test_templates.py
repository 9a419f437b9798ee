"""Prepared texts, and who writes them."""

from __future__ import annotations

import pytest

from console.orders.checks import check
from console.orders.templates import Purpose, prepared, template_versions, templates, write_template
from tests.console.orders.hall import TEXT, Hall, draft
from words.languages import JAPANESE
from words.problem import Refused
from words.terms import HAZARDS, LEVELS

WORDS = {"subject": "{level_name}", "body": TEXT}


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("hazard", HAZARDS)
async def test_the_texts_a_town_begins_with_can_be_sent(hall: Hall, hazard: str, level: int) -> None:
    async with hall.pool.acquire() as connection:
        texts = await prepared(connection, hazard, level, Purpose.ORDER)
    event_class = "advisory" if level == 3 else "evacuation"
    checks = await check(hall.desk, draft(**{"class": event_class, "level": level, "hazard": hazard, "texts": texts}))
    assert checks.problems == ()
    assert set(texts) == {"ja", "ja-x-easy", "en", "zh-Hans", "zh-Hant"}


@pytest.mark.parametrize("purpose", Purpose)
async def test_each_of_them_could_be_written_by_an_officer(hall: Hall, purpose: Purpose) -> None:
    for language, each in (await templates(hall.pool, "landslide", 5, purpose)).items():
        words = {"subject": each.text.subject, "body": each.text.body}
        new = await write_template(hall.pool, hall.mori, "landslide", 5, purpose, language, words)
        assert new.version == 1


async def test_a_new_version_is_used_and_the_old_ones_stay(hall: Hall) -> None:
    for body in (TEXT, TEXT + "急いで。"):
        await write_template(hall.pool, hall.mori, "flood", 4, Purpose.ORDER, "ja", WORDS | {"body": body})
    now = (await templates(hall.pool, "flood", 4))[JAPANESE]
    assert (now.version, now.text.body, now.officer) == (2, TEXT + "急いで。", hall.mori)
    kept = await template_versions(hall.pool, "flood", 4, Purpose.ORDER, "ja")
    assert [each.version for each in kept] == [2, 1]


async def test_an_author_writes_no_template(hall: Hall) -> None:
    with pytest.raises(Refused):
        await write_template(hall.pool, hall.sato, "flood", 4, Purpose.ORDER, "ja", WORDS)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (TEXT + "{{7*7}}", "text.placeholder"),
        (TEXT + "{0.__class__}", "text.placeholder"),
        (TEXT + "避難勧告", "text.abolished_term"),
        ("【訓練】" + TEXT, "text.drill_word"),
        ("{area_name}は避難してください。", "text.level_term"),
        ("", "event.empty"),
    ],
)
async def test_a_template_says_nothing_that_could_not_be_sent_live(hall: Hall, body: str, code: str) -> None:
    with pytest.raises(Refused) as refused:
        await write_template(hall.pool, hall.mori, "flood", 4, Purpose.ORDER, "ja", {"subject": "避難", "body": body})
    assert [each.code for each in refused.value.problems] == [code]
    assert [each.where for each in refused.value.problems] == ["/texts/ja/body"]


async def test_there_are_no_templates_of_level_two(hall: Hall) -> None:
    with pytest.raises(Refused, match="There is no such template"):
        await templates(hall.pool, "flood", 2)
