from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from channels import wire
from channels.contract import Pause, Verdict
from tests.channels.servers import Hang, HttpServer, Response, Unfinished, listening


async def failure(url: str, seconds: float = 10) -> BaseException:
    async with reaching(url, seconds) as address:
        with pytest.raises(wire.UNANSWERED) as error:
            await address.post(b"{}")
    return error.value


@asynccontextmanager
async def reaching(url: str, seconds: float = 10, **headers: str) -> AsyncIterator[wire.Address]:
    address = wire.Address(url, headers, connector=aiohttp.TCPConnector(limit=2), seconds=seconds)
    try:
        yield address
    finally:
        await address.close()


class TestAddress:
    async def test_asks_as_aiohttp_would(self) -> None:
        async with (
            listening(HttpServer(lambda _: Response(200, b"done"))) as server,
            reaching(f"{server.url}/v1?a=b", Authorization="Bearer t") as address,
        ):
            reply = await address.post("避難".encode(), {"X-Key": "1"})
        (asked,) = server.requests
        assert (reply.status, reply.body) == (200, b"done")
        assert (asked.path, asked.body.decode()) == ("/v1?a=b", "避難")
        assert (asked.headers["authorization"], asked.headers["x-key"]) == ("Bearer t", "1")

    async def test_a_redirect_is_a_reply(self) -> None:
        async with listening(HttpServer(lambda _: Response(307, b"", {"Location": "/elsewhere"}))) as server:
            async with reaching(server.url) as address:
                assert (await address.post(b"{}")).status == 307
            assert len(server.requests) == 1

    async def test_a_provisional_reply_is_not_the_reply(self) -> None:
        said = b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok"
        async with listening(HttpServer(lambda _: said)) as server, reaching(server.url) as address:
            reply = await address.post(b"{}")
        assert (reply.status, reply.body) == (201, b"ok")

    @pytest.mark.parametrize("status", [200, 204, 400, 500])
    async def test_uses_its_connection_again(self, status: int) -> None:
        body = b"" if status == 204 else b"{}"
        async with listening(HttpServer(lambda _: Response(status, body))) as server:
            async with reaching(server.url) as address:
                for _ in range(3):
                    await address.post(b"{}")
            assert (len(server.requests), server.connections) == (3, 1)

    async def test_has_no_more_connections_than_its_connector_allows(self) -> None:
        async with listening(HttpServer(lambda _: Response(200))) as server:
            async with reaching(server.url) as address:
                await asyncio.gather(*(address.post(b"{}") for _ in range(20)))
            assert (len(server.requests), server.connections) == (20, 2)

    async def test_a_call_takes_the_connection_that_was_opened_ahead(self) -> None:
        async with listening(HttpServer(lambda _: Response(200))) as server:
            async with reaching(server.url) as address:
                kept = [await address.connect(), await address.connect()]
                assert (server.connections, len(server.requests)) == (2, 0)
                await asyncio.gather(address.post(b"{}"), address.post(b"{}"))
                for each in kept:
                    each.release()
                await address.post(b"{}")
            assert (len(server.requests), server.connections) == (3, 2)

    async def test_a_connection_that_nobody_used_after_all_is_there_for_the_next_call(self) -> None:
        async with listening(HttpServer(lambda _: Response(200))) as server:
            async with reaching(server.url) as address:
                (await address.connect()).release()
                await address.post(b"{}")
            assert (len(server.requests), server.connections) == (1, 1)

    async def test_a_connection_closed_before_its_call_is_replaced(self) -> None:
        async with listening(HttpServer(lambda _: Response(200))) as server, reaching(server.url) as address:
            await address.connect()
            for writer in server.writers:
                writer.transport.abort()
            await server.quiet.wait()
            await asyncio.sleep(0)
            assert (await address.post(b"{}")).status == 200

    async def test_a_connection_that_could_not_be_opened_ahead_is_told_by_the_call(self) -> None:
        with socket.socket() as nobody:
            nobody.bind(("127.0.0.1", 0))
            async with reaching(f"http://127.0.0.1:{nobody.getsockname()[1]}") as address:
                await address.connect()
                with pytest.raises(aiohttp.ClientConnectorError):
                    await address.post(b"{}")

    async def test_a_silent_body_leaves_the_status_and_no_connection(self) -> None:
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
        async with (
            listening(HttpServer(lambda _: Unfinished(head))) as server,
            reaching(server.url, seconds=0.3) as address,
        ):
            assert await address.post(b"{}") == (200, {"Content-Length": "9"}, b"")
            await server.quiet.wait()

    async def test_an_abandoned_call_never_leaves_its_reply_to_another(self) -> None:
        replies: list[Response | Hang] = [Hang.SILENT, Response(200)]
        async with listening(HttpServer(lambda _: replies.pop(0))) as server, reaching(server.url) as address:
            call = asyncio.create_task(address.post(b"first"))
            await server.reached.wait()
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert (await address.post(b"second")).status == 200
            assert server.connections == 2

    async def test_a_header_cannot_become_two(self) -> None:
        async with reaching("http://127.0.0.1:9/") as address:
            with pytest.raises(ValueError, match="line break"):
                await address.post(b"{}", {"X-Key": "1\r\nX-Other: 2"})
        with pytest.raises(ValueError, match="line break"):
            async with reaching("http://127.0.0.1:9/", Authorization="t\n"):
                pass


class TestUnanswered:
    async def test_nobody_listens(self) -> None:
        answer = wire.unanswered(await failure(f"http://127.0.0.1:{free_port()}/"))
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("lane", 2.0, "unreachable"))
        assert answer.sick

    async def test_no_such_host(self) -> None:
        assert wire.unanswered(await failure("http://no-such-host.invalid/")).verdict is Verdict.RETRY

    async def test_a_server_that_hangs_up_may_have_understood(self) -> None:
        async with listening(HttpServer(lambda _: Hang.CUT)) as server:
            answer = wire.unanswered(await failure(server.url))
        assert (answer.verdict, answer.code) == (Verdict.AMBIGUOUS, "disconnected")

    async def test_a_server_that_stays_silent_may_have_understood(self) -> None:
        async with listening(HttpServer(lambda _: Hang.SILENT)) as server:
            answer = wire.unanswered(await failure(server.url, seconds=0.3))
        assert (answer.verdict, answer.code) == (Verdict.AMBIGUOUS, "timeout")

    async def test_a_host_that_never_completes_a_connection_has_understood_nothing(self) -> None:
        with full_backlog() as port:
            answer = wire.unanswered(await failure(f"http://127.0.0.1:{port}/", seconds=0.4))
        assert (answer.verdict, answer.code) == (Verdict.RETRY, "unreachable")


class TestUnexpected:
    def test_only_what_the_request_itself_is_blamed_for_is_final(self) -> None:
        final = {status for status in range(200, 600) if wire.unexpected(status).verdict is Verdict.REJECTED}
        assert final == {400, 413, 422}

    def test_whatever_is_tried_again_waits_first(self) -> None:
        answers = [wire.unexpected(status) for status in range(200, 600)]
        assert all((answer.verdict is Verdict.RETRY) == (answer.pause is not None) for answer in answers)


class TestProxy:
    def test_is_what_the_environment_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://proxy.lgwan.example:8080")
        assert wire.proxy_for("https://api.line.me") == "http://proxy.lgwan.example:8080"
        assert wire.proxy_for("http://127.0.0.1:9000") is None

    def test_is_not_for_hosts_the_environment_exempts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("https_proxy", "http://proxy.lgwan.example:8080")
        monkeypatch.setenv("no_proxy", "sandbox.kawabe.example")
        assert wire.proxy_for("https://sandbox.kawabe.example:8443") is None

    async def test_is_asked_for_the_whole_address_with_its_credentials(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async with listening(HttpServer(lambda _: Response(200))) as proxy:
            monkeypatch.setenv("http_proxy", f"http://town:secret@127.0.0.1:{proxy.port}")
            async with reaching("http://api.line.example/v2") as address:
                await address.post(b"{}")
        (asked,) = proxy.requests
        assert (asked.path, asked.headers["host"]) == ("http://api.line.example/v2", "api.line.example")
        assert asked.headers["proxy-authorization"] == aiohttp.encode_basic_auth("town", "secret")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class full_backlog:  # noqa: N801  reads as a verb
    """A port whose queue of connections is full, so that the next one hangs."""

    def __enter__(self) -> int:
        self._server = socket.socket()
        self._server.bind(("127.0.0.1", 0))
        self._server.listen(0)
        port: int = self._server.getsockname()[1]
        self._waiting = []
        for _ in range(4):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(("127.0.0.1", port))
            self._waiting.append(client)
        return port

    def __exit__(self, *_: object) -> None:
        for one in (*self._waiting, self._server):
            one.close()
