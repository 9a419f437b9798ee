"""The people of an invented town, in columns: language, topics, and addresses that look like those of a real one."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

Longs = NDArray[np.int64]

LANGUAGES = {
    "ja": 0.880,
    "vi": 0.025,
    "ja-x-easy": 0.020,
    "zh-Hans": 0.020,
    "en": 0.020,
    "pt": 0.010,
    "ko": 0.010,
    "ne": 0.005,
    "tl": 0.004,
    "id": 0.003,
    "zh-Hant": 0.002,
    "my": 0.001,
}
TOPICS = {
    "food": 0.22,
    "festival": 0.25,
    "hiking": 0.10,
    "family": 0.15,
    "culture": 0.12,
    "sports": 0.08,
    "drill": 0.05,
}
KINDS = {
    ("line",): 0.33,
    ("line", "phone"): 0.12,
    ("line", "email"): 0.18,
    ("line", "phone", "email"): 0.07,
    ("phone",): 0.10,
    ("email",): 0.14,
    ("phone", "email"): 0.06,
}
"""Together 70 % LINE, 35 % SMS, 45 % email, and nobody with nothing."""
MAIL_DOMAINS = {
    "gmail.com": 0.300,
    "docomo.ne.jp": 0.200,
    "ezweb.ne.jp": 0.080,
    "au.com": 0.060,
    "softbank.ne.jp": 0.060,
    "i.softbank.jp": 0.060,
    "yahoo.co.jp": 0.100,
    "icloud.com": 0.070,
    "outlook.jp": 0.030,
    "kawabe-net.example": 0.020,
    "tanaka-koumuten.example": 0.010,
    "minato-gakuen.example": 0.010,
}
OLD_DOMAINS = frozenset({"docomo.ne.jp", "ezweb.ne.jp"})
OLD_DOTS = 0.06
"""Share of docomo's and au's mailboxes from before 2009-04, whose dots RFC 5321 does not allow."""
PHONE_PREFIXES = {"090": 0.42, "080": 0.38, "070": 0.16, "060": 0.04}
PHONE_STYLES = {"+81{0}{1}{2}": 0.4, "0{0}-{1}-{2}": 0.4, "0{0}{1}{2}": 0.2}
FAMILY = (
    "sato",
    "suzuki",
    "takahashi",
    "tanaka",
    "ito",
    "yamamoto",
    "nakamura",
    "kobayashi",
    "kato",
    "yoshida",
    "mori",
)
GIVEN = ("hana", "ken", "tome", "haruto", "yui", "sota", "aoi", "ren", "mei", "linh", "minh", "akira", "naoko", "jun")
PHONE_NUMBERS = 90_000_000
"""Of one prefix: eight digits, the first not 0."""
PHONE_STRIDE = 48_271_943
"""No factor in common with 90,000,000, so that no number comes twice."""


def pick(rng: np.random.Generator, shares: Mapping[str, float], count: int) -> list[str]:
    """`count` keys of `shares`, by their shares."""
    return [list(shares)[n] for n in _positions(rng, shares.values(), count).tolist()]


def _positions(rng: np.random.Generator, shares: Collection[float], count: int) -> Longs:
    weights = np.array(list(shares), dtype=np.float64)
    return rng.choice(len(weights), count, p=weights / weights.sum())


def contact_kinds(rng: np.random.Generator, count: int) -> dict[str, NDArray[np.bool_]]:
    """Who has which kind of contact."""
    chosen = _positions(rng, KINDS.values(), count)
    return {kind: np.array([kind in kinds for kinds in KINDS])[chosen] for kind in ("line", "phone", "email")}


def topics(rng: np.random.Generator, count: int, separator: str) -> list[str]:
    """Each person's topics, joined; most have one or two, many none."""
    names = np.array(list(TOPICS))
    wanted = rng.random((count, len(names))) < list(TOPICS.values())
    return [separator.join(names[row]) for row in wanted]


def line_user_ids(rng: np.random.Generator, count: int) -> list[str]:
    """`U` and 32 hexadecimal digits: 128 random bits, so unique, and nobody's."""
    digits = rng.bytes(16 * count).hex()
    return [f"U{digits[at : at + 32]}" for at in range(0, 32 * count, 32)]


def phones(rng: np.random.Generator, count: int) -> list[str]:
    """Mobile numbers as people write them, no number twice."""
    start = int(rng.integers(PHONE_NUMBERS))
    numbers = (start + PHONE_STRIDE * np.arange(count)) % PHONE_NUMBERS + 10_000_000
    prefixes, styles = pick(rng, PHONE_PREFIXES, count), pick(rng, PHONE_STYLES, count)
    return [
        style.format(prefix[1:], f"{number:08d}"[:4], f"{number:08d}"[4:])
        for style, prefix, number in zip(styles, prefixes, numbers.tolist(), strict=True)
    ]


def mailboxes(rng: np.random.Generator, count: int) -> list[str]:
    """Addresses with a running number in them, so that each is one person's and hardly anybody's in the world."""
    family, given = (rng.choice(names, count).tolist() for names in (FAMILY, GIVEN))
    domains, old = pick(rng, MAIL_DOMAINS, count), (rng.random(count) < OLD_DOTS).tolist()
    return [
        f"{_local_part(family[n], given[n], n, old[n] and domains[n] in OLD_DOMAINS)}@{domains[n]}"
        for n in range(count)
    ]


def _local_part(family: str, given: str, number: int, old: bool) -> str:
    if not old:
        return f"{given}.{family}.k{number:06d}"
    return f"{given}..{family}.k{number:06d}" if number % 2 else f"{given}.{family}.k{number:06d}."
