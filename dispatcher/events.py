"""Events: what happened or is on offer, where, in which words, for how long. Read whole or refused whole."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dispatcher.digest import digest
from dispatcher.event_area import Areas, read_area
from dispatcher.event_fields import (
    read_channels,
    read_delivery,
    read_hazard,
    read_id,
    read_issuer,
    read_late_entry,
    read_level,
    read_reference,
    read_shelters,
    read_topics,
    read_valid_until,
)
from dispatcher.event_texts import Circumstances, Text, read_area_name, read_change_texts, read_texts
from dispatcher.model import Delivery, EventClass, Mode, Relation, ShelterChoice, Standing
from dispatcher.sheet import Sheet
from dispatcher.strict_json import read, unsound
from geo.area import MAX_BYTES, Area
from words.problem import Problem, Refused

__all__ = ["Areas", "Event", "Text", "parse_event"]

DOCUMENT_BYTES = MAX_BYTES + 256 * 1024
"""An area as large as an area may be, and room for the texts."""

KEYS = (
    "id",
    "class",
    "mode",
    "hazard",
    "level",
    "issuer",
    "area",
    "area_name",
    "topics",
    "texts",
    "texts_still",
    "texts_released",
    "channels",
    "delivery",
    "shelters",
    "valid_until",
    "late_entry",
    "reference",
)

_DECIDED_ELSEWHERE = frozenset(
    {"approved_by", "requested_by", "approval", "approved_at", "state", "priority", "digest", "dispatch"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A valid event. `area` is None only where the audience comes from the parent (corrects, lifts).

    `valid_until` is in UTC; `channels` stand in order of preference; `texts` always holds ja. `texts_still` and
    `texts_released` are empty but in an update that tells its three audiences different things, and then hold ja too.
    `document` is the canonical document, defaults filled in and the area as it was given;
    `digest` the SHA-256 an approval is bound to (every field but `id`, and the area's geometry).
    """

    id: str
    event_class: EventClass
    mode: Mode
    hazard: str | None
    level: int | None
    issuer: str
    area: Area | None
    area_name: Mapping[str, str]
    topics: tuple[str, ...]
    texts: Mapping[str, Text]
    texts_still: Mapping[str, Text]
    texts_released: Mapping[str, Text]
    channels: tuple[str, ...]
    delivery: Delivery
    shelters: ShelterChoice
    valid_until: datetime
    relation: Relation | None
    parent: str | None
    digest: str
    document: Mapping[str, Any] = field(repr=False)

    @property
    def late_entry(self) -> bool:
        """Whether whoever comes into the area while the event holds gets it too (dispatcher/late_entry.py)."""
        wanted: bool = self.document.get("late_entry", self.event_class is EventClass.EVACUATION)
        return wanted and self.relation is not Relation.LIFTS

    @classmethod
    def restore(cls, document: Mapping[str, Any], area: Area | None) -> Event:
        """The event of a stored canonical `document` and its stored area; nothing is checked again.

        For a planner that resumes: the words approved stay the words sent.
        """
        relation, parent = next(iter(document.get("reference", {}).items()), (None, None))
        return cls(
            id=document["id"],
            event_class=EventClass(document["class"]),
            mode=Mode(document["mode"]),
            hazard=document.get("hazard"),
            level=document.get("level"),
            issuer=document["issuer"],
            area=area,
            area_name=document["area_name"],
            topics=tuple(document.get("topics", ())),
            texts=_stored_texts(document, "texts"),
            texts_still=_stored_texts(document, "texts_still"),
            texts_released=_stored_texts(document, "texts_released"),
            channels=tuple(document["channels"]),
            delivery=Delivery(document["delivery"]),
            shelters=ShelterChoice(document.get("shelters", ShelterChoice.NEAREST)),
            valid_until=datetime.fromisoformat(document["valid_until"]).astimezone(UTC),
            relation=Relation(relation) if relation else None,
            parent=parent,
            digest=_digest(document, area),
            document=document,
        )

    @property
    def standings(self) -> tuple[Standing, ...]:
        """The audiences it tells different things, in the order they are written to; none: everybody reads `texts`."""
        return tuple(Standing) if self.texts_released else ()

    def texts_for(self, standing: Standing) -> Mapping[str, Text]:
        """The texts by language for an audience; everybody's, in an event without audiences, are those of NEW."""
        return {
            Standing.NEW: self.texts,
            Standing.STILL: self.texts_still,
            Standing.RELEASED: self.texts_released,
        }[standing]


def _stored_texts(document: Mapping[str, Any], key: str) -> dict[str, Text]:
    return {language: Text(**words) for language, words in document.get(key, {}).items()}


def parse_event(
    document: bytes | Mapping[str, Any],
    *,
    now: datetime,
    areas: Areas,
    channels: Sequence[str],
    town: str,
    base_dir: Path | None = None,
) -> Event:
    """Read an event document (docs/formats.md), UTF-8 JSON or already decoded.

    `now` is aware. `areas` gives the boundary for a municipality code. `channels` are the names to choose
    from, all of them by default, in this order; `town` is the issuer where none is named. `base_dir` is the
    directory of the document's file, and None where files may not be named (an API). Raises Refused with
    all problems at once, each with a JSON pointer.
    """
    sheet = _sheet(document)
    _refuse_unknown(sheet)
    canonical, area = _read(sheet, now, areas, channels, town, base_dir)
    if sheet.problems:
        raise Refused(sheet.problems)
    stored = {key: value for key, value in canonical.items() if value is not None}
    if stored.get("id") is None:
        stored["id"] = f"{stored['class']}-{_digest(stored, area)[:8]}"
    return Event.restore(stored, area)


def check_keys(document: Mapping[str, Any]) -> list[Problem]:
    """What an event document may not hold at its top, complete or not."""
    sheet = Sheet(document)
    _refuse_unknown(sheet)
    return sheet.problems


def _sheet(document: bytes | Mapping[str, Any]) -> Sheet:
    value, problems = read(document, limit=DOCUMENT_BYTES) if isinstance(document, bytes) else (document, None)
    if not isinstance(value, Mapping):
        raise Refused(
            Problem(
                "event.type",
                "",
                "イベント文書は、ひとつのJSONオブジェクト（{ … }）で書いてください。",
                "An event document is one JSON object ({ … }).",
            )
        )
    return Sheet(value, unsound(dict(value)) if problems is None else problems)


def _refuse_unknown(sheet: Sheet) -> None:
    for key in sheet.document:
        if key in _DECIDED_ELSEWHERE:
            sheet.refuse(
                "event.not_in_document",
                f"/{key}",
                f"「{key}」は文書には書けません。依頼者と承認者、配信の状態は、送信の手続きの中で決まります。",
                f"'{key}' cannot be set in a document; who asks, who approves and the state are settled when it is sent.",
            )
    sheet.unknown_keys((key for key in sheet.document if key not in _DECIDED_ELSEWHERE), KEYS)


def _read(
    sheet: Sheet, now: datetime, areas: Areas, channels: Sequence[str], town: str, base_dir: Path | None
) -> tuple[dict[str, Any], Area | None]:
    """The canonical document, None where a key is absent, and the area; worth nothing once the sheet has problems."""
    event_class = sheet.choice("class", EventClass)
    mode = sheet.choice("mode", Mode, Mode.DRILL)
    level = read_level(sheet, event_class)
    reference = read_reference(sheet)
    area, found = read_area(sheet, reference[0] if reference else None, areas, base_dir)
    chosen = read_channels(sheet, channels)
    circumstances = Circumstances(event_class, mode, level, chosen)
    texts = read_texts(sheet, circumstances)
    still, released = read_change_texts(sheet, circumstances, reference[0] if reference else None)
    valid_until = read_valid_until(sheet, event_class, mode, now)
    canonical = {
        "id": read_id(sheet),
        "class": event_class,
        "mode": mode,
        "hazard": read_hazard(sheet, event_class),
        "level": level,
        "issuer": read_issuer(sheet, event_class, mode, town),
        "area": sheet.get("area"),
        "area_name": read_area_name(sheet, found, mode),
        "topics": list(read_topics(sheet, event_class)) or None,
        "texts": _written(texts),
        "texts_still": _written(still) or None,
        "texts_released": _written(released) or None,
        "channels": list(chosen),
        "delivery": read_delivery(sheet, event_class),
        "shelters": read_shelters(sheet, event_class),
        "valid_until": valid_until.isoformat() if valid_until else None,
        "late_entry": read_late_entry(sheet, event_class, reference[0] if reference else None),
        "reference": {reference[0].value: reference[1]} if reference else None,
    }
    return canonical, area


def _written(texts: Mapping[str, Text]) -> dict[str, Any]:
    return {language: asdict(text) for language, text in texts.items()}


def _digest(document: Mapping[str, Any], area: Area | None) -> str:
    content = {key: value for key, value in document.items() if key not in {"id", "area"}}
    return digest({**content, "geometry": area.digest if area else None})
