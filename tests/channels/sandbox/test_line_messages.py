"""LINE's rules for message objects."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from channels.sandbox.line_messages import check_messages
from tests.channels.sandbox.desk import ORDER


def found(*messages: Any) -> list[tuple[str | None, str]]:
    details, _ = check_messages(msgspec.json.encode(messages))
    return [(detail.property, detail.message) for detail in details]


def bubble(size: int) -> dict[str, Any]:
    return {"type": "flex", "altText": "避難", "contents": {"type": "bubble", "filler": "x" * size}}


@pytest.mark.parametrize(("count", "good"), [(0, False), (1, True), (5, True), (6, False)])
def test_one_to_five_messages_go_at_once(count: int, good: bool) -> None:
    assert found(*[ORDER] * count) == ([] if good else [("messages", "Size must be between 1 and 5")])


def test_text_is_counted_in_utf_16_units() -> None:
    assert found({"type": "text", "text": "あ" * 5000}) == []
    assert found({"type": "text", "text": "𠮷" * 2500}) == []
    assert found({"type": "text", "text": "𠮷" * 2501}) == [("messages[0].text", "Length must be between 0 and 5000")]


def test_a_text_is_needed_and_not_empty() -> None:
    for message in ({"type": "text"}, {"type": "text", "text": ""}):
        assert found(message) == [("messages[0].text", "May not be empty")]


@pytest.mark.parametrize("message", [{"type": "nope"}, {}, {"type": 7}])
def test_an_unknown_type_is_answered_with_the_known_ones(message: Any) -> None:
    [(where, words)] = found(ORDER, message)
    assert where == "messages[1].type"
    assert words.startswith("Must be one of the following values: [text, textV2, sticker, ")


def test_pictures_come_over_https() -> None:
    image = {
        "type": "image",
        "originalContentUrl": "http://x.example/a.png",
        "previewImageUrl": "https://x.example/b.png",
    }
    assert found(image) == [("messages[0].originalContentUrl", "invalid uri scheme")]


def test_a_bubble_has_thirty_kilobytes() -> None:
    assert found(bubble(30_000)) == []
    assert found(bubble(31_000)) == [("messages[0].contents", "The flex message is too large")]


def test_a_carousel_has_twelve_bubbles() -> None:
    carousel = {"type": "carousel", "contents": [{"type": "bubble"}] * 13}
    assert found({"type": "flex", "altText": "避難", "contents": carousel}) == [
        ("messages[0].contents.contents", "Size must be between 1 and 12")
    ]


def test_there_are_thirteen_quick_replies_at_most_each_with_a_known_action() -> None:
    item = {"type": "action", "action": {"type": "location", "label": "現在地を送る"}}
    assert found(ORDER | {"quickReply": {"items": [item] * 13}}) == []
    assert found(ORDER | {"quickReply": {"items": [item] * 14}})[0][0] == "messages[0].quickReply.items"
    wrong = found(ORDER | {"quickReply": {"items": [{"action": {"type": "dance", "label": "踊る"}}]}})
    assert wrong[0][0] == "messages[0].quickReply.items[0].action.type"


def test_messages_are_kept_on_one_line() -> None:
    _, line = check_messages(b'[\n {"type": "text",\n "text": "a\\nb"}\n]')
    assert line == b'[{"type":"text","text":"a\\nb"}]'
