"""What was sent, how far it is, and stopping it: the same to a program as to an officer."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from console.accounts import Role
from dispatcher.dispatches import status
from dispatcher.model import DispatchState
from tests.console.api.program import program
from tests.console.office import Office
from tests.dispatcher.engine_room import CAST, Kawabe, invitation, kawabe, order

DISPATCHES = "/api/v1/dispatches"


@pytest.fixture
async def town(pool: asyncpg.Pool, tmp_path: Path) -> Kawabe:
    town = await kawabe(pool)
    await town.settle(tmp_path, list(CAST.values()))
    return town


async def test_a_dispatch_is_told_channel_by_channel(office: Office, town: Kawabe) -> None:
    sent = await town.sent(order())
    said = await (await program(office, role=Role.VIEWER)).get(f"{DISPATCHES}/{sent.dispatch}")
    assert (said.status, said.body["state"], said.body["over"]) == (200, "drained", True)
    told = {each["channel"]: each["taken"] for each in said.body["channels"]}
    assert told == {name: sum(counts.values()) for name, counts in sent.channels.items()}


async def test_the_list_is_filtered(office: Office, town: Kawabe) -> None:
    dispatch = await town.send(order())
    gauge = await program(office)
    assert [each["dispatch"] for each in (await gauge.get(DISPATCHES)).body["dispatches"]] == [dispatch]
    assert (await gauge.get(f"{DISPATCHES}?mode=drill")).body == {"dispatches": [], "after": None}


@pytest.mark.parametrize(
    ("query", "status"),
    [("mode=war", 422), ("state='%3B--", 422), ("sort=name", 422), ("after=%00", 422), ("after=none", 404)],
)
async def test_what_one_cannot_filter_by_is_refused(office: Office, query: str, status: int) -> None:
    said = await (await program(office)).get(f"{DISPATCHES}?{query}")
    assert (said.status, said.problem["status"]) == (status, status)


async def test_a_program_stops_a_dispatch_and_it_is_recorded(office: Office, town: Kawabe) -> None:
    dispatch = await town.send(order())
    said = await (await program(office)).post(f"{DISPATCHES}/{dispatch}/stop")
    assert (said.status, said.body["state"]) == (200, "cancelled")
    now = await status(town.pool, dispatch)
    assert (now.state, now.stopped_by) == (DispatchState.CANCELLED, "river-gauge")
    row = await town.pool.fetchrow("select actor, action, details from audit order by seq desc limit 1")
    assert row is not None
    assert (row["actor"], row["action"]) == (None, "dispatch.stopped")
    assert '"key":"river-gauge"' in row["details"].replace(" ", "")


async def test_one_channel_is_stopped(office: Office, town: Kawabe) -> None:
    dispatch = await town.send(order())
    gauge = await program(office)
    assert (await gauge.post(f"{DISPATCHES}/{dispatch}/stop", {"channel": "sms"})).status == 200
    assert (await office.actions())[-1] == "channel.stopped"
    assert (await gauge.post(f"{DISPATCHES}/{dispatch}/stop", {"channel": "\0"})).status == 422
    assert (await gauge.post(f"{DISPATCHES}/{dispatch}/stop", {"channel": "fax"})).code == "stop.channel"
    assert (await gauge.post(f"{DISPATCHES}/{dispatch}/stop", {"everything": True})).code == "api.value"


async def test_only_who_may_stop_does(office: Office, town: Kawabe) -> None:
    dispatch = await town.send(order())
    for role in (Role.VIEWER, Role.TOURISM):
        said = await (await program(office, role.value, role)).post(f"{DISPATCHES}/{dispatch}/stop")
        assert (said.status, said.code) == (403, "role")
    assert (await status(town.pool, dispatch)).state is DispatchState.APPROVED


async def test_the_bureau_stops_its_own(office: Office, town: Kawabe) -> None:
    dispatch = await town.send(invitation())
    said = await (await program(office, "bureau", Role.TOURISM)).post(f"{DISPATCHES}/{dispatch}/stop")
    assert said.status == 200


async def test_a_dispatch_that_is_none_is_not_found(office: Office) -> None:
    gauge = await program(office)
    assert (await gauge.get(f"{DISPATCHES}/261123-aaaaaa")).code == "dispatch.unknown"
    assert (await gauge.post(f"{DISPATCHES}/261123-aaaaaa/stop")).code == "dispatch.unknown"
