"""The fictional 川辺町 (Kawabe, code 99201) as files: boundary, districts, shelters, people, an order and a drill."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import shapely

from geo.shelter_csv import FLAGS, HEADERS
from todoke.town import landscape
from todoke.town.generator import FILE_NAME, make_town

CODE = "99201"
NAME = "川辺町"
VALID = timedelta(hours=6)
EVENTS = Path(__file__).parent / "events"


@dataclass(frozen=True, slots=True)
class TownFiles:
    """Where the parts of the town were written."""

    directory: Path
    boundary: Path
    districts: Path
    shelters: Path
    subscribers: Path
    evacuation: Path
    drill: Path


@dataclass(frozen=True, slots=True)
class _Site:
    """`hazards` is a string of eight, in the order of the law: 1 where the site is designated."""

    name: str
    address: str
    hazards: str
    stay: bool
    lon: float
    lat: float
    note: str = ""


SITES = (
    _Site("川辺小学校", "川西一丁目2-1", "10010010", True, 133.6795, 34.5962),
    _Site("川辺中学校", "川西三丁目8-4", "10010010", True, 133.6758, 34.6192),
    _Site("川西公民館", "川西五丁目1-10", "10010010", True, 133.6601, 34.5829),
    _Site("鏡池体育館", "鏡池二丁目4-2", "00010000", True, 133.6548, 34.6141, "湖面が近いため洪水時は使わない"),
    _Site("中之島公民館", "中之島1-5", "00010000", False, 133.7004, 34.6004, "島内のため洪水時は使わない"),
    _Site("川辺文化会館", "川東一丁目1-1", "10010010", False, 133.7123, 34.6083, "3階以上"),
    _Site("川東小学校", "川東二丁目6-3", "10010010", True, 133.7197, 34.6051),
    _Site("川東中学校", "川東四丁目9-12", "10010010", True, 133.7188, 34.5803),
    _Site("北川辺小学校", "川西七丁目3-3", "10010010", True, 133.6807, 34.6396),
    _Site("南川辺小学校", "川東六丁目2-8", "10010010", True, 133.7129, 34.5561),
    _Site("山手高等学校", "山手一丁目7-1", "10010110", True, 133.7402, 34.6119),
    _Site("山手公園", "山手三丁目", "10010110", False, 133.7478, 34.5902, "屋外"),
)


def write_town(directory: Path, *, subscribers: int = 3000, seed: int = 1, now: datetime | None = None) -> TownFiles:
    """Write the whole town into `directory`; the order and the drill are valid for six hours from `now`."""
    directory.mkdir(parents=True, exist_ok=True)
    files = _files(directory)
    _write_json(files.boundary, _features({NAME: land} for land in landscape.land()))
    _write_json(files.districts, _features([landscape.districts()]))
    _write_shelters(files.shelters)
    until = (now or datetime.now(UTC)) + VALID
    _write_json(files.evacuation, event("evacuation", until, area=_geometry(landscape.flood_area())))
    _write_json(files.drill, event("drill", until, area={"code": CODE}))
    make_town(files.boundary, files.shelters, subscribers, seed, directory)
    return files


def _files(directory: Path) -> TownFiles:
    return TownFiles(
        directory=directory,
        boundary=directory / "kawabe.geojson",
        districts=directory / "districts.geojson",
        shelters=directory / "shelters.csv",
        subscribers=directory / FILE_NAME,
        evacuation=directory / "evacuation.json",
        drill=directory / "drill.json",
    )


def event(name: str, valid_until: datetime, *, area: Mapping[str, Any]) -> dict[str, Any]:
    """The town's event document `evacuation` or `drill`, for an area and a time."""
    document: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return {**document, "area": dict(area), "valid_until": valid_until.isoformat(timespec="seconds")}


def _features(shapes: Iterable[Mapping[str, shapely.Geometry]]) -> dict[str, Any]:
    return {
        "type": "FeatureCollection",
        "features": [
            {"type": "Feature", "properties": _properties(name), "geometry": _geometry(shape)}
            for named in shapes
            for name, shape in named.items()
        ],
    }


def _properties(name: str) -> dict[str, str]:
    """As 国土数値情報 N03 has them, for the town itself."""
    return {"N03_004": NAME, "N03_007": CODE} if name == NAME else {"name": name}


def _geometry(shape: shapely.Geometry) -> dict[str, Any]:
    decoded: dict[str, Any] = json.loads(shapely.to_geojson(shape))
    return {"type": decoded["type"], "coordinates": _rounded(decoded["coordinates"])}


def _rounded(numbers: Any) -> Any:
    if isinstance(numbers, list):
        return [_rounded(number) for number in numbers]
    return round(numbers, landscape.DECIMALS)


def _write_json(path: Path, document: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _write_shelters(path: Path) -> None:
    """In the official layout of emergency evacuation sites."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\r\n")
        writer.writerow(HEADERS["site"])
        writer.writerows(_site_row(number, site) for number, site in enumerate(SITES, start=1))


def _site_row(number: int, site: _Site) -> list[str]:
    flags = [flag.replace("0", "") for flag in site.hazards]
    if len(flags) != len(FLAGS):
        raise ValueError(f"{site.name} needs {len(FLAGS)} hazard flags")
    first = [str(number), f"E{CODE}{number:06d}", NAME, site.name, f"{NAME}{site.address}"]
    return [*first, *flags, "1" if site.stay else "", f"{site.lat:.6f}", f"{site.lon:.6f}", site.note]
