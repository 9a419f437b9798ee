"""What the map asks for: boundaries, shelters, orders in force, and how many people an area holds while it is drawn."""

from __future__ import annotations

import asyncio
import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import shapely
from aiohttp import web

from console.where.districts import District
from console.where.layers import Layers, geojson, shown
from console.where.parts import area_of
from dispatcher.audience import Audience, Counted
from dispatcher.counting import Counter, Survey
from dispatcher.drafting import DRILL_TOPIC
from geo.area import MAX_BYTES, Area
from geo.ellipsoid import metres_a_degree
from geo.shelters import HAZARDS
from words.languages import OWN_NAMES
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from typing import Protocol

    from asyncpg import Pool

    class Counting(Audience, Counted, Protocol):
        """An audience that can also tell who is inside."""


MODES = ("drill", "live")
MOST_BYTES = 2 * MAX_BYTES
"""Of a request: GeoJSON at its largest, and other parts beside it."""

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Question:
    """What is counted. `shape`: whether the outline is wanted back, to be shown."""

    areas: Any
    mode: str
    hazard: str | None
    shape: bool


class MapData:
    """The map's data under `/map`. `kinds` maps every channel to the kind of contact it writes to.

    `audience` has to be followed by whoever makes it: what is counted is as old as its last `catch_up`.
    """

    def __init__(
        self, pool: Pool, audience: Counting, kinds: Mapping[str, str], districts: Sequence[District] = ()
    ) -> None:
        self.layers = Layers(pool, districts)
        self._pool = pool
        self._audience = audience
        self._counter = Counter(pool, audience, kinds)
        self._districts = {each.name: each for each in districts}

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/map/boundaries", self._boundaries),
            web.get("/map/shelters", self._shelters),
            web.get("/map/active", self._active),
            web.post("/map/count", self._count),
        ]

    async def area(self, areas: Any, *, where: str = "/areas") -> Area:
        """The area that the parts in a form or a request make together. Raises Refused."""
        return await area_of(self._pool, self._districts, areas, where=where)

    async def _boundaries(self, request: web.Request) -> web.Response:
        return _kept(request, await self.layers.boundaries())

    async def _shelters(self, request: web.Request) -> web.Response:
        return _kept(request, await self.layers.shelters())

    async def _active(self, request: web.Request) -> web.Response:
        return _kept(request, await self.layers.active())

    async def _count(self, request: web.Request) -> web.Response:
        try:
            question = _question(await _body(request))
            area = await self.area(question.areas)
        except Refused as refusal:
            return refused(refusal)
        survey = await self._counter.survey(area, hazard=question.hazard)
        drill = await self._taking_part(area) if question.mode == "drill" else None
        return _json({"area": _area(area, question), **_numbers(survey), "drill": drill})

    async def _taking_part(self, area: Area) -> int:
        """A drill reaches only those who asked for drills."""
        return len(await asyncio.to_thread(self._audience.match, area, topics=(DRILL_TOPIC,)))


async def _body(request: web.Request) -> Any:
    data = await request.content.read(MOST_BYTES + 1)
    while len(data) <= MOST_BYTES and (more := await request.content.read(MOST_BYTES)):
        data += more
    if len(data) > MOST_BYTES:
        raise Refused(_too_large())
    try:
        return msgspec.json.decode(data)
    except msgspec.DecodeError:
        raise Refused(_no_json()) from None


def _question(body: Any) -> Question:
    if not isinstance(body, dict):
        raise Refused(_no_json())
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


def refused(refusal: Refused) -> web.Response:
    """RFC 9457, with every problem in both languages."""
    body = {
        "type": "about:blank",
        "title": "Unprocessable Content",
        "status": 422,
        "problems": [
            {"code": each.code, "where": each.where, "ja": each.ja, "en": each.en} for each in _few(refusal.problems)
        ],
    }
    return web.Response(body=_encode(body), status=422, content_type="application/problem+json")


def _few(problems: Iterable[Problem], most: int = 20) -> list[Problem]:
    return list(problems)[:most]


def _json(body: Any) -> web.Response:
    return web.Response(body=_encode(body), content_type="application/json", headers={"Cache-Control": "no-store"})


def _kept(request: web.Request, body: Any) -> web.Response:
    """Asked for again each time, sent again only when it is another."""
    data = _encode(body)
    tag = hashlib.sha256(data).hexdigest()[:32]
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{tag}"'}
    if any(known.value == tag for known in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    response = web.Response(body=data, content_type="application/geo+json", headers=headers)
    response.enable_compression()
    return response


def _too_large() -> Problem:
    return Problem(
        "request.too_large",
        "",
        f"送られたデータが大きすぎます。{MOST_BYTES >> 20} MiB までにしてください。",
        f"The request is too large; send at most {MOST_BYTES >> 20} MiB.",
    )


def _no_json() -> Problem:
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
