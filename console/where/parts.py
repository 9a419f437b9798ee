"""The parts an officer chose, as JSON, into the one area they make together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from console.where.districts import District
from dispatcher.gazetteer import boundary
from geo.area import Area, area_from_geojson, union_of
from geo.around import area_in_metres, is_in_metres
from words.problem import Problem, Refused

if TYPE_CHECKING:
    from asyncpg import Pool

MOST_PARTS = 200


async def area_of(pool: Pool, districts: Mapping[str, District], parts: Any, *, where: str = "/areas") -> Area:
    """The area that all parts make together. Raises Refused with the problems of every part.

    A part is GeoJSON, `{"point": [lon, lat], "radius_m": r}`, `{"line": […], "width_m": w}`, `{"code": "99201"}` for
    an imported boundary, or `{"district": "中之島"}`.
    """
    if not isinstance(parts, list) or not parts:
        raise Refused(_no_area(where))
    if len(parts) > MOST_PARTS:
        raise Refused(_too_many(where, len(parts)))
    areas, problems = await _read(pool, districts, parts, where)
    if problems:
        raise Refused(problems)
    return areas[0] if len(areas) == 1 else union_of(areas, where=where)


async def _read(
    pool: Pool, districts: Mapping[str, District], parts: Sequence[Any], where: str
) -> tuple[list[Area], list[Problem]]:
    areas: list[Area] = []
    problems: list[Problem] = []
    for number, part in enumerate(parts):
        try:
            areas.append(await _area(pool, districts, part, f"{where}/{number}"))
        except Refused as refusal:
            problems += refusal.problems
    return areas, problems


async def _area(pool: Pool, districts: Mapping[str, District], part: Any, where: str) -> Area:
    if not isinstance(part, Mapping):
        raise Refused(_no_part(where))
    if "type" in part:
        return area_from_geojson(part, where=where)
    if is_in_metres(part):
        return area_in_metres(part, where=where)
    if part.keys() == {"district"}:
        return _district(districts, part["district"], where)
    if part.keys() == {"code"}:
        return await _boundary(pool, str(part["code"]), where)
    raise Refused(_no_part(where))


def _district(districts: Mapping[str, District], name: Any, where: str) -> Area:
    if not isinstance(name, str) or name not in districts:
        raise Refused(_unknown(f"{where}/district", str(name)))
    return districts[name].area


async def _boundary(pool: Pool, code: str, where: str) -> Area:
    found = await boundary(pool, code)
    if found is None:
        raise Refused(_unknown(f"{where}/code", code))
    return found[0]


def _no_area(where: str) -> Problem:
    return Problem(
        "area.none",
        where,
        "区域がないので、誰にも送りません。地図に描くか、地区を選ぶか、点と半径を入れてください。",
        "Without an area nobody is notified. Draw one on the map, pick a district, or give a point and a radius.",
    )


def _too_many(where: str, number: int) -> Problem:
    return Problem(
        "area.too_many_parts",
        where,
        f"区域が{number:,}個に分かれています。{MOST_PARTS}個までにまとめてください。",
        f"The area has {number:,} parts; give at most {MOST_PARTS}.",
    )


def _no_part(where: str) -> Problem:
    return Problem(
        "area.no_part",
        where,
        '区域を読み取れません。GeoJSON の多角形、{"point": [133.7, 34.6], "radius_m": 800}、{"code": "99201"}、'
        '{"district": "中之島"} のどれかにしてください。',
        'This is no area. Write a polygon in GeoJSON, {"point": [133.7, 34.6], "radius_m": 800}, {"code": "99201"} '
        'or {"district": "中之島"}.',
    )


def _unknown(where: str, name: str) -> Problem:
    shown = name[:40]
    return Problem(
        "area.unknown_name",
        where,
        f"「{shown}」という地区や市区町村は登録されていません。一覧から選び直してください。",
        f"There is no district or municipality “{shown}” here; pick it from the list again.",
    )
