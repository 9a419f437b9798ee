"""Draws docs/geo_index.svg from the index itself: `python docs/geo_index.py`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import MultiPolygon, Polygon

from geo.outline import Chains, Outline, chains

Floats = NDArray[np.float64]

WIDTH, HEIGHT, STRIPS, PLACES = 860, 420, 12, 540
INSIDE, TESTED, NEITHER, EDGE, BAND = "#1a7f5a", "#d9730d", "#b9c0c8", "#1f3a5f", "#fbe3cf"


def main() -> None:
    area, places = _area(), _places()
    order = np.sort(places[:, 1])
    borders = np.append(order[:: PLACES // STRIPS], order[-1])
    found = chains(Outline.of(area, borders), borders, 0, STRIPS)
    Path(__file__).with_suffix(".svg").write_text(_drawn(area, places, borders, found), encoding="utf-8")


def _area() -> MultiPolygon:
    """A coast with a bay and a lake, and an island."""
    coast = [(90, 330), (70, 210), (150, 120), (260, 60), (400, 50), (520, 95), (600, 190), (560, 235), (450, 190),
             (420, 250), (530, 300), (500, 360), (330, 385), (190, 375)]  # fmt: skip
    lake = [(210, 200), (300, 165), (330, 230), (250, 265)]
    island = [(680, 250), (770, 225), (800, 300), (730, 350), (665, 310)]
    return MultiPolygon([Polygon(coast, [lake]), Polygon(island)])


def _places() -> Floats:
    return np.random.default_rng(4).uniform([20, 20], [WIDTH - 20, HEIGHT - 20], (PLACES, 2)).round(1)


def _drawn(area: MultiPolygon, places: Floats, borders: Floats, found: Chains) -> str:
    inside = shapely.intersects_xy(area, places[:, 0], places[:, 1])
    tested = np.zeros(len(places), np.bool_)
    shapes = [f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>']
    for strip, west, east in zip(found.strips, found.west, found.east, strict=True):
        south, north = borders[strip], borders[strip + 1]
        shapes.append(f'<rect x="{west:.1f}" y="{south:.1f}" width="{east - west:.1f}" height="{north - south:.1f}" '
                      f'fill="{BAND}"/>')  # fmt: skip
        x, y = places.T
        tested |= (west <= x) & (x <= east) & (south <= y) & (y <= north)
    shapes += [f'<path d="M0 {each:.1f}H{WIDTH}" stroke="#dfe4ea" stroke-width="1"/>' for each in borders]
    rings = shapely.get_rings(shapely.get_parts(area))
    path = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in ring.coords[:-1]) + "Z" for ring in rings)
    shapes.append(f'<path d="{path}" fill="none" stroke="{EDGE}" stroke-width="2" stroke-linejoin="round"/>')
    colours = np.where(tested, TESTED, np.where(inside, INSIDE, NEITHER))
    shapes += [f'<circle cx="{x:g}" cy="{y:g}" r="2.6" fill="{colour}"/>'
               for (x, y), colour in zip(places, colours, strict=True)]  # fmt: skip
    title = "Places in strips of latitude; those near an edge are tested, the others are taken or left in runs"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">\n'
            f"<title>{title}</title>\n" + "\n".join(shapes) + "\n</svg>\n")  # fmt: skip


if __name__ == "__main__":
    main()
