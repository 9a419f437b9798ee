"""What machines ask `todoke serve`, and how it ends."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pytest

from tests.todoke.running import started, todoke

QUIET = ("serve", "--set", "log.level=error", "--set")
Serve = Callable[..., "Served"]


class Served:
    """A running `todoke serve`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.address: str = json.loads(process.stdout.readline())["listening"]

    async def get(self, path: str, **headers: str) -> tuple[int, str]:
        async with aiohttp.ClientSession() as client, client.get(self.address + path, headers=headers) as answer:
            return answer.status, await answer.text()


@pytest.fixture
def serve(fresh_database_url: str, tmp_path: Path) -> Iterator[Serve]:
    running: list[subprocess.Popen[str]] = []

    def start(*words: str) -> Served:
        url = {"TODOKE_DATABASE_URL": fresh_database_url, "TODOKE_DATA": str(tmp_path)}
        process = started(*QUIET, "serve.port=0", "--json", *words, environment=url)
        running.append(process)
        return Served(process)

    yield start
    for process in running:
        process.kill()
        process.communicate()


async def test_it_lives_and_is_ready(serve: Serve) -> None:
    town = serve()
    assert await town.get("/healthz") == (200, '{"alive": true}')
    assert await town.get("/readyz") == (200, '{"ready": true, "problems": []}')


async def test_without_redis_it_lives_but_says_it_is_not_ready(serve: Serve) -> None:
    town = serve("--set", "redis_url=redis://127.0.0.1:1")
    status, text = await town.get("/readyz")
    (problem,) = json.loads(text)["problems"]
    assert (status, problem["check"]) == (503, "redis")
    assert problem["en"] == "Redis does not answer. See whether it runs and can be reached."
    assert problem["ja"] == "Redis が応答しません。動いているか、届くかを確かめてください。"
    assert (await town.get("/healthz"))[0] == 200


async def test_a_database_behind_the_program_is_not_ready(serve: Serve, fresh_database_url: str) -> None:
    town = serve()
    database = await asyncpg.connect(fresh_database_url)
    await database.execute("delete from schema_migration where number > 1")
    await database.close()
    status, text = await town.get("/readyz")
    assert status == 503
    assert "Run `todoke migrate`." in text


async def test_metrics_are_for_our_own_network_only(serve: Serve) -> None:
    town = serve()
    status, text = await town.get("/metrics")
    assert status == 200
    assert "process_cpu_seconds_total" in text
    assert (await town.get("/metrics", **{"X-Forwarded-For": "198.51.100.7"}))[0] == 404


async def test_a_page_that_is_not_there_is_404_and_names_no_software(serve: Serve) -> None:
    town = serve()
    async with aiohttp.ClientSession() as client, client.get(town.address + "/.git/config") as answer:
        assert answer.status == 404
        assert "Server" not in answer.headers


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_it_ends_in_order_when_told_to(serve: Serve, sign: signal.Signals, code: int) -> None:
    town = serve()
    town.process.send_signal(sign)
    _, said = town.process.communicate(timeout=30)
    assert (town.process.returncode, said) == (code, "")


def test_a_port_in_use_is_refused_with_what_to_do(fresh_database_url: str, tmp_path: Path) -> None:
    environment = {"TODOKE_DATABASE_URL": fresh_database_url, "TODOKE_DATA": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = todoke(*QUIET, f"serve.port={port}", environment=environment)
    assert said.returncode == 1
    assert said.stderr == (
        f"serve.port: Cannot listen on 127.0.0.1 port {port} (Address already in use). "
        "Change serve.host or serve.port, or stop whatever is using it.\n"
    )


def test_a_database_that_is_not_migrated_is_refused(empty_database_url: str) -> None:
    said = todoke("serve", "--lang", "ja", environment={"TODOKE_DATABASE_URL": empty_database_url})
    assert said.returncode == 1
    assert "`todoke migrate` を実行してください。" in said.stderr
