"""Row 11: the database's server dies, and a standby that lost nothing takes over."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.faults.postgres import Postgres
from tests.faults.row import Figure, at_most, row
from tests.faults.stage import QUICK, Broken, Stage
from todoke.embedded.account import account_for
from todoke.embedded.place import Place
from todoke.embedded.seclusion import Seclusion, seclusion_for
from todoke.embedded.software import software

PEOPLE = 200


class Standby(Postgres):
    """A second server, made from the first and following it, until it takes over."""

    @classmethod
    def at(cls, folder: Path) -> Standby:
        folder.mkdir(mode=0o711)
        place = Place.under(folder, account_for(folder))
        place.make_run()
        return cls(folder, f"postgresql://todoke@/postgres?host={os.path.realpath(place.run)}&port=5432")

    async def follow(self, first: Postgres) -> None:
        """Begin as a copy of it."""
        await asyncio.to_thread(self._copy, first.socket)
        await self._start_following()

    @property
    def _seclusion(self) -> Seclusion:
        return seclusion_for(self._place, software())

    def _copy(self, socket: str) -> None:
        if self._seclusion.over is not None:
            raise Broken("skipped: the second server cannot see the first one's socket from a closed directory")
        where = ["--host", socket, "--port", "5432", "--username", "todoke", "--pgdata", str(self._place.cluster)]
        self._run("pg_basebackup", *where, "--write-recovery-conf", "--checkpoint=fast")

    async def _start_following(self) -> None:
        cluster = str(self._place.cluster)
        options = f"-k {self.socket}"
        started = ["--pgdata", cluster, "--log", str(self._place.root / "standby.log"), "--options", options, "start"]
        await asyncio.to_thread(self._run, "pg_ctl", "--wait", *started)

    async def promote(self) -> float:
        """Take over; gives when it takes writes."""
        await asyncio.to_thread(self._run, "pg_ctl", "--wait", "--pgdata", str(self._place.cluster), "promote")
        return time.monotonic()

    async def end(self) -> None:
        with suppress(Broken):
            await asyncio.to_thread(
                self._run, "pg_ctl", "--mode", "immediate", "--pgdata", str(self._place.cluster), "stop"
            )

    def _run(self, program: str, *words: str) -> None:
        done = self._seclusion.run([self._seclusion.program(program), *words])
        if done.returncode:
            raise Broken(f"{program} failed: {done.stdout}{done.stderr or ''}")


@row(11, "PostgreSQL fails over to a synchronous standby while orders are sent")
async def failover(stage: Stage) -> list[Figure]:
    """Whatever was committed stands in both; so nobody is lost, and nobody is doubled but who was being called."""
    await stage.providers()
    await stage.town(PEOPLE)
    standby = Standby.at(stage.folder / "standby")
    try:
        await standby.follow(stage.postgres)
        return await _failed_over(stage, standby)
    finally:
        await standby.end()


async def _failed_over(stage: Stage, standby: Standby) -> list[Figure]:
    await _synchronous(stage)
    proxy = await stage.proxy(stage.postgres.socket, 5432)
    env = {"TODOKE_DATABASE_URL": stage.postgres.through(proxy.host, proxy.port)}
    slow = ("sending.batch_size=10", "channels.sms.rate=20", "channels.line.rate=3", "channels.email.rate=20")
    workers = [await stage.worker(*QUICK, *slow, env=env) for _ in range(2)]
    dispatch = await stage.send()
    await asyncio.sleep(stage.random.uniform(1, 2))
    proxy.drop()
    await stage.postgres.kill()
    await standby.promote()
    proxy.lead_to(standby.socket, 5432)
    proxy.heal()
    back = datetime.now(UTC)
    stage.postgres = standby
    await stage.over(dispatch)
    await stage.check(dispatch)
    after = [copy.at for copy in await stage.copies(dispatch) if copy.at > back]
    resumed = (min(after) - back).total_seconds() if after else 0.0
    ended = sum(not worker.alive for worker in workers)
    return [
        *stage.verdict.figures(),
        at_most("resumed after the standby had taken over", resumed, 10, "s"),
        at_most("workers that ended", ended, 0),
    ]


async def _synchronous(stage: Stage) -> None:
    await _settle(stage, ["alter system set synchronous_standby_names = '*'", "select pg_reload_conf()"])
    async with stage.postgres.connection() as connection, asyncio.timeout(30):
        while await connection.fetchval("select sync_state from pg_stat_replication") != "sync":
            await asyncio.sleep(0.1)


async def _settle(stage: Stage, statements: Sequence[str]) -> None:
    async with stage.postgres.connection() as connection:
        for statement in statements:
            await connection.execute(statement)
