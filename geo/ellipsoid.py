"""Metres on the ground: the ellipsoid GRS 80, on which Japan's coordinates (JGD2011) stand."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

EQUATOR = 6_378_137.0
FLATTENING = 1 / 298.257222101
"""GRS 80 (Moritz 2000): the half axis in metres, and by how much the other one is shorter."""

POLE = EQUATOR * (1 - FLATTENING)
ECCENTRICITY = FLATTENING * (2 - FLATTENING)
"""Squared."""

ROUNDS = 8
"""Of Vincenty's iteration: each gives two to three digits more, up to 1e-15."""


def metres_a_degree(lats: float | Floats) -> tuple[Floats, Floats]:
    """How many metres a degree of longitude and one of latitude measure at latitudes in degrees."""
    north = np.radians(lats)
    bulge = 1 - ECCENTRICITY * np.sin(north) ** 2
    east_west = EQUATOR / np.sqrt(bulge) * np.cos(north)
    north_south = EQUATOR * (1 - ECCENTRICITY) / bulge**1.5
    return np.radians(east_west), np.radians(north_south)


def destinations(lon: float, lat: float, azimuths: Floats, metres: float) -> Floats:
    """Where one gets from a position by going straight on: float64[n, 2], lon and lat in degrees.

    `azimuths` are radians from north, clockwise. Vincenty's direct formulae (Survey Review 23/176, 1975), right to a
    millimetre over the distances used here.
    """
    reduced = math.atan((1 - FLATTENING) * math.tan(math.radians(lat)))
    sin_u, cos_u = math.sin(reduced), math.cos(reduced)
    sin_a, cos_a = np.sin(azimuths), np.cos(azimuths)
    begin = np.arctan2(math.tan(reduced), cos_a)
    sin_alpha = cos_u * sin_a
    cos_alpha2 = 1 - sin_alpha**2
    sigma, middle = _arc(metres, begin, cos_alpha2)
    sin_s, cos_s = np.sin(sigma), np.cos(sigma)
    across = sin_u * sin_s - cos_u * cos_s * cos_a
    north = np.arctan2(sin_u * cos_s + cos_u * sin_s * cos_a, (1 - FLATTENING) * np.hypot(sin_alpha, across))
    c = FLATTENING / 16 * cos_alpha2 * (4 + FLATTENING * (4 - 3 * cos_alpha2))
    bend = sigma + c * sin_s * (middle + c * cos_s * (2 * middle**2 - 1))
    east = np.arctan2(sin_s * sin_a, cos_u * cos_s - sin_u * sin_s * cos_a) - (1 - c) * FLATTENING * sin_alpha * bend
    return np.stack([lon + np.degrees(east), np.degrees(north)], axis=1)


def _arc(metres: float, begin: Floats, cos_alpha2: Floats) -> tuple[Floats, Floats]:
    """The length of the way as an angle on the auxiliary sphere, and the cosine of twice the angle of its middle."""
    u2 = cos_alpha2 * (EQUATOR**2 - POLE**2) / POLE**2
    a = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)))
    b = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)))
    plain = metres / (POLE * a)
    sigma, middle = plain, np.cos(2 * begin + plain)
    for _ in range(ROUNDS):
        sin_s = np.sin(sigma)
        inner = np.cos(sigma) * (2 * middle**2 - 1) - b / 6 * middle * (4 * sin_s**2 - 3) * (4 * middle**2 - 3)
        sigma = plain + b * sin_s * (middle + b / 4 * inner)
        middle = np.cos(2 * begin + sigma)
    return sigma, middle
