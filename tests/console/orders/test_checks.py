"""What an officer is told while typing."""

from __future__ import annotations

from typing import Any

import pytest

from console.orders.checks import check
from dispatcher.gazetteer import import_shelters
from tests.console.orders.hall import TEXT, Hall, draft
from words.problem import Problem


def said(body: str, **changes: Any) -> dict[str, Any]:
    return draft(texts={"ja": {"subject": "{level_name}", "body": body}}, **changes)


async def problems(hall: Hall, document: dict[str, Any]) -> list[Problem]:
    return list((await check(hall.desk, document)).problems)


async def test_a_whole_order_has_no_problem_and_a_hash(hall: Hall) -> None:
    checks = await check(hall.desk, draft())
    assert (checks.problems, checks.advice) == ((), ())
    assert checks.hash is not None
    assert checks.event is not None
    assert checks.hash == checks.event.digest


@pytest.mark.parametrize(
    ("body", "code", "en"),
    [
        (TEXT.replace("{area_name}", "ここ"), "text.no_area", "does not say for which area"),
        (TEXT.replace("{issued_at}、", ""), "text.no_time", "does not say since when"),
        (TEXT.replace("避難してください。", ""), "text.no_action", "does not say what to do"),
    ],
)
async def test_an_order_names_area_time_and_action(hall: Hall, body: str, code: str, en: str) -> None:
    [problem] = await problems(hall, said(body))
    assert (problem.code, problem.where) == (code, "/texts/ja/body")
    assert en in problem.en
    assert problem.ja.endswith("。")


async def test_the_area_may_be_written_out_and_the_time_too(hall: Hall) -> None:
    assert (
        await problems(hall, said("19時30分、川沿いに洪水の警戒レベル4避難指示。川辺町長です。逃げてください。")) == []
    )


async def test_hazard_and_issuer_are_advised(hall: Hall) -> None:
    checks = await check(hall.desk, said("{issued_at}、{area_name}に{level_name}。逃げてください。"))
    assert [each.code for each in checks.advice] == ["text.no_hazard", "text.no_issuer"]
    assert checks.problems == ()


async def test_abolished_words_and_a_level_by_another_name_are_refused(hall: Hall) -> None:
    text = "{issued_at}、{area_name}に洪水の避難勧告。逃げてください。"
    document = draft(texts={"ja": {"subject": "避難", "body": text}})
    assert {each.code for each in await problems(hall, document)} == {"text.abolished_term", "text.level_term"}


async def test_an_unfinished_draft_is_told_all_that_it_lacks(hall: Hall) -> None:
    found = await problems(hall, {"class": "evacuation", "mode": "live"})
    assert {each.where for each in found} >= {"/hazard", "/level", "/issuer", "/area", "/texts", "/valid_until"}


async def test_no_area_is_nobody(hall: Hall) -> None:
    """Row 28."""
    [problem] = await problems(hall, draft(area={}))
    assert problem.en.startswith("Without an area nobody is notified")


@pytest.mark.parametrize("hole", ["{{7*7}}", "{0.__class__}", "{shelter}"])
async def test_no_placeholder_but_those_that_are_known(hall: Hall, hole: str) -> None:
    """Row 31."""
    [problem] = await problems(hall, said(TEXT + hole))
    assert problem.code == "text.placeholder"


async def test_a_live_order_says_nothing_of_a_drill(hall: Hall) -> None:
    """Row 24."""
    [problem] = await problems(hall, said("【訓練】" + TEXT))
    assert problem.code == "text.drill_word"


async def test_a_subject_forges_no_header(hall: Hall) -> None:
    """Row 32."""
    text = {"ja": {"subject": "{level_name}=?utf-8?q?a=0D=0ABcc:_x@y.jp?=", "body": TEXT}}
    assert [each.code for each in await problems(hall, draft(texts=text))] == ["text.encoded_word"]
    text = {"ja": {"subject": "{level_name}\r\nBcc: x@y.jp", "body": TEXT}}
    assert [each.code for each in await problems(hall, draft(texts=text))] == ["text.control_character"]


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
async def test_an_area_of_no_numbers_is_refused(hall: Hall, number: float) -> None:
    """Row 26."""
    ring = [[133.69, 34.59], [number, 34.59], [133.71, 34.61], [133.69, 34.59]]
    found = await problems(hall, draft(area={"type": "Polygon", "coordinates": [ring]}))
    assert found[0].where.startswith("/area")


async def test_it_is_shown_as_readers_get_it_with_and_without_a_shelter(hall: Hall) -> None:
    await open_a_shelter(hall)
    text = {"ja": {"subject": "{level_name}", "body": TEXT + "{shelter_name}", "sms": TEXT}}
    shown = (await check(hall.desk, draft(texts=text))).previews
    assert [(each.channel, each.shelter) for each in shown] == [
        ("line", None), ("line", "川辺小学校"), ("sms", None), ("email", None), ("email", "川辺小学校"),
    ]  # fmt: skip
    assert "川沿いに洪水の警戒レベル4 避難指示。" in shown[0].message.body
    assert shown[1].message.body.endswith("川辺小学校")
    assert shown[1].characters == len(shown[1].message.subject + shown[1].message.body)


async def open_a_shelter(hall: Hall) -> None:
    header = (
        "NO,共通ID,都道府県名及び市町村名,施設・場所名,住所,洪水,崖崩れ、土石流及び地滑り,高潮,地震,津波,大規模な火事,"
        "内水氾濫,火山現象,指定避難所との住所同一,緯度,経度,備考\r\n"
    )
    row = "1,E9920100001,岡山県川辺町,川辺小学校,川辺町1,1,,,,,,,,,34.61,133.70,\r\n"
    await import_shelters(hall.pool, (header + row).encode())
    await hall.pool.execute("update shelter set status = 'open'")
