"""The server lives from its first user to its last, however they end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable

import asyncpg

from tests.todoke.embedded.conftest import Town, ask, keep
from todoke.embedded import embedded_postgres, using_embedded_postgres
from todoke.embedded.locks import exclusive, held

Visit = Callable[[], "subprocess.Popen[str]"]


async def test_it_is_postgresql_18_that_forgets_nothing(town: Town) -> None:
    async with embedded_postgres(town.data) as dsn:
        assert (await ask(dsn, "show server_version")).startswith("18.")
        assert await ask(dsn, "show server_encoding") == "UTF8"
        assert await ask(dsn, "select datlocale from pg_database where datname = 'postgres'") == "C.UTF-8"
        assert [await ask(dsn, f"show {name}") for name in ("fsync", "synchronous_commit", "jit")] == [
            "on",
            "on",
            "off",
        ]


async def test_nobody_can_reach_it_over_the_network(town: Town) -> None:
    async with embedded_postgres(town.data) as dsn:
        assert await ask(dsn, "show listen_addresses") == ""


async def test_what_hana_wrote_is_there_after_it_stopped(town: Town) -> None:
    await keep(town.data, "花")
    town.wait_until_stopped()
    with using_embedded_postgres(town.data) as dsn:
        assert await ask(dsn, "select name from resident") == "花"


def test_it_stays_while_anybody_uses_it(town: Town, visit: Visit) -> None:
    visit()
    with using_embedded_postgres(town.data):
        server = town.server
    assert town.server == server
    assert held(town.place / "server.lock")


def test_it_stops_when_its_last_user_is_killed(town: Town, visit: Visit) -> None:
    visitor = visit()
    visitor.kill()
    town.wait_until_stopped()
    assert not (town.place / "cluster" / "postmaster.pid").exists()


def test_who_comes_after_the_watchdog_was_killed_brings_another(town: Town, visit: Visit) -> None:
    visit()
    with using_embedded_postgres(town.data):
        os.kill(town.watchdog, signal.SIGKILL)
    with exclusive(town.place / "watchdog.lock"):
        pass
    visit().kill()
    assert town.watchdog


def test_two_who_come_together_share_one_server(town: Town, visit: Visit) -> None:
    visit()
    server = town.server
    visit()
    assert town.server == server


async def test_a_newcomer_in_the_moment_it_stops_gets_a_new_one(town: Town) -> None:
    for _ in range(5):
        with using_embedded_postgres(town.data) as dsn:
            assert await ask(dsn, "select 1") == "1"


async def test_a_killed_server_comes_back_with_everything(town: Town) -> None:
    await keep(town.data, "健")
    with using_embedded_postgres(town.data):
        os.kill(town.server, signal.SIGKILL)
        with using_embedded_postgres(town.data) as dsn:
            assert await ask(dsn, "select name from resident") == "健"


async def test_a_server_killed_under_its_only_user_is_started_again(town: Town) -> None:
    async with embedded_postgres(town.data) as dsn:
        os.kill(town.server, signal.SIGKILL)
        town.wait_until_stopped()
        async with asyncio.timeout(60):
            while not await answers(dsn):
                await asyncio.sleep(0.05)
    town.wait_until_stopped()


async def answers(dsn: str) -> bool:
    try:
        return await ask(dsn, "select 1") == "1"
    except (OSError, asyncpg.CannotConnectNowError):
        return False


async def test_a_dead_servers_number_may_belong_to_somebody_else_by_now(town: Town) -> None:
    with using_embedded_postgres(town.data):
        os.kill(town.server, signal.SIGKILL)
        town.wait_until_stopped()
        pid_file = town.place / "cluster" / "postmaster.pid"
        pid_file.write_text("\n".join([str(os.getpid()), *pid_file.read_text().splitlines()[1:]]))
        with using_embedded_postgres(town.data) as dsn:
            assert await ask(dsn, "select 1") == "1"


def test_an_interrupted_first_start_leaves_nothing_in_the_way(town: Town) -> None:
    half = town.place / "cluster.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    with using_embedded_postgres(town.data):
        assert not half.exists()


async def test_a_path_too_long_for_a_socket_gets_a_short_one_while_it_runs(town: Town) -> None:
    town.data = town.data / ("とどけ" * 12) / "データ,1"
    town.place = town.data / "postgres"
    with using_embedded_postgres(town.data) as dsn:
        assert await ask(dsn, "select 1") == "1"
        short = (town.place / "run").readlink()
        assert short.stat().st_mode & 0o077 == 0
    with exclusive(town.place / "watchdog.lock"):
        assert not short.exists()


def test_a_killed_server_leaves_nothing_of_its_short_path(town: Town) -> None:
    town.data = town.data / ("とどけ" * 12)
    town.place = town.data / "postgres"
    with using_embedded_postgres(town.data):
        short = (town.place / "run").readlink()
        os.kill(town.server, signal.SIGKILL)
        town.wait_until_stopped()
        assert list(short.iterdir())
    with exclusive(town.place / "watchdog.lock"):
        assert not short.exists()


async def test_its_log_quotes_no_row(town: Town) -> None:
    with using_embedded_postgres(town.data) as dsn:
        connection = await asyncpg.connect(dsn)
        await connection.execute("create table contact (address text unique)")
        for _ in range(2):
            try:
                await connection.execute("insert into contact values ('hana@example.jp')")
            except asyncpg.UniqueViolationError:
                await connection.close()
        log = (town.place / "log").read_text()
    assert "duplicate key" in log
    assert "hana" not in log
