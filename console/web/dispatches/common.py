"""What the pages about dispatches share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from console.report import labels
from console.watch.stopping import may_stop
from console.web.pages import ENVIRONMENT
from console.web.parts import OFFICER
from dispatcher.model import Outcome, Standing
from words.problem import Tongue
from words.terms import HAZARDS, LEVELS

NAME = r"{dispatch:[0-9a-z-]{1,40}}"
"""A dispatch's name in an address."""
_MINUTE = 60
_HOUR = 3600
_EXACT = 10


def name_of(request: web.Request) -> str:
    return request.match_info["dispatch"]


def stoppable(request: web.Request, event_class: str) -> bool:
    return OFFICER in request and may_stop(request[OFFICER], event_class)


def duration(seconds: float | None, tongue: Tongue) -> str:
    """`1.2 秒`, `45 秒`, `2 分 10 秒`, `1 時間 5 分`; a dash for what nobody knows."""
    if seconds is None:
        return "–"
    if seconds < _EXACT:
        return f"{seconds:.1f} 秒" if tongue == "ja" else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} 秒" if tongue == "ja" else f"{whole} s"
    minutes, rest = divmod(whole, _MINUTE)
    if whole < _HOUR:
        return f"{minutes} 分 {rest} 秒" if tongue == "ja" else f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, _MINUTE)
    return f"{hours} 時間 {minutes} 分" if tongue == "ja" else f"{hours} h {minutes} min"


def title(known: Any, tongue: Tongue) -> str:
    """What a dispatch is called: what is ordered, and where. `known`: a Head or a Row."""
    what = (
        LEVELS[known.level].names[tongue]
        if known.level in LEVELS
        else labels.CLASSES[known.event_class]._asdict()[tongue]
    )
    relation = labels.RELATIONS[known.relation]._asdict()[tongue] if known.relation else ""
    where = known.area_name.get(tongue) or known.area_name.get("ja", "")
    if tongue == "ja":
        return " ".join(filter(None, [where, what + (f"の{relation}" if relation else "")]))
    return ", ".join(filter(None, [what + (f" ({relation} an earlier one)" if relation else ""), where]))


def hazard(known: Any, tongue: Tongue) -> str:
    return HAZARDS[known.hazard][tongue] if known.hazard in HAZARDS else ""


def words(tongue: Tongue) -> Mapping[str, Any]:
    """What every template about dispatches calls things by."""
    return {
        "tongue": tongue,
        "channel_name": lambda name: labels.channel(name)._asdict()[tongue],
        "state_name": lambda name: labels.state(name)._asdict()[tongue],
        "class_name": lambda name: labels.CLASSES[name]._asdict()[tongue],
        "mode_name": lambda name: labels.MODES[name]._asdict()[tongue],
        "relation_name": lambda name: labels.RELATIONS[name]._asdict()[tongue],
        "outcome_name": lambda value: labels.outcome(Outcome(value))._asdict()[tongue],
        "outcome_named": lambda name: labels.outcome(Outcome[name.upper()])._asdict()[tongue],
        "standing_name": lambda name: labels.STANDINGS[Standing(name)]._asdict()[tongue],
        "title_of": lambda known: title(known, tongue),
        "hazard_of": lambda known: hazard(known, tongue),
        "duration": lambda seconds: duration(seconds, tongue),
    }


def fragment(template: str, tongue: Tongue, **context: Any) -> str:
    """A part of a page, the same for whoever reads that language."""
    return ENVIRONMENT.get_template(template).render({**words(tongue), **context})
