"""The report: one page that asks nothing of anybody, and says what became of everybody without naming them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from asyncpg import Pool

from channels.contract import Answer, Verdict
from console.report import drawing, write_report
from console.report.timeline import duration
from dispatcher.gazetteer import import_boundaries, import_shelters, set_all_statuses
from dispatcher.history import Fate, People
from geo.area import area_from_geojson
from geo.shelters import ShelterStatus
from tests.dispatcher.engine_room import CAST, Kawabe, crowd, kawabe, order
from tests.dispatcher.new_area import FULL, RELEASED, STILL, update
from todoke.town.fictional import TownFiles, write_town
from words.problem import Refused

TEXTS = {
    "ja": {
        "subject": "{level_name}",
        "body": "{shelter_name}へ（{shelter_distance}）。",
        "sms": "避難指示。{shelter_name}へ",
    },
    "en": {"subject": "{level_name}", "body": "Go to {shelter_name}."},
}
VOID = {"meta", "input", "br", "img", "link", "hr"}

TOKYO = ZoneInfo("Asia/Tokyo")


class Tags(HTMLParser):
    """Every element, and whether each was closed in its turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TownFiles:
    return write_town(tmp_path_factory.mktemp("kawabe"), subscribers=1, seed=1)


@pytest.fixture
async def town(pool: Pool, tmp_path: Path, files: TownFiles) -> Kawabe:
    town = await kawabe(pool)
    await import_boundaries(pool, files.boundary.read_bytes())
    await import_shelters(pool, files.shelters.read_bytes())
    await set_all_statuses(pool, ShelterStatus.OPEN)
    await town.settle(tmp_path, [*CAST.values(), *crowd(40, phone=True)])
    return town


async def page_of(town: Kawabe, tmp_path: Path, **changes: Any) -> str:
    end = await town.sent(order(**{"texts": TEXTS, "area_name": {"ja": "川沿い", "en": "the riverside"}} | changes))
    path = await write_report(town.pool, end.dispatch, tmp_path / "out" / "report.html", zone=TOKYO)
    return path.read_text(encoding="utf-8")


def words(page: str) -> str:
    """What a person reads, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</head>")[1]))


async def test_the_page_asks_nothing_of_anybody(town: Kawabe, tmp_path: Path) -> None:
    page = await page_of(town, tmp_path)
    tags = Tags(page)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags.seen}
    assert not {"src", "href", "srcset", "action"} & {name for _, attributes in tags.seen for name in attributes}
    assert "@import" not in page
    assert set(re.findall(r"url\(([^)]*)\)", page)) == {"#hatch"}


async def test_the_page_is_whole_html_with_one_heading_and_captions(town: Kawabe, tmp_path: Path) -> None:
    tags = Tags(await page_of(town, tmp_path))
    names = [tag for tag, _ in tags.seen]
    ids = [attributes["id"] for _, attributes in tags.seen if "id" in attributes]
    assert (tags.wrong, tags.open, names.count("h1")) == ([], [], 1)
    assert names.count("caption") == names.count("table") > 3
    assert len(ids) == len(set(ids))
    assert all(attributes.get("lang") for tag, attributes in tags.seen if tag == "html")


async def test_the_page_counts_channels_outcomes_and_languages(town: Kawabe, tmp_path: Path) -> None:
    town.sms.will_answer(*[Answer(Verdict.REJECTED, code="21211")] * 42)
    text = words(await page_of(town, tmp_path))
    assert "対象者 People concerned 44 人" in text
    assert "届いていない人 Not reached 1 人 people (2.3%)" in text
    assert "経路 Channel 受付済み accepted 拒否 rejected 合計 Total LINE LINE 42 0 42 SMS SMS 0 42 42" in text
    assert "Tiếng Việt 1 0 0 1" in text


async def test_the_page_says_who_signed_where_and_what(town: Kawabe, tmp_path: Path) -> None:
    text = words(await page_of(town, tmp_path))
    for said in ("依頼者 Asked for by 佐藤", "承認者 Approved by 森", "川沿い", "the riverside", "川辺町長", "SHA-256"):
        assert said in text
    assert "川辺文化会館へ（約" in text
    assert "避難指示。川辺文化会館へ" in text


async def test_a_live_page_and_a_drills_cannot_be_taken_for_each_other(town: Kawabe, tmp_path: Path) -> None:
    live, drill = await page_of(town, tmp_path), await page_of(town, tmp_path, mode="drill", id="drill-1")
    assert "これは訓練の記録です。" in drill
    assert "<title>【訓練】" in drill
    assert "訓練" not in live
    assert "本番" in words(live)
    assert 'class="mode drill"' not in live


async def test_no_name_or_address_of_a_recipient_is_on_the_page(town: Kawabe, tmp_path: Path) -> None:
    page = await page_of(town, tmp_path)
    for secret in ("hana", "n00001", "aaaaaaaa", "9011110001", "@"):
        assert secret not in page.replace("@media", "").replace("@page", "")


async def test_the_map_draws_area_land_shelters_and_people(town: Kawabe, tmp_path: Path) -> None:
    tags = Tags(await page_of(town, tmp_path))
    classes = [str(attributes.get("class")) for _, attributes in tags.seen]
    assert (classes.count("drawn"), classes.count("land")) == (1, 1)
    assert "pin open" in classes
    assert "pin unfit" in classes
    assert [each for each in classes if each.startswith("dot reached")]


async def test_text_that_looks_like_html_stays_text(town: Kawabe, tmp_path: Path) -> None:
    page = await page_of(town, tmp_path, area_name={"ja": "<script>alert(1)</script>"})
    assert "<script" not in page
    assert "&lt;script&gt;" in page


async def test_the_page_of_an_update_counts_its_audiences_and_shows_the_words_for_each(
    town: Kawabe, tmp_path: Path
) -> None:
    first = await town.sent(order(texts=FULL))
    end = await town.sent(update(first.dispatch))
    page = words((await write_report(town.pool, end.dispatch, tmp_path / "update.html", zone=TOKYO)).read_text("utf-8"))
    for counted in ("newly inside 1 人 people", "still inside 42 人 people", "no longer inside 2 人 people"):
        assert counted in page
    for said in (STILL, RELEASED):
        assert said["ja"]["subject"] in page


async def test_a_dispatch_that_reached_nobody_has_a_page_too(pool: Pool, tmp_path: Path) -> None:
    page = await page_of(await kawabe(pool), tmp_path)
    assert "送った文面はありません。" in page
    assert Tags(page).wrong == []


async def test_a_place_that_cannot_be_written_to_is_refused(town: Kawabe, tmp_path: Path) -> None:
    end = await town.sent(order(texts=TEXTS))
    with pytest.raises(Refused) as refusal:
        await write_report(town.pool, end.dispatch, tmp_path, zone=TOKYO)
    assert "--out に書き込める場所" in refusal.value.say("ja")[0]


def test_many_people_are_drawn_as_crowds_and_none_is_lost() -> None:
    area = area_from_geojson(
        {"type": "Polygon", "coordinates": [[[133.6, 34.5], [133.8, 34.5], [133.7, 34.7], [133.6, 34.5]]]}
    )
    paper = drawing.frame(area, np.empty((0, 2)))
    count = drawing.DOTS_AT_MOST + 1
    people = People(np.arange(count), np.arange(count), np.zeros(count, np.uint8))
    points = np.column_stack([np.linspace(133.65, 133.75, count), np.full(count, 34.55)])
    marks = drawing.marks(paper, people, points)
    assert 0 < len(marks[Fate.REACHED]) < 100
    assert marks[Fate.MISSED] == []


def test_homes_are_drawn_no_closer_than_fifty_metres() -> None:
    area = area_from_geojson(
        {"type": "Polygon", "coordinates": [[[133.69, 34.59], [133.71, 34.59], [133.7, 34.61], [133.69, 34.59]]]}
    )
    paper = drawing.frame(area, np.empty((0, 2)))
    neighbours = People(np.arange(2), np.arange(2), np.zeros(2, np.uint8))
    home = np.array([133.7, 34.6])
    marks = drawing.marks(paper, neighbours, np.vstack([home, home + 1e-7]))
    assert len(marks[Fate.REACHED]) == 1


@pytest.mark.parametrize(("seconds", "said"), [(0.346, "0.35 s"), (12.04, "12.0 s"), (185, "3:05"), (7385, "2:03:05")])
def test_durations_are_said_as_people_read_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said
