"""The Twilio look-alike speaks as Twilio's own description says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator
from referencing import Registry
from referencing.jsonschema import DRAFT4

from channels.sandbox.sms_rules import PARAMETERS
from tests.channels.sandbox.desk import TOME, Desk

MESSAGES = "/2010-04-01/Accounts/{AccountSid}/Messages.json"


@pytest.fixture(scope="module")
def document(shared_data: Callable[..., Path]) -> Any:
    return json.loads(shared_data("openapi", "twilio-api-v2010.json").read_bytes())


@pytest.fixture(scope="module")
def problems(document: Any) -> Callable[[str, object], list[str]]:
    """What Twilio's description finds wrong with a value, given the place of its schema."""
    resource = DRAFT4.create_resource(document)
    registry: Any = Registry().with_resource("urn:twilio", resource)

    def find(pointer: str, value: object) -> list[str]:
        validator = OAS30Validator({"$ref": f"urn:twilio#{pointer}"}, registry=registry)
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(value)]

    return find


RESOURCE = "/components/schemas/api.v2010.account.message"


async def test_a_created_message_is_a_message_resource(
    desk: Desk, document: Any, problems: Callable[[str, object], list[str]]
) -> None:
    created = (await desk.sms()).body
    assert problems(RESOURCE, created) == []
    assert set(created) == set(document["components"]["schemas"]["api.v2010.account.message"]["properties"])


async def test_a_message_in_a_list_is_a_message_resource_in_every_state(
    desk: Desk, problems: Callable[[str, object], list[str]]
) -> None:
    await desk.faults({"channel": "sms", "fault": "undelivered", "first": 1})
    for _ in range(2):
        await desk.sms()
    found = (await desk.sms_get(f"/Messages.json?To=%2B{TOME[1:]}")).body
    assert [message["status"] for message in found["messages"]] == ["delivered", "undelivered"]
    assert [problems(RESOURCE, message) for message in found["messages"]] == [[], []]


async def test_a_list_has_the_properties_of_a_list(desk: Desk, document: Any) -> None:
    schema = document["paths"][MESSAGES]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert set((await desk.sms_get("/Messages.json")).body) == set(schema["properties"])


def test_every_parameter_the_look_alike_reads_is_one_of_create_message(document: Any) -> None:
    form = document["paths"][MESSAGES]["post"]["requestBody"]["content"]["application/x-www-form-urlencoded"]
    assert set(form["schema"]["properties"]) >= PARAMETERS
    assert form["schema"]["required"] == ["To"]
