"""The description and what is served are the same, whatever is sent."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from aiohttp.web import RouteDef
from hypothesis import HealthCheck, Phase
from openapi_schema_validator import OAS31Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from console.accounts import Role
from console.api import keys
from console.web.api.document import DOCUMENT
from console.web.api.door import PREFIX
from console.web.app import TABLES
from tests.console.api.program import Program, program
from tests.console.office import Office
from tests.console.orders.hall import drill
from tests.dispatcher.engine_room import CAST, kawabe, order

EXAMPLES = 25
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
)
VARIABLE = re.compile(r"\{(\w+):(?:[^{}]|\{[^{}]*\})*\}")
"""`{id:[0-9]+}`, as a route has it."""
NOTHING_TO_GET_WRONG = (("get", "/api/v1/openapi.json"), GenerationMode.NEGATIVE)
OPERATIONS = [(method, path) for path, each in DOCUMENT["paths"].items() for method in each]


def test_every_address_is_described() -> None:
    served = [route for table in TABLES for route in table.routes if isinstance(route, RouteDef)]
    ours = {(each.method.lower(), VARIABLE.sub(r"{\1}", each.path)) for each in served if each.path.startswith(PREFIX)}
    assert ours == set(OPERATIONS)


async def test_the_description_is_served_to_anybody(office: Office) -> None:
    said = await Program(office.address, "").get("/api/v1/openapi.json")
    assert (said.status, said.body) == (200, json.loads(json.dumps(DOCUMENT)))
    for schema in DOCUMENT["components"]["schemas"].values():
        OAS31Validator.check_schema(schema)


async def test_what_is_there_is_answered_as_described(office: Office, tmp_path: Path) -> None:
    town = await kawabe(office.pool)
    await town.settle(tmp_path, list(CAST.values()))
    gauge, sent = await program(office, sends_drills=True), (await town.sent(order())).dispatch
    drafted = await gauge.post("/api/v1/orders", drill(), Idempotency_Key="one")
    for said, name in (
        (drafted, "Drafted"),
        (await gauge.get("/api/v1/key"), "Key"),
        (await gauge.get(drafted.headers["Location"]), "Order"),
        (await gauge.post(f"{drafted.headers['Location']}/send"), "Order"),
        (await gauge.get("/api/v1/dispatches"), "Rows"),
        (await gauge.get(f"/api/v1/dispatches/{sent}"), "Dispatch"),
        (await gauge.post(f"/api/v1/dispatches/{sent}/stop"), "Stopped"),
        (await gauge.get("/api/v1/orders/99"), "Problem"),
    ):
        assert [error.message for error in _validator(name).iter_errors(said.body)] == [], name


def _validator(name: str) -> OAS31Validator:
    registry = Registry().with_resource("urn:api", DRAFT202012.create_resource(DOCUMENT))
    schemas = json.loads(json.dumps(DOCUMENT).replace('"#/components', '"urn:api#/components'))["components"]["schemas"]
    return OAS31Validator(schemas[name], registry=registry)


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [(*each, mode) for each in OPERATIONS for mode in GenerationMode if (each, mode) != NOTHING_TO_GET_WRONG],
)
async def test_no_request_breaks_it_and_every_answer_is_as_described(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, path: str, mode: GenerationMode
) -> None:
    """With a dispatch, an order and a key that may do all a key may."""
    monkeypatch.setattr(keys, "CALLS_A_MINUTE", 1_000_000)
    town = await kawabe(office.pool)
    await town.settle(tmp_path, list(CAST.values()))
    gauge = await program(office, role=Role.AUTHOR, sends_drills=True)
    await town.send(order())
    await gauge.post("/api/v1/orders", drill(), Idempotency_Key="one")
    await asyncio.to_thread(_try, office.address, gauge.key, method, path, mode)


def _try(address: str, key: str, method: str, path: str, mode: GenerationMode) -> None:
    """From a thread of its own: the server runs in the other."""
    load_all_checks()
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    operation = schema[path][method]
    checks: Any = list(CHECKS.get_by_names(CHECKED))

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def described(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=address, headers={"Authorization": f"Bearer {key}"}, checks=checks)

    described()
