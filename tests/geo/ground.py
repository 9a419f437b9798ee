"""How far it is on the ground: Vincenty's inverse formulae, which the product does not use."""

from __future__ import annotations

import math

A, F = 6_378_137.0, 1 / 298.257222101
B = A * (1 - F)


def ground_metres(lon1: float, lat1: float, lon2: float, lat2: float) -> float:
    """Metres along the geodesic of GRS 80 between positions in degrees."""
    if (lon1, lat1) == (lon2, lat2):
        return 0.0
    u1, u2 = (math.atan((1 - F) * math.tan(math.radians(lat))) for lat in (lat1, lat2))
    wide = east = math.radians(lon2 - lon1)
    for _ in range(50):
        across = math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(east)
        sin_s = math.hypot(math.cos(u2) * math.sin(east), across)
        cos_s = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(east)
        sigma = math.atan2(sin_s, cos_s)
        sin_a = math.cos(u1) * math.cos(u2) * math.sin(east) / sin_s
        cos_a2 = 1 - sin_a**2
        middle = cos_s - 2 * math.sin(u1) * math.sin(u2) / cos_a2
        c = F / 16 * cos_a2 * (4 + F * (4 - 3 * cos_a2))
        east = wide + (1 - c) * F * sin_a * (sigma + c * sin_s * (middle + c * cos_s * (2 * middle**2 - 1)))
    u = cos_a2 * (A**2 - B**2) / B**2
    a = 1 + u / 16384 * (4096 + u * (-768 + u * (320 - 175 * u)))
    b = u / 1024 * (256 + u * (-128 + u * (74 - 47 * u)))
    last = b / 6 * middle * (4 * sin_s**2 - 3) * (4 * middle**2 - 3)
    return B * a * (sigma - b * sin_s * (middle + b / 4 * (cos_s * (2 * middle**2 - 1) - last)))
