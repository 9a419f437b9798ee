"""`todoke sandbox` as people run it."""

from __future__ import annotations

import json
import signal
import subprocess
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from config import load
from config.settings import Serve
from tests.todoke.running import started, todoke
from todoke.commands.sandbox import CALLBACK
from todoke.receipts import PATH
from todoke.wiring import channel_settings

Start = Callable[..., tuple["subprocess.Popen[str]", dict[str, Any]]]
HANA = "U" + "a" * 32


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def start(*words: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        process = started(
            "sandbox", "--json", "--http-port=0", "--smtp-port=0", f"--dir={tmp_path}", *words, environment=None
        )
        running.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield start
    for process in running:
        process.kill()
        process.communicate()


async def multicast(endpoints: dict[str, Any]) -> int:
    headers = {"Authorization": f"Bearer {endpoints['line_token']}"}
    body = {"to": [HANA], "messages": [{"type": "text", "text": "避難指示"}]}
    url = f"{endpoints['line_url']}/v2/bot/message/multicast"
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json=body) as answer:
        return answer.status


async def test_it_says_where_it_listens_and_records_what_it_accepts(sandbox: Start, tmp_path: Path) -> None:
    _, endpoints = sandbox()
    assert await multicast(endpoints) == 200
    assert json.loads((tmp_path / "line.jsonl").read_bytes())["to"] == [HANA]


def test_its_settings_are_settings_of_todoke(sandbox: Start) -> None:
    _, endpoints = sandbox()
    path = Path(endpoints["settings"])
    configuration = load(command_line={}, environment={}, file=path, channels=channel_settings())
    assert set(configuration.settings.channels) == set(tomllib.loads(path.read_text("utf-8"))["channels"])


@pytest.mark.parametrize(
    ("words", "callback"),
    [
        ((), "http://127.0.0.1:8080/receipts/sms"),
        (("--callback=http://127.0.0.1:8090/receipts/sms",), "http://127.0.0.1:8090/receipts/sms"),
        (("--callback=",), None),
    ],
)
def test_its_settings_say_where_receipts_go(sandbox: Start, words: tuple[str, ...], callback: str | None) -> None:
    _, endpoints = sandbox(*words)
    settings = tomllib.loads(Path(endpoints["settings"]).read_text("utf-8"))
    assert settings["channels"]["sms"].get("status_callback_url") == callback


def test_the_callback_it_suggests_is_the_page_that_serve_has() -> None:
    serve = Serve()
    assert f"http://{serve.host}:{serve.port}{PATH}" == CALLBACK


def test_a_callback_that_is_no_address_is_wrong_usage() -> None:
    said = todoke("sandbox", "--callback=here")
    assert said.returncode == 2
    assert "write an address such as http://127.0.0.1:8080/receipts/sms" in said.stderr


async def test_it_misbehaves_as_a_file_says(sandbox: Start, tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"channel": "line", "fault": "rate", "first": 1}]')
    _, endpoints = sandbox(f"--faults={faults}")
    assert [await multicast(endpoints) for _ in range(2)] == [429, 200]


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_in_order_when_told_to(sandbox: Start, sign: signal.Signals, code: int) -> None:
    process, endpoints = sandbox()
    process.send_signal(sign)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (code, "")
    assert not Path(endpoints["settings"]).exists()


def test_faults_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text('[{"channel": "line", "fault": "gremlin"}]')
    said = todoke("sandbox", f"--dir={tmp_path}", f"--faults={faults}", "--lang=ja")
    assert said.returncode == 1
    assert said.stderr.startswith(f"{faults}: 障害の指定を読めません（Invalid enum value 'gremlin'")


def test_it_speaks_to_people_in_their_language(tmp_path: Path) -> None:
    process = started("sandbox", "--lang=ja", "--http-port=0", "--smtp-port=0", f"--dir={tmp_path}")
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(2)]
    process.terminate()
    process.communicate()
    assert said[0].startswith("LINE と SMS は http://127.0.0.1:")
    assert said[1].startswith(f"つなぐには --config {tmp_path}/todoke.toml")
