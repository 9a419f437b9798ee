"""Event documents of 川辺町, and how the tests read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from dispatcher.events import Event, parse_event
from geo.area import Area, area_from_geojson
from words.problem import Problem, Refused

NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)
RIVERSIDE: dict[str, Any] = {
    "type": "Polygon",
    "coordinates": [[[133.69, 34.59], [133.71, 34.59], [133.71, 34.61], [133.69, 34.61], [133.69, 34.59]]],
}


def order(**changes: Any) -> dict[str, Any]:
    """An evacuation drill for the riverside; a change of None takes the key away."""
    document = {
        "class": "evacuation",
        "hazard": "flood",
        "level": 4,
        "area": RIVERSIDE,
        "texts": {"ja": {"subject": "{level_name}", "body": "{area_name}に避難指示を発令しました。"}},
    } | changes
    return {key: value for key, value in document.items() if value is not None}


def live(**changes: Any) -> dict[str, Any]:
    """The same for real: with issuer and expiry."""
    real = {"mode": "live", "issuer": "川辺町長", "valid_until": "2026-11-24T06:00:00+09:00"}
    return order(**(real | changes))


def festival(**changes: Any) -> dict[str, Any]:
    """An invitation by the bureau."""
    text = {"ja": {"subject": "灯ろう流し", "body": "今夜、川辺で灯ろう流しがあります。"}}
    invitation = {"class": "tourism", "hazard": None, "level": None, "topics": ["festival"], "texts": text}
    return order(**(invitation | changes))


def boundaries(code: str) -> tuple[Area, str] | None:
    """川辺町 is the only boundary that was imported."""
    return (area_from_geojson(RIVERSIDE), "川辺町") if code == "99201" else None


def parsed(document: dict[str, Any] | bytes, base_dir: Path | None = None) -> Event:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    channels = ("line", "sms", "email")
    return parse_event(text, now=NOW, areas=boundaries, channels=channels, town="川辺町", base_dir=base_dir)


def problems(document: dict[str, Any] | bytes, base_dir: Path | None = None) -> list[Problem]:
    """Everything an officer is told about a document that is refused."""
    with pytest.raises(Refused) as refusal:
        parsed(document, base_dir)
    return list(refusal.value.problems)


def only_problem(document: dict[str, Any] | bytes, base_dir: Path | None = None) -> Problem:
    [problem] = problems(document, base_dir)
    return problem
