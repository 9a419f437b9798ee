"""The people of a town that was made for measuring: everything about them follows from their number.

Subscriber numbers are 1, 2, … So a provider's record of an address tells whom it was.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from channels.lanes import mail_lane

Numbers = NDArray[np.int64]

CENTRE = 133.70, 34.60
RADIUS, INSIDE, OUTSIDE, FAR = 0.05, 0.048, 0.055, 0.5
"""Degrees: the area's, the widest place of those in it, the nearest and the farthest of the others."""
VERTICES = 1_000
LANGUAGES = np.array([b"ja"] * 18 + [b"en", b"vi"])
MAIL_DOMAINS = ("docomo.ne.jp", "gmail.com", "ezweb.ne.jp", "yahoo.co.jp", "icloud.com", "kawabe.example")
LANES = ("", *dict.fromkeys(mail_lane(f"n@{domain}") for domain in MAIL_DOMAINS))
FESTIVAL = "festival"
_SEED = 99_201
_OF_LINE, _OF_PHONE = re.compile(rb"U([0-9a-f]{32})"), re.compile(rb"(?:\+|%2B)8190([0-9]{8})")
_OF_MAILBOX = re.compile(rb"n([0-9]{8})@")


@dataclass(frozen=True, slots=True)
class Size:
    """How many there are, how many of them in the area. `mix`: 70 % have LINE, 15 % a phone, 15 % a mailbox."""

    subscribers: int
    recipients: int
    places: int
    mix: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.recipients <= self.subscribers <= self.places:
            raise ValueError("a town needs 0 < recipients <= subscribers <= places")

    @property
    def name(self) -> str:
        return f"{self.subscribers}-{self.recipients}-{self.places}" + ("-mix" if self.mix else "")


def in_area(size: Size) -> NDArray[np.bool_]:
    """Whether each subscriber lives in the area, by number less one."""
    chosen = np.zeros(size.subscribers, np.bool_)
    chosen[np.random.default_rng(_SEED).permutation(size.subscribers)[: size.recipients]] = True
    return chosen


def recipients(size: Size) -> Numbers:
    """The numbers of those in the area, ascending."""
    return np.flatnonzero(in_area(size)) + 1


def spots(inside: NDArray[np.bool_], seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A lon and a lat for each, evenly spread in the area or around it."""
    chance = np.random.default_rng([_SEED, seed])
    share, turn = chance.random(len(inside)), chance.random(len(inside)) * 2 * np.pi
    outer = np.sqrt(OUTSIDE**2 + share * (FAR**2 - OUTSIDE**2))
    radius = np.where(inside, INSIDE * np.sqrt(share), outer)
    return CENTRE[0] + radius * np.cos(turn), CENTRE[1] + radius * np.sin(turn)


def area() -> dict[str, object]:
    """The area as GeoJSON: a circle of a thousand corners."""
    turn = np.linspace(0, 2 * np.pi, VERTICES, endpoint=False)
    ring = np.stack([CENTRE[0] + RADIUS * np.cos(turn), CENTRE[1] + RADIUS * np.sin(turn)], axis=1).round(7).tolist()
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


def kind_of(number: int, *, mix: bool) -> str:
    """The kind of contact they have: one each."""
    share = number % 20 if mix else 0
    return "line" if share < 14 else "phone" if share < 17 else "email"  # noqa: PLR2004 70 %, 15 %, 15 %


def address_of(number: int, kind: str) -> str:
    if kind == "line":
        return f"U{number:032x}"
    if kind == "phone":
        return f"+8190{number:08d}"
    return f"n{number:08d}@{MAIL_DOMAINS[number % len(MAIL_DOMAINS)]}"


def lane_of(number: int, kind: str) -> int:
    """The position in LANES."""
    return LANES.index(mail_lane(address_of(number, kind))) if kind == "email" else 0


def numbers_in(text: bytes) -> Numbers:
    """Whose addresses stand in what a provider kept, each as often as it does."""
    found = [int(digits, 16) for digits in _OF_LINE.findall(text)]
    found += [int(digits) for pattern in (_OF_PHONE, _OF_MAILBOX) for digits in pattern.findall(text)]
    return np.array(found, np.int64)
