"""LINE's rules for message objects: what each type needs, and how long it may be.

Source: the Messaging API reference (message objects) and LINE's OpenAPI description of 2026-07-01,
whose `Message` discriminator is resolved here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

MESSAGES_MAX = 5
QUICK_REPLIES_MAX = 13
FLEX_BYTES = {"bubble": 30 * 1024, "carousel": 50 * 1024}
FLEX_BUBBLES = 12


class Detail(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of an error's `details`: what is wrong with which property of the request."""

    message: str
    property: str | None = None


Found = Iterator[Detail]
Check = Callable[[Any, str], Found]

EMPTY = "May not be empty"


def units(text: str) -> int:
    """Length in UTF-16 code units, as LINE counts the text of a message."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def one_of(kinds: Mapping[str, object]) -> str:
    return f"Must be one of the following values: [{', '.join(kinds)}]"


def text(most: int) -> Check:
    def check(value: Any, where: str) -> Found:
        if not isinstance(value, str):
            yield Detail("Must be a string", where)
        elif not value:
            yield Detail(EMPTY, where)
        elif units(value) > most:
            yield Detail(f"Length must be between 0 and {most}", where)

    return check


def https(value: Any, where: str) -> Found:
    yield from text(2000)(value, where)
    if isinstance(value, str) and value and not value.startswith("https://"):
        yield Detail("invalid uri scheme", where)


def number(kind: type[int] | tuple[type[int], type[float]]) -> Check:
    def check(value: Any, where: str) -> Found:
        if isinstance(value, bool) or not isinstance(value, kind):
            yield Detail("Must be a number", where)

    return check


def a_list(value: Any, where: str) -> Found:
    if not isinstance(value, list):
        yield Detail("Must be an array", where)


def an_object(may: Mapping[str, Check] | None = None, **needs: Check) -> Check:
    """An object that has the properties it `needs` and `may` have some others."""

    def check(value: Any, where: str) -> Found:
        if not isinstance(value, dict):
            yield Detail("Must be an object", where)
            return
        for name, rule in needs.items():
            if value.get(name) is None:
                yield Detail(EMPTY, f"{where}.{name}")
            else:
                yield from rule(value[name], f"{where}.{name}")
        for name, rule in (may or {}).items():
            if value.get(name) is not None:
                yield from rule(value[name], f"{where}.{name}")

    return check


def kind_of(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which rule it follows."""

    def check(value: Any, where: str) -> Found:
        if not isinstance(value, dict):
            yield Detail("Must be an object", where)
            return
        rule = kinds.get(value["type"]) if isinstance(value.get("type"), str) else None
        if rule is None:
            yield Detail(one_of(kinds), f"{where}.type")
        else:
            yield from rule(value, where)

    return check


def _flex(value: Any, where: str) -> Found:
    if len(msgspec.json.encode(value)) > FLEX_BYTES[value["type"]]:
        yield Detail("The flex message is too large", where)


def _bubbles(value: Any, where: str) -> Found:
    bubbles = value.get("contents")
    if not isinstance(bubbles, list) or not 1 <= len(bubbles) <= FLEX_BUBBLES:
        yield Detail(f"Size must be between 1 and {FLEX_BUBBLES}", f"{where}.contents")
    yield from _flex(value, where)


def _quick_replies(value: Any, where: str) -> Found:
    if not isinstance(value, list) or not 1 <= len(value) <= QUICK_REPLIES_MAX:
        yield Detail(f"Size must be between 1 and {QUICK_REPLIES_MAX}", where)
        return
    for place, item in enumerate(value):
        yield from an_object(action=kind_of(ACTIONS))(item, f"{where}[{place}]")


def message(**needs: Check) -> Check:
    """A message object: what its type needs, and what every message may have."""
    return an_object(EXTRAS, **needs)


LABEL = text(20)
ACTIONS: dict[str, Check] = {
    "camera": an_object(label=LABEL),
    "cameraRoll": an_object(label=LABEL),
    "clipboard": an_object(label=LABEL, clipboardText=text(1000)),
    "datetimepicker": an_object(data=text(300), mode=text(10)),
    "location": an_object(label=LABEL),
    "message": an_object(label=LABEL, text=text(300)),
    "postback": an_object(data=text(300)),
    "richmenuswitch": an_object(richMenuAliasId=text(32), data=text(300)),
    "uri": an_object(uri=text(1000)),
}
TEMPLATES: dict[str, Check] = {
    "buttons": an_object(text=text(160), actions=a_list),
    "confirm": an_object(text=text(240), actions=a_list),
    "carousel": an_object(columns=a_list),
    "image_carousel": an_object(columns=a_list),
}
FLEX: dict[str, Check] = {"bubble": _flex, "carousel": _bubbles}
EXTRAS: dict[str, Check] = {
    "quickReply": an_object(items=_quick_replies),
    "sender": an_object({"name": text(20), "iconUrl": https}),
    "emojis": a_list,
    "quoteToken": text(2000),
    "substitution": an_object(),
    "trackingId": text(100),
    "deliveryTag": text(30),
}
"""What messages may have; LINE passes over those that the type does not know."""
ALT_TEXT = text(1500)
MESSAGES: dict[str, Check] = {
    "text": message(text=text(5000)),
    "textV2": message(text=text(5000)),
    "sticker": message(packageId=text(100), stickerId=text(100)),
    "image": message(originalContentUrl=https, previewImageUrl=https),
    "video": message(originalContentUrl=https, previewImageUrl=https),
    "audio": message(originalContentUrl=https, duration=number(int)),
    "location": message(
        title=text(100), address=text(100), latitude=number((int, float)), longitude=number((int, float))
    ),
    "imagemap": message(
        baseUrl=https, altText=ALT_TEXT, baseSize=an_object(width=number(int), height=number(int)), actions=a_list
    ),
    "template": message(altText=ALT_TEXT, template=kind_of(TEMPLATES)),
    "flex": message(altText=ALT_TEXT, contents=kind_of(FLEX)),
    "coupon": message(couponId=text(100)),
}
MESSAGE = kind_of(MESSAGES)


@lru_cache(maxsize=256)
def check_messages(raw: bytes) -> tuple[tuple[Detail, ...], bytes]:
    """What is wrong with a JSON array of messages, and the array on one line.

    A fan-out sends the same array thousands of times, so answers are remembered.
    """
    messages = msgspec.json.decode(raw)
    if not isinstance(messages, list) or not 1 <= len(messages) <= MESSAGES_MAX:
        return (Detail(f"Size must be between 1 and {MESSAGES_MAX}", "messages"),), raw
    found = [detail for place, one in enumerate(messages) for detail in MESSAGE(one, f"messages[{place}]")]
    return tuple(found), msgspec.json.encode(messages)
