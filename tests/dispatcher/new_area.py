"""An order of Kawabe whose area changes, and the words for its three audiences."""

from __future__ import annotations

from typing import Any

from dispatcher.events import Event
from tests.dispatcher.engine_room import RIVERSIDE, order

FULL = {
    "ja": {"subject": "避難指示", "body": "川沿いに{level_name}。"},
    "vi": {"subject": "Sơ tán", "body": "Hãy sơ tán ngay."},
}
STILL = {
    "ja": {"subject": "避難指示 継続", "body": "{level_name}を続けます。"},
    "vi": {"subject": "Vẫn còn", "body": "Lệnh vẫn còn hiệu lực."},
}
RELEASED = {
    "ja": {"subject": "対象外", "body": "この地区は対象から外れました。"},
    "vi": {"subject": "Hết", "body": "Khu vực này không còn lệnh."},
}


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


RIVER = {"type": "Polygon", "coordinates": RIVERSIDE}
HANAS_BANK = box(133.695, 34.595, 133.7015, 34.6015)
"""Hana's and Tome's homes by the river, and no longer Linh's and Mei's."""
BANK_AND_HILL = {
    "type": "MultiPolygon",
    "coordinates": [HANAS_BANK["coordinates"], box(133.74, 34.64, 133.76, 34.66)["coordinates"]],
}
"""The river has turned: Ken's hill is in danger, and where Linh and Mei are is not."""


def update(of: str, **changes: Any) -> Event:
    """The order for the bank and the hill, which takes the place of that for the whole riverside."""
    three: dict[str, Any] = {"texts": FULL, "texts_still": STILL, "texts_released": RELEASED, "area": BANK_AND_HILL}
    return order(**three | {"reference": {"updates": of}} | changes)
