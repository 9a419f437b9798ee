"""Controlling a sandbox, and finding it."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import aiosmtplib
import pytest

from channels.email import EmailChannel
from channels.line import LineChannel
from channels.sandbox.faults import Rule
from channels.sandbox.options import Options
from channels.sandbox.server import serving
from channels.sms import SmsChannel
from tests.channels.sandbox.desk import HANA, LINH, Desk, open_desk
from words.problem import Refused


async def test_the_settings_file_is_there_only_while_it_serves(tmp_path: Path) -> None:
    path = tmp_path / "sandbox" / "todoke.toml"
    async with serving(Options(directory=path.parent)):
        assert path.exists()
    assert not path.exists()


@pytest.mark.parametrize("rate", [0, 5])
async def test_the_channels_take_their_settings_from_the_file(tmp_path: Path, rate: int) -> None:
    async with serving(Options(directory=tmp_path, line_rate=rate, sms_rate=rate)) as endpoints:
        settings = tomllib.loads((tmp_path / "todoke.toml").read_text(encoding="utf-8"))["channels"]
    line = LineChannel.Settings.model_validate(settings["line"])
    sms = SmsChannel.Settings.model_validate(settings["sms"])
    email = EmailChannel.Settings.model_validate(settings["email"])
    assert line.model_dump()["endpoint"] == sms.model_dump()["endpoint"] == endpoints.line_url
    assert line.model_dump()["rate"] == sms.model_dump()["rate"] == (rate or 100_000)
    assert email.model_dump()["port"] == endpoints.smtp_port


def _port(which: str, number: int) -> dict[str, Any]:
    return {f"{which}_port": number}


@pytest.mark.parametrize("which", ["http", "smtp"])
async def test_a_taken_port_is_refused_with_what_to_do(tmp_path: Path, desk: Desk, which: str) -> None:
    options = replace(Options(directory=tmp_path / "other"), **_port(which, desk.endpoints.smtp_port))
    with pytest.raises(Refused) as refused:
        async with serving(options):
            pass
    [sentence] = refused.value.say("en")
    assert sentence.startswith(f"--{which}-port: Cannot listen on 127.0.0.1 port {desk.endpoints.smtp_port} (")
    assert not (tmp_path / "other" / "todoke.toml").exists()


async def test_two_sandboxes_do_not_share_a_directory(tmp_path: Path, desk: Desk) -> None:
    with pytest.raises(Refused) as refused:
        async with serving(Options(directory=tmp_path)):
            pass
    assert "別のサンドボックスが使っています" in refused.value.say("ja")[0]
    assert (tmp_path / "todoke.toml").exists()


async def test_a_directory_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Refused) as refused:
        async with serving(Options(directory=tmp_path / "file" / "sandbox")):
            pass
    assert refused.value.say("en")[0].endswith(
        "Cannot write to this directory (Not a directory). Give another place with --dir."
    )


async def test_faults_can_be_given_from_the_start(tmp_path: Path) -> None:
    async with open_desk(tmp_path, faults=[Rule(channel="line", fault="error", first=1)]) as desk:
        assert [(await desk.multicast([HANA])).status for _ in range(2)] == [500, 200]


async def test_new_faults_replace_the_old_and_count_anew(desk: Desk) -> None:
    for _ in range(2):
        await desk.faults({"channel": "line", "fault": "error", "first": 1})
        assert [(await desk.multicast([HANA])).status for _ in range(2)] == [500, 200]
    await desk.faults()
    assert (await desk.multicast([HANA])).status == 200


async def test_faults_that_make_no_sense_are_refused_and_the_old_ones_stay(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "error"})
    reply = await desk.ask("POST", "/sandbox/faults", data='[{"channel": "fax", "fault": "error"}]')
    assert reply.status == 400
    assert "Invalid enum value 'fax'" in reply.body["message"]
    assert (await desk.multicast([HANA])).status == 500


@pytest.mark.parametrize("path", ["blocked", "quota"])
async def test_a_control_it_does_not_know_is_refused(desk: Desk, path: str) -> None:
    reply = await desk.ask("POST", f"/sandbox/{path}", data='{"fax": []}')
    assert (reply.status, reply.body["message"]) == (400, "Object contains unknown field `fax`")


async def test_a_quota_can_be_set_and_lifted(desk: Desk) -> None:
    await desk.ask("POST", "/sandbox/quota", data='{"quota": 1}')
    assert (await desk.multicast([HANA, LINH])).status == 429
    await desk.ask("POST", "/sandbox/quota", data='{"quota": null}')
    assert (await desk.multicast([HANA, LINH])).status == 200


async def test_the_state_counts_by_channel(desk: Desk) -> None:
    await desk.faults({"channel": "line", "fault": "rate", "nth": [2]})
    await desk.multicast([HANA, LINH])
    await desk.multicast([HANA])
    await desk.sms()
    state = await desk.state()
    assert (state["line"]["requests"], state["line"]["accepted"], state["line"]["recipients"]) == (2, 1, 2)
    assert (state["line"]["answers"], state["line"]["faults"]) == ({"200": 1, "rate": 1}, {"rate": 1})
    assert state["sms"]["accepted"] == 1
    assert state["faults"] == [{"rule": {"channel": "line", "fault": "rate", "nth": [2]}, "fired": 1}]


async def test_closing_does_not_wait_for_a_request_that_is_held(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        await desk.faults({"channel": "line", "fault": "timeout"}, {"channel": "email", "fault": "timeout"})
        held = [asyncio.create_task(desk.multicast([HANA])), asyncio.create_task(desk.mail())]
        await desk.requested(2)
    ends = await asyncio.gather(*held, return_exceptions=True)
    assert isinstance(ends[0], aiohttp.ClientConnectionError)
    assert isinstance(ends[1], aiosmtplib.SMTPServerDisconnected)
    assert desk.records("line") == desk.records("email") == []
