"""What stands before every page: where a request comes from, what a browser may do, what is said when all goes wrong."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator
from io import BytesIO
from urllib.parse import urlsplit

import asyncpg
import pytest
from aiohttp import web

from console.accounts import Role
from console.web import account
from console.web import app as console_app
from console.web.app import install
from console.web.guard import anybody
from console.web.headers import POLICY
from console.web.parts import Parts
from tests.console.office import VAULT, Desk, Hired, Office, desk_of, open_office

FORGED = "このコンソールの画面から送られたものと確かめられませんでした。"


@pytest.fixture
async def broken(pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """A console with a page that fails as nobody expected, and a machine's address beside it."""
    ours, machines = web.RouteTableDef(), web.RouteTableDef()

    @ours.get("/broken")
    @ours.get("/api/v1/broken")
    @anybody
    async def fail(_request: web.Request) -> web.Response:
        raise ZeroDivisionError("the secret is 4711")

    @machines.post("/receipts")
    async def receipt(_request: web.Request) -> web.Response:
        return web.Response(text="taken")

    monkeypatch.setattr(account, "routes", [*account.routes, *ours])
    async with open_office(pool, routes=machines) as office:
        yield office


def raw(address: str, request: bytes) -> bytes:
    """What the server says to these very bytes."""
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port), 20) as plug:
        plug.sendall(request)
        return plug.recv(4096)


async def ask(office: Office, request: bytes) -> int:
    said = await asyncio.to_thread(raw, office.address, request)
    return int(said.split()[1])


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
async def test_what_another_site_sends_is_refused(office: Office, sato: Hired, headers: dict[str, str]) -> None:
    desk = await office.signed_in(sato)
    said = await desk.post("/sign-out", headers)
    assert (said.status, FORGED in said.text) == (403, True)
    assert (await desk.get("/account")).status == 200


@pytest.mark.parametrize("token", ["", "0" * 64, "日本"])
async def test_a_form_without_our_token_is_refused(office: Office, sato: Hired, token: str) -> None:
    desk = await office.signed_in(sato)
    desk.token = token
    assert (await desk.post("/sign-out")).status == 403


async def test_the_token_of_another_officer_is_worth_nothing(office: Office, sato: Hired, mori: Hired) -> None:
    hers, his = await office.signed_in(sato), await office.signed_in(mori)
    hers.token = his.token
    assert (await hers.post("/sign-out")).status == 403


async def test_a_page_left_open_over_a_step_up_can_still_be_sent(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    left_open = desk.token
    await desk.give_code(sato)
    desk.token = left_open
    assert (await desk.post("/sign-out")).status == 303


async def test_no_get_changes_anything(office: Office, mori: Hired) -> None:
    desk = await office.signed_in(mori)
    before = await office.pool.fetch("select * from officer"), await office.actions()
    for path in ("/", "/account", "/officers", "/sign-in", "/sign-in/code", "/officers/1/disable", "/sign-out"):
        await desk.get(path)
    assert (await office.pool.fetch("select * from officer"), await office.actions()) == before
    assert (await desk.get("/account")).status == 200


@pytest.mark.parametrize("path", ["/sign-in", "/account", "/nowhere", "/enrol?code=x"])
async def test_every_answer_carries_the_policy(desk: Desk, path: str) -> None:
    headers = (await desk.get(path)).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert "unsafe" not in POLICY
    assert (headers["X-Content-Type-Options"], headers["Cache-Control"]) == ("nosniff", "no-store")
    assert "Server" not in headers


async def test_a_name_is_text_wherever_it_is_shown(office: Office) -> None:
    name = "<script>alert(1)</script>{{7*7}}"
    desk = await office.signed_in(await office.hire("ken", name, Role.ADMINISTRATOR))
    text = (await desk.get("/officers")).text
    assert "<script>" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;{{7*7}}" in text


async def test_here_the_cookie_is_plain_and_with_https_it_is_bound_to_host_and_encryption(pool: asyncpg.Pool) -> None:
    async with open_office(pool) as here, open_office(pool, public_base_url="https://kawabe.example") as there:
        plain = (await here.desk().get("/sign-in")).headers["Set-Cookie"]
        bound = (await there.desk().get("/sign-in")).headers
    assert re.fullmatch(r"todoke=[\w-]{22}; HttpOnly; Path=/; SameSite=Lax", plain)
    assert re.fullmatch(r"__Host-todoke=[\w-]{22}; HttpOnly; Path=/; SameSite=Lax; Secure", bound["Set-Cookie"])
    assert bound["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("public", [None, "http://kawabe.example"])
async def test_the_console_is_not_served_in_clear_to_other_machines(pool: asyncpg.Pool, public: str | None) -> None:
    async with open_office(pool, public_base_url=public) as office:
        said = await office.desk().get("/sign-in", Host="kawabe.example")
    assert (said.status, "コンソールは、暗号化されない接続では使えません。" in said.text) == (421, True)


async def test_what_nobody_expected_is_a_number_and_no_trace(broken: Office) -> None:
    said = await broken.desk().get("/broken")
    assert (said.status, bool(re.search(r"\(番号 [0-9a-f]{12}\)", said.text))) == (500, True)
    assert "4711" not in said.text
    assert "Traceback" not in said.text


async def test_a_program_is_told_in_problem_json(broken: Office) -> None:
    said = await broken.desk().get("/api/v1/broken", Accept="application/json")
    assert said.headers["Content-Type"].startswith("application/problem+json")
    told = json.loads(said.text)
    assert (told["type"], told["status"], "4711" in said.text) == ("urn:todoke:problem:internal", 500, False)


async def test_machines_beside_the_console_are_not_asked_for_its_token(broken: Office) -> None:
    assert (await broken.desk().post("/receipts", {"Origin": "https://provider.example"})).text == "taken"


@pytest.mark.parametrize("path", ["/.git/config", "/docs", "/debug", "/metrics", "/static/../parts.py", "/admin"])
async def test_what_is_not_meant_for_anybody_is_not_there(desk: Desk, path: str) -> None:
    assert (await desk.get(path)).status == 404


async def test_trace_is_no_method_here(office: Office) -> None:
    assert await ask(office, b"TRACE /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == 405


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        (b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
        (b"X-Long: " + b"a" * 20_000 + b"\r\n", 400),
        (b"Content-Encoding: gzip\r\nContent-Length: 0\r\n", 415),
    ],
    ids=["two lengths and chunks", "two lengths", "huge header", "compressed"],
)
async def test_requests_made_to_confuse_are_refused(office: Office, head: bytes, status: int) -> None:
    assert await ask(office, b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\n" + head + b"\r\n") == status


async def test_more_than_a_mebibyte_is_not_taken(desk: Desk) -> None:
    await desk.get("/sign-in")
    form = BytesIO(b"login=" + b"a" * (1024 * 1024 + 1))
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with desk.client.post(desk.address + "/sign-in", data=form, headers=headers) as answer:
        assert (answer.status, "1 MiB まで" in await answer.text()) == (413, True)


async def test_who_sends_too_slowly_is_not_waited_for(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console_app, "BODY_SECONDS", 0.05)
    head = b"POST /sign-in HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    assert await ask(office, head + b"Content-Length: 100\r\n\r\nlogin=") == 408


async def test_a_handler_that_says_not_who_may_come_is_not_served(
    pool: asyncpg.Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def open_to_whom(_request: web.Request) -> web.Response:
        return web.Response()

    monkeypatch.setattr(account, "routes", [web.get("/unmarked", open_to_whom)])
    with pytest.raises(ValueError, match="nobody says who may come here"):
        install(web.Application(), Parts(desk=await desk_of(pool), vault=VAULT))


async def test_the_language_is_chosen_by_a_button_and_kept(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    await desk.post("/language", language="en", back="/account")
    assert "My account" in (await desk.get("/account")).text
    assert await office.pool.fetchval("select language from officer") == "en"


async def test_the_language_button_leads_back_to_the_same_page(office: Office, sato: Hired) -> None:
    desk = await office.signed_in(sato)
    assert 'name="back" value="/enrol?code=x"' in (await desk.get("/enrol?code=x")).text
    said = await desk.post("/orders", {"Referer": f"{office.address}/orders/new?from=1"}, areas="[]")
    assert 'name="back" value="/orders/new?from=1"' in said.text
    assert 'name="back" value="/"' in (await desk.post("/orders", areas="[]")).text
