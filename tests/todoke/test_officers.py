"""The console as `todoke serve` has it, and the commands beside it."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import asyncpg
import pyotp
import pytest

from tests.todoke.running import started, todoke

SECRETS = {"password": "canary-password-5521", "code": "551177", "cookie": "canaryCookie0123456789"}


@pytest.fixture
def town(fresh_database_url: str, tmp_path: Path) -> dict[str, str]:
    return {"TODOKE_DATABASE_URL": fresh_database_url, "TODOKE_DATA": str(tmp_path)}


@pytest.fixture
def serve(town: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = started("serve", "--set", "serve.port=0", "--set", "log.level=debug", "--json", environment=town)
    yield process
    process.kill()
    process.communicate()


def address_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return str(json.loads(process.stdout.readline())["listening"])


async def test_an_administrator_made_on_the_command_line_enrols_in_the_browser(
    town: dict[str, str], serve: subprocess.Popen[str]
) -> None:
    made = todoke("admin", "create", "sato", "--name", "佐藤", "--json", environment=town)
    link = json.loads(made.stdout)["enrol"]
    async with (
        aiohttp.ClientSession(address_of(serve)) as client,
        client.get(link.removeprefix("http://127.0.0.1:8080")) as answer,
    ):
        text = await answer.text()
    assert (answer.status, "佐藤" in text) == (200, True)
    assert pyotp.TOTP(re.findall(r"<code>([A-Z2-7]{32})</code>", text)[0]).now()


def test_the_third_administrator_is_refused(town: dict[str, str]) -> None:
    for login in ("sato", "mori"):
        assert todoke("admin", "create", login, "--name", login, environment=town).returncode == 0
    said = todoke("admin", "create", "ando", "--name", "安藤", "--lang", "ja", environment=town)
    assert (said.returncode, "管理者がすでに 2 人います。" in said.stderr) == (1, True)


async def test_the_record_is_verified_and_its_first_bad_row_named(town: dict[str, str]) -> None:
    todoke("admin", "create", "sato", "--name", "佐藤", environment=town)
    assert "1 rows" in todoke("audit", "verify", "--lang", "en", environment=town).stdout
    database = await asyncpg.connect(town["TODOKE_DATABASE_URL"])
    await database.execute("set session_replication_role = replica")
    await database.execute("update audit set subject = 'officer:2'")
    await database.close()
    said = todoke("audit", "verify", "--lang", "en", environment=town)
    assert (said.returncode, "Row 1 of the record is not what was written" in said.stderr) == (1, True)


async def test_no_secret_reaches_the_log_or_the_record(town: dict[str, str], serve: subprocess.Popen[str]) -> None:
    address = address_of(serve)
    cookies = {"todoke": SECRETS["cookie"]}
    async with aiohttp.ClientSession(address, cookie_jar=aiohttp.CookieJar(unsafe=True), cookies=cookies) as client:
        async with client.get("/sign-in") as answer:
            token = re.findall(r'name="token" value="(\w+)"', await answer.text())[0]
        form = {"token": token, "login": SECRETS["password"], "password": SECRETS["password"], "code": SECRETS["code"]}
        for path in ("/sign-in", "/sign-in/code", "/enrol", "/account/password"):
            async with client.post(path, data=form) as answer:
                assert answer.status in {401, 404}
    serve.terminate()
    _, said = serve.communicate(timeout=30)
    database = await asyncpg.connect(town["TODOKE_DATABASE_URL"])
    kept = str(await database.fetch("select * from audit")) + str(await database.fetch("select * from sign_in_try"))
    await database.close()
    assert [secret for secret in SECRETS.values() if secret in said + kept] == []


def test_a_key_that_others_can_read_keeps_it_from_starting(town: dict[str, str], tmp_path: Path) -> None:
    key = tmp_path / "vault.key"
    key.write_text("A" * 43 + "=\n")
    key.chmod(0o644)
    said = todoke("serve", "--set", "serve.port=0", "--lang", "ja", environment=town)
    assert (said.returncode, "鍵ファイルを所有者以外も読める状態です。" in said.stderr) == (1, True)


def test_a_proxy_is_an_address_or_a_network(town: dict[str, str]) -> None:
    said = todoke("config", "check", "--set", 'console.proxies=["proxy"]', "--lang", "en", environment=town)
    assert "Give an address or a network, like 10.0.0.5 or 10.0.0.0/24." in said.stderr
