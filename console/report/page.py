"""The report as one HTML page that asks nothing of anybody: no script, no style, font or picture from elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from console.report import drawing, labels, tables
from console.report.drawing import Drawing, Floats, ShelterMark
from console.report.labels import Label
from console.report.timeline import clock, timeline
from dispatcher.gazetteer import ListedShelter, boundary, shelters
from dispatcher.history import DispatchHistory, Fate, boundaries_near, dispatch_history
from geo.area import Area
from geo.shelters import hazard_bit
from subscribers.profile import place_points
from words.problem import Problem, Refused
from words.terms import HAZARDS, LEVELS

if TYPE_CHECKING:
    from asyncpg import Pool


@dataclass(frozen=True, slots=True)
class Gathered:
    """What one page is made of."""

    history: DispatchHistory
    area: Area | None
    lands: Sequence[tuple[Area, str]]
    listed: Sequence[ListedShelter]
    points: Floats


async def write_report(pool: Pool, dispatch: str, path: Path, *, zone: tzinfo, town: str = "") -> Path:
    """Write the page of a dispatch to `path`, and return it. Raises Refused: unknown dispatch, or nowhere to write."""
    page = await report_page(pool, dispatch, zone=zone, town=town)
    await asyncio.to_thread(_write, path, page)
    return path


async def report_page(pool: Pool, dispatch: str, *, zone: tzinfo, town: str = "") -> str:
    """The page of a dispatch; `town` is the municipality's code. Raises Refused when there is no such dispatch."""
    gathered = await _gather(pool, dispatch, town)
    return await asyncio.to_thread(render, gathered, zone, datetime.now(UTC))


def _write(path: Path, page: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Refused(_unwritable(path, error)) from None


async def _gather(pool: Pool, dispatch: str, town: str) -> Gathered:
    history = await dispatch_history(pool, dispatch)
    area = Area.from_wkb(history.area) if history.area else None
    return Gathered(
        history=history,
        area=area,
        lands=await _lands(pool, history, area, town) if area else [],
        listed=await shelters(pool),
        points=await place_points(pool, history.people.places),
    )


async def _lands(pool: Pool, history: DispatchHistory, area: Area, town: str) -> list[tuple[Area, str]]:
    """The municipality that is named, or whichever the area lies in."""
    named = history.document.get("area")
    code = named.get("code") if isinstance(named, dict) else None
    for each in (code, town):
        found = await boundary(pool, each) if each else None
        if found and found[0].geometry.intersects(area.geometry):
            return [found]
    return await boundaries_near(pool, area)


def render(gathered: Gathered, zone: tzinfo, now: datetime) -> str:
    """The page. Pure: the same facts give the same page."""
    history = gathered.history
    document = history.document
    return _TEMPLATE.render(
        history=history,
        document=document,
        mode=labels.MODES[history.mode],
        event_class=labels.CLASSES[history.event_class],
        state=labels.state(history.state),
        relation=labels.RELATIONS.get(history.relation or ""),
        level=_level(document.get("level")),
        hazard=_hazard(document.get("hazard")),
        area_name=_both(document["area_name"]),
        area_words=_area_words(gathered.area, document),
        map=_drawing(gathered),
        fates=[(each, labels.FATES[each], labels.FATE_NOTES[each], n) for each, n in history.people.counts().items()],
        people=len(history.people),
        standings=[(labels.STANDINGS[standing], n) for standing, n in history.standings.items()],
        channels=tables.by_channel(history),
        languages=tables.by_language(history),
        delivered=tables.delivered(history),
        texts=tables.texts(history),
        time=timeline(history, zone),
        clock=lambda at: clock(at, zone),
        now=now,
    )


def _level(number: int | None) -> Label | None:
    names = LEVELS[number].names if number in LEVELS else None
    return Label(names["ja"], names["en"]) if names else None


def _hazard(name: str | None) -> Label | None:
    return Label(HAZARDS[name]["ja"], HAZARDS[name]["en"]) if name else None


def _both(names: dict[str, str]) -> Label:
    return Label(names["ja"], names.get("en", names["ja"]))


def _area_words(area: Area | None, document: Any) -> Label:
    """How large it is, and how it was given."""
    if area is None:
        return Label(
            "区域の指定なし（もとの配信を受け取った人が対象）", "no area of its own: whoever the first dispatch reached"
        )
    metres = drawing.METRES_PER_DEGREE**2 * np.cos(np.radians(area.geometry.centroid.y))
    size = f"{area.geometry.area * metres / 1e6:.2f} km²"
    given = document.get("area")
    code = given.get("code") if isinstance(given, dict) else None
    if code:
        return Label(f"{size}、市区町村コード {code} の全域", f"{size}, all of the municipality {code}")
    return Label(f"{size}、{area.points:,} 点の図形", f"{size}, a shape of {area.points:,} points")


def _drawing(gathered: Gathered) -> Drawing | None:
    if gathered.area is None:
        return None
    named = tables.messages_by_shelter(gathered.history)
    sent_to = [each.shelter for each in gathered.listed if named[each.shelter.id]]
    paper = drawing.frame(gathered.area, np.array([(each.lon, each.lat) for each in sent_to]).reshape(-1, 2))
    people = gathered.history.people
    bar, bar_label = drawing.scale_bar(paper)
    return Drawing(
        height=paper.height,
        lands=[paper.path(land.geometry) for land, _ in gathered.lands],
        area=paper.path(gathered.area.geometry),
        shelters=_shelter_marks(paper, gathered, named),
        people=drawing.marks(paper, people, gathered.points),
        crowd=drawing.is_crowd(people),
        bar=bar,
        bar_label=bar_label,
        unplaced=int(np.isnan(gathered.points[:, 0]).sum()),
    )


def _shelter_marks(paper: drawing.Frame, gathered: Gathered, named: dict[str, int]) -> list[ShelterMark]:
    """Those in the frame, numbered by how many messages sent people there; what nobody was sent to has no number."""
    hazard = gathered.history.document.get("hazard")
    bit = hazard_bit(hazard) if hazard else 0
    order = sorted(gathered.listed, key=lambda each: (-named[each.shelter.id], each.shelter.id))
    where = paper.to_paper(np.array([(each.shelter.lon, each.shelter.lat) for each in order]).reshape(-1, 2))
    return [
        ShelterMark(
            number=number if named[each.shelter.id] else 0,
            name=each.shelter.name,
            status=each.status,
            label=labels.status(each.status),
            fit=not bit or bool(each.shelter.hazards & bit),
            messages=named[each.shelter.id],
            x=round(x, 1),
            y=round(y, 1),
        )
        for number, (each, (x, y)) in enumerate(zip(order, where.tolist(), strict=True), start=1)
        if 0 <= x <= drawing.WIDTH and 0 <= y <= paper.height
    ]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "–"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("console.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    environment.globals.update(share=_share, Fate=Fate)
    return environment


_TEMPLATE = _environment().get_template("report.html")


def _unwritable(path: Path, error: OSError) -> Problem:
    reason = error.strerror or type(error).__name__
    return Problem(
        "report.unwritable",
        str(path),
        f"報告を書き込めません（{reason}）。--out に書き込める場所を指定してください。",
        f"The report cannot be written ({reason}). Give a place with --out where it can.",
    )
