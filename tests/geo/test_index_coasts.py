"""Real municipalities: on islands, in bays and in holes a place belongs where shapely says it does."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geo.boundaries import Boundary, read_boundaries
from geo.index import PlaceIndex
from tests.geo.test_index_awkward import agree, near_edges

Places = NDArray[np.float64]
SharedData = Callable[..., Path]
JAPAN = "japan-municipalities-simplified.geojson"
OGA, KURASHIKI, TAKETOMI = "05206", "33202", "47381"


def boundary(shared_data: SharedData, code: str) -> BaseGeometry:
    text = shared_data("boundaries", f"{code}.geojson").read_bytes()
    return read_boundaries(text, code).boundaries[0].area.geometry


def parts(geometry: BaseGeometry) -> list[BaseGeometry]:
    return sorted(shapely.get_parts(geometry), key=lambda part: float(part.area))


@pytest.mark.parametrize("code", [OGA, KURASHIKI, TAKETOMI])
@pytest.mark.parametrize("a_strip", [50, 2_500])
def test_every_vertex_and_edge_of_a_municipality(code: str, a_strip: int, shared_data: SharedData) -> None:
    area = boundary(shared_data, code)
    places = near_edges(area)
    agree(area, places[np.random.default_rng(1).permutation(len(places))[:60_000]], a_strip)


@pytest.mark.parametrize("code", [OGA, TAKETOMI])
def test_somebody_on_each_island_is_found_by_the_town_and_by_the_island(code: str, shared_data: SharedData) -> None:
    islands = parts(boundary(shared_data, code))
    homes = np.array([island.representative_point().coords[0] for island in islands])
    index = PlaceIndex(homes[:, 0], homes[:, 1])
    assert index.within(shapely.multipolygons(islands)).tolist() == list(range(len(islands)))
    assert [index.within(island).tolist() for island in islands[:200]] == [[number] for number in range(200)][
        : len(islands)
    ]


@pytest.mark.parametrize("code", [OGA, KURASHIKI, TAKETOMI])
def test_the_sea_in_a_bay_is_not_the_town(code: str, shared_data: SharedData) -> None:
    land = parts(boundary(shared_data, code))[-1]
    bays = parts(land.convex_hull.difference(land))[-200:]
    boats = np.array([bay.representative_point().coords[0] for bay in bays])
    assert PlaceIndex(boats[:, 0], boats[:, 1]).within(land).tolist() == []


def test_a_home_in_the_hole_of_one_municipality_belongs_to_the_other(shared_data: SharedData) -> None:
    holed = [
        area
        for area in _japan(shared_data)
        if any(len(part.interiors) for part in shapely.get_parts(area.area.geometry))
    ]
    assert holed
    for each in holed:
        holes = [shapely.Polygon(ring) for part in shapely.get_parts(each.area.geometry) for ring in part.interiors]
        homes = np.array([hole.representative_point().coords[0] for hole in holes])
        agree(each.area.geometry, np.concatenate([homes, *map(near_edges, holes)]), 20)


def test_the_vertices_of_every_municipality_in_japan(shared_data: SharedData) -> None:
    municipalities = _japan(shared_data)
    vertices = np.concatenate([shapely.get_coordinates(each.area.geometry) for each in municipalities])
    index = PlaceIndex(vertices[:, 0], vertices[:, 1])
    tree = shapely.STRtree(shapely.points(vertices))
    for each in municipalities:
        wanted = np.sort(tree.query(each.area.geometry, predicate="intersects"))
        np.testing.assert_array_equal(index.within(each.area.geometry), wanted, err_msg=each.name)


def _japan(shared_data: SharedData) -> tuple[Boundary, ...]:
    return read_boundaries(shared_data("boundaries", JAPAN).read_bytes()).boundaries
