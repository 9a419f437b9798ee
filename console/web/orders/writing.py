"""From the form of step 2 to an event document. A field is named by its place in the document, as problems name it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, tzinfo
from typing import Any

from multidict import MultiMapping

from dispatcher.event_fields import CLASS_OF_LEVEL
from dispatcher.event_texts import TEXTS_FOR
from dispatcher.model import EventClass
from words.languages import JAPANESE
from words.terms import LEVELS

Document = dict[str, Any]
TOURISM = EventClass.TOURISM.value
TEXTS = tuple(TEXTS_FOR.values())
_ALWAYS_SHOWN = {*TEXTS, "area_name", "channels", "topics"}
_SEPARATORS = str.maketrans(dict.fromkeys("、,，;", " "))
_DEEPEST = 3
"""`/texts/ja/body`"""


def written(form: MultiMapping[Any], kept: Mapping[str, Any], timezone: tzinfo) -> Document:
    """What was filled in, over what the form does not show of the document it began with.

    A field that no event has stays in, to be refused. What is empty is left out; so is a language whose every word was
    taken out.
    """
    found = _nested(form)
    shown = _ALWAYS_SHOWN | {name.split("/")[1] for name in form if name.startswith("/")}
    document = {key: value for key, value in kept.items() if key not in shown} | found
    document["channels"] = list(map(str, form.getall("/channels", [])))
    if "kind" in form:
        document |= _of_kind(str(form["kind"]), str(form.get("hazard", "")))
    if document.get("class") == TOURISM:
        document["topics"] = str(form.get("/topics", "")).translate(_SEPARATORS).split()
    if "valid_until" in found:
        document["valid_until"] = moment(found["valid_until"], timezone)
    return {key: value for key, value in document.items() if value is not None and value != ""}


def moment(given: str, timezone: tzinfo) -> str:
    """With the offset of the town where the field has none; what is no time stays as it is, to be refused."""
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        return given
    return (at if at.tzinfo else at.replace(tzinfo=timezone)).isoformat(timespec="seconds")


def local_time(value: object, timezone: tzinfo) -> str:
    """A moment of a document as a form shows it; what is none stays as it was typed."""
    try:
        return f"{datetime.fromisoformat(str(value)).astimezone(timezone):%Y-%m-%dT%H:%M}"
    except ValueError:
        return str(value)


def fields_of(document: Mapping[str, Any]) -> dict[str, str]:
    """Every value by its place: the other way round, to be shown and compared."""
    return dict(_flat("", document))


def _flat(place: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(f"{place}/{key}", inner)
    elif isinstance(value, list):
        yield place, "、".join(map(str, value))
    else:
        yield place, str(value)


def _nested(form: MultiMapping[Any]) -> Document:
    found: Document = {}
    for name, value in form.items():
        if name.startswith("/") and isinstance(value, str):
            _put(found, name[1:].split("/", _DEEPEST - 1), value)
    names = found.get("area_name")
    if isinstance(names, dict) and set(names) <= {JAPANESE}:
        found["area_name"] = names.get(JAPANESE)
    return {key: value for key, value in found.items() if key not in {"channels", "topics"}}


def _put(document: Document, path: list[str], value: str) -> None:
    """Texts have line breaks as documents have them; a subject or a name keeps what it may not hold, to be refused."""
    *way, last = path
    tidy = value.replace("\0", "")
    if last in {"body", "sms"}:
        tidy = tidy.replace("\r\n", "\n").replace("\r", "\n").strip("\n")
    if not tidy.strip(" \u3000"):
        return
    for step in way:
        inner = document.setdefault(step, {})
        if not isinstance(inner, dict):
            return
        document = inner
    document[last] = tidy


def _of_kind(kind: str, hazard: str) -> Document:
    """A level, which has its class; or an invitation, which has neither level nor hazard."""
    if kind == TOURISM:
        return {"class": TOURISM, "level": None, "hazard": None, "shelters": None}
    level = int(kind) if kind in {str(each) for each in LEVELS} else None
    known = CLASS_OF_LEVEL[level].value if level is not None else None
    return {"class": known, "level": level, "hazard": hazard or None, "topics": None}
