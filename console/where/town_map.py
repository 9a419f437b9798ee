"""The town's map: what it shows, the area that chosen parts make, and how many people that holds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import shapely

from console.orders.desk import Desk
from console.where.districts import District
from console.where.layers import Layers, geojson, shown
from console.where.parts import area_of
from dispatcher.counting import Counter, Survey
from dispatcher.drafting import DRILL_TOPIC
from geo.area import Area
from geo.ellipsoid import metres_a_degree
from geo.shelters import HAZARDS
from words.languages import OWN_NAMES
from words.problem import Problem, Refused

MODES = ("drill", "live")


@dataclass(frozen=True, slots=True)
class Question:
    """What is counted. `shape`: whether the outline is wanted back, to be shown."""

    areas: Any
    mode: str
    hazard: str | None
    shape: bool


class TownMap:
    """The desk's audience has to be followed by whoever makes it: what is counted is as old as its last `catch_up`."""

    def __init__(self, desk: Desk, districts: Sequence[District] = ()) -> None:
        self.layers = Layers(desk.pool, districts)
        self._desk = desk
        kinds = {name: channel.contact for name, channel in desk.channels.items()}
        self._counter = Counter(desk.pool, desk.audience, kinds)
        self._districts = {each.name: each for each in districts}

    async def area(self, areas: Any, *, where: str = "/areas") -> Area:
        """The area that the parts in a form or a request make together. Raises Refused."""
        return await area_of(self._desk.pool, self._districts, areas, where=where)

    async def count(self, body: Any) -> dict[str, Any]:
        """What a request asks, as docs/console.md describes it. Raises Refused."""
        question = _question(body)
        area = await self.area(question.areas)
        survey = await self._counter.survey(area, hazard=question.hazard, topics=(DRILL_TOPIC,))
        # A drill reaches only those who asked for drills.
        drill = survey.fond if question.mode == "drill" else None
        return {"area": _area(area, question), **_numbers(survey), "drill": drill}


def _question(body: Any) -> Question:
    if not isinstance(body, dict):
        raise Refused(no_object())
    mode, hazard = body.get("mode", MODES[0]), body.get("hazard") or None
    problems = []
    if mode not in MODES:
        problems.append(_one_of("/mode", MODES))
    if hazard is not None and hazard not in HAZARDS:
        problems.append(_one_of("/hazard", HAZARDS))
    if problems:
        raise Refused(problems)
    return Question(body.get("areas"), mode, hazard, body.get("shape") is True)


def _area(area: Area, question: Question) -> dict[str, Any]:
    found: dict[str, Any] = {
        "digest": area.digest,
        "bounds": area.bounds,
        "points": area.points,
        "polygons": area.polygons,
        "square_km": _square_km(area),
    }
    return {**found, "geometry": geojson(shown(area))} if question.shape else found


def _square_km(area: Area) -> float:
    """To be shown: a degree of longitude is taken to be as wide everywhere as in the middle."""
    _, south, _, north = area.bounds
    east_metres, north_metres = metres_a_degree((south + north) / 2)
    size = float(shapely.area(area.geometry)) * float(east_metres) * float(north_metres) / 1e6
    return round(size, max(0, 2 - math.floor(math.log10(size)))) if size else 0.0


def _numbers(survey: Survey) -> dict[str, Any]:
    count = survey.count
    return {
        "people": count.people,
        "reached": count.audience,
        "channels": count.channels,
        "languages": [
            {"language": language, "name": OWN_NAMES.get(language, language), "people": people}
            for language, people in count.languages.items()
        ],
        "shelters": [{"id": each.id, "name": each.name, "people": each.people} for each in count.shelters],
    }


def no_object() -> Problem:
    return Problem(
        "request.no_json",
        "",
        "送られたデータを JSON のオブジェクトとして読めません。",
        "The request is no JSON object.",
    )


def _one_of(where: str, allowed: Sequence[str]) -> Problem:
    return Problem(
        "request.one_of",
        where,
        f"{'、'.join(allowed)} のどれかにしてください。",
        f"Write one of {', '.join(allowed)}.",
    )
