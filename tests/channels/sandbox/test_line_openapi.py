"""The LINE look-alike and LINE's own description agree on what is a request and what is an answer.

The description's `Message` has a discriminator, which validators do not follow; it is resolved here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from channels.sandbox.line_messages import check_messages
from channels.sandbox.line_rules import LineRefusal, Multicast, require_messages, require_recipients, require_units
from tests.channels.sandbox.desk import HANA, KEY, LINH, ORDER, Desk, open_desk

PICTURE = "https://kawabe.example/map.png"
ITEM = {"type": "action", "action": {"type": "message", "label": "無事です", "text": "無事です"}}
GOOD: list[dict[str, Any]] = [
    ORDER | {"quoteToken": "q", "emojis": [], "quickReply": {"items": [ITEM]}, "sender": {"name": "川辺町"}},
    {"type": "textV2", "text": "{a}", "substitution": {"a": {"type": "emoji", "productId": "1", "emojiId": "2"}}},
    {"type": "sticker", "packageId": "446", "stickerId": "1988"},
    {"type": "image", "originalContentUrl": PICTURE, "previewImageUrl": PICTURE},
    {"type": "video", "originalContentUrl": PICTURE, "previewImageUrl": PICTURE, "trackingId": "t"},
    {"type": "audio", "originalContentUrl": PICTURE, "duration": 60000},
    {"type": "location", "title": "川辺小学校", "address": "川辺町1-1", "latitude": 34.6, "longitude": 133.7},
    {
        "type": "imagemap",
        "baseUrl": PICTURE,
        "altText": "地図",
        "baseSize": {"width": 1040, "height": 1040},
        "actions": [],
    },
    {"type": "template", "altText": "確認", "template": {"type": "confirm", "text": "無事ですか", "actions": []}},
    {"type": "flex", "altText": "避難指示", "contents": {"type": "bubble"}},
    {"type": "coupon", "couponId": "c1", "deliveryTag": "matsuri"},
]
WRONG: tuple[Any, ...] = (17, [], {"x": 1}, "")
NESTED = {"template": "Template", "flex": "FlexContainer"}


class Spec:
    """LINE's description, and whether it takes a value."""

    def __init__(self, path: Path) -> None:
        self.document = yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
        resource = DRAFT4.create_resource(self.document)
        self._registry: Any = Registry().with_resource("urn:line", resource)

    def takes(self, name: str, value: object) -> bool:
        return bool(self._validator(f"#/components/schemas/{name}").is_valid(value))

    def takes_message(self, message: Any) -> bool:
        if not isinstance(message, dict):
            return False
        name = self._variant("Message", message)
        if name is None or not self.takes(name, message):
            return False
        base = NESTED.get(message["type"])
        return base is None or self._variant(base, message.get("template", message.get("contents"))) is not None

    def takes_multicast(self, body: Any) -> bool:
        return self.takes("MulticastRequest", body) and all(map(self.takes_message, body["messages"]))

    def answers(self, path: str, method: str, status: int, body: object) -> bool:
        response = self.document["paths"][path][method]["responses"][str(status)]
        if "content" not in response:
            return True
        pointer = f"#/paths/{path.replace('/', '~1')}/{method}/responses/{status}/content/application~1json/schema"
        return bool(self._validator(pointer).is_valid(body))

    def _variant(self, base: str, value: Any) -> str | None:
        mapping = self.document["components"]["schemas"][base]["discriminator"]["mapping"]
        kind = value.get("type") if isinstance(value, dict) else None
        reference = mapping.get(kind) if isinstance(kind, str) else None
        return reference.rpartition("/")[2] if reference else None

    def _validator(self, pointer: str) -> Any:
        return OAS30Validator({"$ref": f"urn:line{pointer}"}, registry=self._registry)


@pytest.fixture(scope="module")
def spec(shared_data: Callable[..., Path]) -> Spec:
    return Spec(shared_data("openapi", "line-messaging-api.yml"))


def spoiled(message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The message without each of its properties, and with each in another type."""
    for name, value in message.items():
        yield {other: message[other] for other in message if other != name}
        yield from (message | {name: wrong} for wrong in WRONG if type(wrong) is not type(value))


def takes(body: bytes) -> bool:
    """Whether the look-alike takes a multicast, without the network between."""
    try:
        multicast = msgspec.json.decode(body, type=Multicast)
        require_recipients(multicast.to)
        require_units(multicast.customAggregationUnits)
        require_messages(multicast.messages)
    except (LineRefusal, msgspec.DecodeError):
        return False
    return True


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_a_whole_message_is_taken_by_both(spec: Spec, message: dict[str, Any]) -> None:
    assert spec.takes_message(message)
    assert check_messages(msgspec.json.encode([message]))[0] == ()


@pytest.mark.parametrize("message", GOOD, ids=lambda message: message["type"])
def test_a_message_spoiled_in_any_property_is_judged_alike(spec: Spec, message: dict[str, Any]) -> None:
    differing = [
        bad
        for bad in spoiled(message)
        if spec.takes_message(bad) != (not check_messages(msgspec.json.encode([bad]))[0])
    ]
    assert differing == []


def test_every_type_of_message_that_line_describes_is_tried(spec: Spec) -> None:
    mapping = spec.document["components"]["schemas"]["Message"]["discriminator"]["mapping"]
    assert {message["type"] for message in GOOD} == set(mapping)


any_message = st.sampled_from([*GOOD, *(bad for good in GOOD for bad in spoiled(good)), {}, "text", 5])
a_body = st.fixed_dictionaries(
    {
        "to": st.sampled_from([[f"U{number:032x}" for number in range(count)] for count in (0, 1, 2, 500, 501)])
        | st.sampled_from([HANA, [7], None]),
        "messages": st.lists(any_message, max_size=6) | st.sampled_from(["text", {}]),
    },
    optional={
        "notificationDisabled": st.sampled_from([True, False, "yes"]),
        "customAggregationUnits": st.sampled_from([[], ["hanabi"], ["花火"], ["a" * 31], ["a", "b"], "hanabi"]),
        "unheard": st.just(1),
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=a_body)
def test_any_multicast_is_judged_alike(spec: Spec, body: dict[str, Any]) -> None:
    assert takes(msgspec.json.encode(body)) == spec.takes_multicast(body)


async def test_the_servers_verdict_is_the_rules_verdict(spec: Spec, desk: Desk) -> None:
    bodies = [{"to": [HANA], "messages": [message]} for good in GOOD for message in (good, *spoiled(good))]
    for body in bodies[::5]:
        reply = await desk.line("/v2/bot/message/multicast", body)
        assert reply.status == (200 if spec.takes_multicast(body) else 400), body
        assert spec.answers("/v2/bot/message/multicast", "post", reply.status, reply.body)


async def test_pushes_and_replies_are_judged_alike(spec: Spec, desk: Desk) -> None:
    for number, messages in enumerate([[ORDER], [], [ORDER] * 5, [ORDER] * 6, None]):
        push = {"to": HANA, "messages": messages}
        reply = {"replyToken": f"token-{number}", "messages": messages}
        for path, schema, body in (("push", "PushMessageRequest", push), ("reply", "ReplyMessageRequest", reply)):
            answer = await desk.line(f"/v2/bot/message/{path}", body)
            assert (answer.status == 200) == spec.takes(schema, body)
            assert spec.answers(f"/v2/bot/message/{path}", "post", answer.status, answer.body)


async def test_every_refusal_of_a_multicast_has_lines_envelope(spec: Spec, tmp_path: Path) -> None:
    path = "/v2/bot/message/multicast"
    async with open_desk(tmp_path, quota=1) as desk:
        await desk.multicast([HANA], key=KEY)
        refusals = [await desk.multicast([HANA], key=KEY), await desk.multicast([LINH]), await desk.multicast([])]
        await desk.faults({"channel": "line", "fault": "rate"})
        refusals.append(await desk.multicast([HANA]))
    assert [reply.status for reply in refusals] == [409, 429, 400, 429]
    assert all(spec.answers(path, "post", reply.status, reply.body) for reply in refusals)
    assert all(spec.takes("ErrorResponse", reply.body) for reply in refusals)


async def test_quota_use_and_profiles_are_told_in_lines_form(spec: Spec, tmp_path: Path) -> None:
    async with open_desk(tmp_path, quota=30_000) as desk:
        for path, asked in (
            ("/v2/bot/message/quota", "/v2/bot/message/quota"),
            ("/v2/bot/message/quota/consumption", "/v2/bot/message/quota/consumption"),
            ("/v2/bot/profile/{userId}", f"/v2/bot/profile/{HANA}"),
        ):
            assert spec.answers(path, "get", 200, (await desk.line(asked)).body)
