from __future__ import annotations

import socket

import aiohttp
import pytest

from channels import wire
from channels.contract import Pause, Verdict
from tests.channels.servers import Hang, HttpServer, listening


async def failure(url: str, seconds: float = 10) -> BaseException:
    async with aiohttp.ClientSession(timeout=wire.timeout(seconds)) as session:
        with pytest.raises(wire.UNANSWERED) as error:
            await wire.post(session, url, b"{}")
    return error.value


class TestUnanswered:
    async def test_nobody_listens(self) -> None:
        answer = wire.unanswered(await failure(f"http://127.0.0.1:{free_port()}/"))
        assert (answer.verdict, answer.pause) == (Verdict.RETRY, Pause("lane", 2.0, "unreachable"))

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
