"""Where people live: settlements around shelters (or invented centres), denser in town, thin elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from todoke.town.ground import METRES_PER_DEGREE, Draw, Floats, Ground

SCATTER = 0.12
"""Share of homes that stand alone, anywhere on the land."""
NEIGHBOURHOOD = 1_500.0
"""Metres within which other shelters tell that a place is dense."""
INVENTED_CENTRES = 14


@dataclass(frozen=True, slots=True)
class Settlements:
    """Centres in degrees, the share of people at each, and how far from it they live (metres, one sigma)."""

    lons: Floats
    lats: Floats
    shares: Floats
    spread: Floats


def settlements(ground: Ground, shelters: Floats, rng: np.random.Generator) -> Settlements:
    """Around the shelters on this ground when there are any: a town puts its shelters where its people are."""
    inside = shelters[ground.holds(shelters[:, 0], shelters[:, 1])] if len(shelters) else shelters
    return _around(ground, inside) if len(inside) else _invented(ground, rng)


def _around(ground: Ground, shelters: Floats) -> Settlements:
    metres = shelters * [ground.metres_per_lon, METRES_PER_DEGREE]
    apart = np.hypot(*(metres[:, None, :] - metres[None, :, :]).transpose(2, 0, 1))
    density = (apart < NEIGHBOURHOOD).sum(axis=1).astype(np.float64)
    shares = np.sqrt(density)  # the shelters of a dense quarter already share its people among them
    np.fill_diagonal(apart, np.inf)
    spread = np.clip(apart.min(axis=1) * 0.7, 180.0, 900.0)
    return Settlements(shelters[:, 0], shelters[:, 1], shares / shares.sum(), spread)


def _invented(ground: Ground, rng: np.random.Generator) -> Settlements:
    lons, lats = ground.fill(INVENTED_CENTRES, ground.anywhere(rng))
    shares = 1.0 / np.arange(1, INVENTED_CENTRES + 1)  # towns follow Zipf's law well enough
    reach = np.sqrt(ground.square_metres / INVENTED_CENTRES)
    spread = np.clip(reach * rng.uniform(0.15, 0.35, INVENTED_CENTRES), 150.0, 1_800.0)
    return Settlements(lons, lats, shares / shares.sum(), spread)


def homes(ground: Ground, towns: Settlements, rng: np.random.Generator) -> Draw:
    """Most in the settlements, some alone."""
    together, alone = near_centres(ground, towns, rng), ground.anywhere(rng)

    def draw(count: int) -> tuple[Floats, Floats]:
        lons, lats = together(count)
        lonely = rng.random(count) < SCATTER
        lons[lonely], lats[lonely] = alone(int(lonely.sum()))
        return lons, lats

    return draw


def near_centres(ground: Ground, towns: Settlements, rng: np.random.Generator, *, pull: float = 1.0) -> Draw:
    """Points around the centres; `pull` above 1 draws to the largest ones, as workplaces do."""
    shares = towns.shares**pull / (towns.shares**pull).sum()

    def draw(count: int) -> tuple[Floats, Floats]:
        centre = rng.choice(len(shares), count, p=shares)
        east, north = rng.normal(0.0, towns.spread[centre]), rng.normal(0.0, towns.spread[centre])
        return towns.lons[centre] + east / ground.metres_per_lon, towns.lats[centre] + north / METRES_PER_DEGREE

    return draw
