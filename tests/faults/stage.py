"""One row's run: its servers, processes and people in a folder of its own, all gone afterwards."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path
from typing import Any

import asyncpg

from channels.sandbox.process import SandboxProcess, start_sandbox
from tests.faults import postgres, process
from tests.faults.checker import JUST_COMMITTED, Allowed, Case, Verdict, judge, rate
from tests.faults.evidence import SQL, Break, Copy, Journals, read_dispatch, read_members
from tests.faults.history import told
from tests.faults.postgres import Postgres
from tests.faults.process import Process
from tests.faults.proxy import Proxy
from tests.faults.row import Figure
from tests.faults.town import RIVERSIDE, Town, crowd
from tests.faults.valkey import Valkey
from tests.scenarios.cli import Ended, Todoke

QUICK = (
    "sending.expire_seconds=3", "sending.beat_seconds=0.25", "sending.call_seconds=1.5", "sending.poll_seconds=0.25",
)  # fmt: skip
"""Settings under which a worker's death is noticed after three seconds instead of thirty."""
GLANCE = 0.05
OUTSIDERS = 20
"""Every how manieth person there is also one on the hill, who must hear nothing."""


class Broken(Exception):
    """An invariant did not hold, or a row could not go on: its words, with the histories, are for people."""


class LeftOut(Exception):
    """This machine, or this user, cannot play the row: its words say what is missing. It counts neither way."""


@dataclass(frozen=True)
class _Sent:
    """What was sent by what mark, and whom it concerns."""

    mark: str
    channels: tuple[str, ...]
    drill: bool
    gone: frozenset[str]


class Stage:
    """Everything a row breaks. `random` is its only source of chance: the same seed gives the same schedule."""

    def __init__(self, stack: AsyncExitStack, folder: Path, *, number: int, seed: int, cycles: int) -> None:
        self.random = random.Random(f"{seed} {number}")
        self.seed = seed
        self.cycles = cycles
        self.folder = folder
        self.postgres: Postgres
        self.town_of = Town()
        self.verdict = Verdict()
        """All checks of this row together."""
        self.breaks: list[Break] = []
        self.processes: list[Process] = []
        self._stack = stack
        self._number = number
        self._valkey: Valkey | None = None
        self._sandboxes: list[SandboxProcess] = []
        self._journals: list[Journals] = []
        self._judged = [0]
        self._sent: dict[str, _Sent] = {}
        self._gone: set[str] = set()

    # -- servers ---------------------------------------------------------------------------------

    async def valkey(self) -> Valkey:
        """The row's Valkey, started when first asked for. Workers use it where they are told its url."""
        if self._valkey is None:
            self._valkey = Valkey(self.folder / "valkey")
            await self._valkey.start()
            self._stack.push_async_callback(self._valkey.close)
        return self._valkey

    async def providers(
        self, *, callback: str = "", told: Mapping[str, int] | None = None, **options: Any
    ) -> SandboxProcess:
        """LINE, SMS and mail in a process of their own, which has every accepted request on disk before it answers.

        `options` are those of `start_sandbox`; no limits unless given. Workers started later speak to the last one.
        `told` are limits a second that Todoke is told instead, which may be more than the provider bears.
        """
        limits = {"line_rate": 0, "sms_rate": 0} | {k: v for k, v in options.items() if k.endswith("_rate")}
        directory = self.folder / f"providers{len(self._sandboxes)}"
        sandbox = await self._stack.enter_async_context(
            start_sandbox(directory, seed=self.seed, callback=callback, **options | limits)
        )
        self._sandboxes.append(sandbox)
        judged = {"line": limits["line_rate"], "sms": limits["sms_rate"], "email": 0} | dict(told or {})
        journals = Journals(directory, limits=judged)
        self._journals.append(journals)
        self._judged.append(0)
        return sandbox

    async def proxy(self, host: str, port: int) -> Proxy:
        """A proxy in front of a server; for PostgreSQL `proxy(stage.postgres.socket, 5432)` and `through`."""
        return await self._stack.enter_async_context(Proxy(host, port).listening())

    # -- processes -------------------------------------------------------------------------------

    async def worker(self, *settings: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> Process:
        """A `todoke worker` that is ready. `settings` are as "sending.batch_size=20"; `prefix` comes before Python."""
        return await self._start("worker", settings, env or {}, prefix)

    async def serve(self, *settings: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = ()) -> Process:
        """A `todoke serve` on a free port; `.ready["listening"]` is its address."""
        return await self._start("serve", ("serve.port=0", *settings), env or {}, prefix)

    async def _start(
        self, command: str, settings: Iterable[str], env: Mapping[str, str], prefix: Sequence[str]
    ) -> Process:
        name = f"{command}{len(self.processes)}"
        chosen = [word for setting in settings for word in ("--set", setting)]
        started = await process.start(
            name,
            [command, "--json", "--data", str(self.data), "--config", str(self._config), *chosen],
            log=self.folder / f"{name}.log",
            env={"TODOKE_DATABASE_URL": self.postgres.url, **env},
            broke=self.breaks.append,
            prefix=prefix,
        )
        self.processes.append(started)
        self._stack.push_async_callback(started.close)
        return started

    async def run(self, *arguments: str | Path) -> Ended:
        """A `todoke` command on this database; its `.code`, `.out`, `.err` and `.last` JSON line."""
        return await self.todoke.run(*arguments)

    @property
    def data(self) -> Path:
        """The data directory all processes share: it holds the key of the vault."""
        return self.folder / "data"

    @property
    def _config(self) -> Path:
        if not self._sandboxes:
            raise Broken("the row has to start its providers first")
        return self._sandboxes[-1].settings_file

    @property
    def todoke(self) -> Todoke:
        """The command line on this database."""
        return Todoke(self.data, self.postgres.url, self._config)

    async def kill_sessions(self) -> None:
        """Tell the checker of the sessions of killed processes that name none themselves, as `todoke serve` does not."""
        known = {broken.session for broken in self.breaks}
        pids = {process.pid: process for process in self.processes if not process.alive and not process.session}
        for row in await self.query(SQL["sessions"], list(pids)):
            if row["number"] not in known and (at := pids[row["pid"]].killed_at) is not None:
                self.breaks.append(Break(row["number"], at))

    async def stop_all(self) -> None:
        """The kill switch."""
        await self._ok("stop", "--all", "--by", "森")

    async def idle(self, seconds: float) -> None:
        """Let time pass in which something must not happen."""
        await asyncio.sleep(seconds)

    # -- people and events -------------------------------------------------------------------------

    async def town(
        self,
        people: int,
        *,
        phone: bool = True,
        mail: bool = True,
        line: bool = True,
        domains: Sequence[str] = ("kawabe.example",),
    ) -> None:
        """`people` by the river with these ways of reaching them, a fifth of them on the drill list, and some on the
        hill whom nothing may reach. Every subscriber's id is `p` and seven digits.
        """
        ways = {name for name, wanted in {"sms": phone, "email": mail, "line": line}.items() if wanted}
        self.town_of.settle(crowd(people, first=1, inside=True, ways=ways, domains=domains))
        outside = max(5, people // OUTSIDERS)
        self.town_of.settle(crowd(outside, first=people + 1, inside=False, ways=ways, domains=domains))
        self.data.mkdir(exist_ok=True)
        path = self.data / "people.csv"
        path.write_text(self.town_of.file(), encoding="utf-8")
        await self._ok("import", "subscribers", path)

    async def leave(self, *people: str) -> None:
        """These people have left by now: nothing sent afterwards may reach them."""
        async with self.postgres.connection() as connection:
            for table in ("contact", "subscriber"):
                key = "subscriber" if table == "contact" else "number"
                await connection.execute(
                    f"update {table} set left_at = now() where {key} in"  # noqa: S608 two words of ours
                    " (select number from subscriber where id = any($1::text[]))",
                    list(people),
                )
            await connection.execute(
                "update subscriber set changed = pg_current_xact_id() where id = any($1::text[])", list(people)
            )
        self._gone |= set(people)

    def event(
        self,
        *,
        event_class: str = "evacuation",
        mode: str = "live",
        channels: Sequence[str] = ("line", "sms", "email"),
        minutes: float = 10,
        **changes: Any,
    ) -> dict[str, Any]:
        """An event document for the riverside. Its id is its mark, which every text carries."""
        mark = f"{self._number}-{len(self._sent)}-{self.random.randrange(16**6):06x}"
        document: dict[str, Any] = {
            "id": mark, "class": event_class, "mode": mode, "hazard": "flood", "level": 4, "issuer": "川辺町長",
            "area": {"type": "Polygon", "coordinates": RIVERSIDE}, "channels": list(channels), "delivery": "all",
            "texts": {"ja": {"subject": "川辺町から", "body": f"{{level_name}}。通番 {mark}"}},
            "valid_until": (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat(),
        }  # fmt: skip
        if event_class == "tourism":
            texts = {"ja": {"subject": "花火", "body": f"今夜は花火です。通番 {mark}"}}
            document |= {"hazard": None, "level": None, "issuer": None, "topics": ["festival"], "texts": texts}
        elif event_class == "advisory":
            document |= {"level": 3}
        return {key: value for key, value in (document | changes).items() if value is not None}

    async def send(
        self,
        *,
        event_class: str = "evacuation",
        mode: str = "live",
        channels: Sequence[str] = ("line", "sms", "email"),
        minutes: float = 10,
        **changes: Any,
    ) -> str:
        """Approve an event for everybody by the river; gives the dispatch's name. `minutes` is how long it is valid."""
        document = self.event(event_class=event_class, mode=mode, channels=channels, minutes=minutes, **changes)
        path = self.data / f"{document['id']}.json"
        path.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
        ended = await self._ok("send", path, "--requested-by", "佐藤", "--approved-by", "森", "--json")
        dispatch = str(ended.last["dispatch"])
        self.expect(dispatch, str(document["id"]), channels, drill=mode == "drill")
        return dispatch

    def expect(self, dispatch: str, mark: str, channels: Sequence[str], *, drill: bool = False) -> None:
        """Tell the checker of a dispatch that was approved by other means than `send`."""
        self._sent[dispatch] = _Sent(mark, tuple(channels), drill, frozenset(self._gone))

    async def _ok(self, *arguments: str | Path) -> Ended:
        ended = await self.run(*arguments)
        if ended.code:
            raise Broken(f"todoke {arguments[0]} failed: {ended.out}{ended.err}")
        return ended

    # -- waiting -----------------------------------------------------------------------------------

    async def over(self, dispatch: str, seconds: float = 120) -> None:
        """Wait until nothing is left to do for it. Raises Broken when that takes longer."""
        last_look = time.monotonic() + seconds
        while not await self._is_over(dispatch):
            if time.monotonic() > last_look:
                raise Broken(f"{dispatch} is not over after {seconds:g} s:\n{await self._left_over(dispatch)}")
            await asyncio.sleep(GLANCE)

    async def until_sent(self, dispatch: str, number: int, channel: str | None = None, seconds: float = 60) -> None:
        """Wait until providers have accepted so many copies of it. Raises Broken when that takes longer."""
        last_look = time.monotonic() + seconds
        while True:
            copies = await self.copies(dispatch)
            if sum(channel in {None, copy.channel} for copy in copies) >= number:
                return
            if time.monotonic() > last_look:
                raise Broken(f"{dispatch} has {len(copies)} copies after {seconds:g} s, {number} were waited for")
            await asyncio.sleep(GLANCE / 2)

    async def _is_over(self, dispatch: str) -> bool:
        async with self.postgres.connection() as connection:
            return bool(await connection.fetchval(SQL["over"], dispatch))

    async def _left_over(self, dispatch: str) -> str:
        async with self.postgres.connection() as connection:
            rows = await connection.fetch(SQL["left_over"], dispatch)
        return "\n".join(f"  {dict(row)}" for row in rows)

    async def query(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Rows of the row's database, by a statement of the row's own."""
        async with self.postgres.connection() as connection:
            return list(await connection.fetch(statement, *arguments))

    async def execute(self, statements: str) -> None:
        """Statements of the row's own."""
        async with self.postgres.connection() as connection:
            await connection.execute(statements)

    async def copies(self, dispatch: str) -> list[Copy]:
        """What the providers have accepted of it so far."""
        await self._refresh()
        mark = self._sent[dispatch].mark
        return [copy for journals in self._journals for copy in journals.copies[mark]]

    async def _refresh(self) -> None:
        for journals in self._journals:
            await asyncio.to_thread(journals.refresh)

    # -- judging -----------------------------------------------------------------------------------

    async def check(self, *dispatches: str, **allowed: Any) -> list[Figure]:
        """Judge dispatches that are over, by the providers' files and the database. `allowed` is as in `Allowed`.

        Gives the figures of these dispatches; those of the whole row stand in `verdict.figures()`. Raises Broken,
        with the history of those concerned, when an invariant did not hold.
        """
        await self._refresh()
        found, permitted = Verdict(), Allowed(**allowed)
        requests = [each for nth, j in enumerate(self._journals) for each in j.requests[self._judged[nth + 1] :]]
        cases = {}
        for dispatch in dispatches:
            cases[dispatch] = case = await self.case(dispatch, requests)
            found.add(judge(case, self.breaks, permitted))
        for nth, journals in enumerate(self._journals):
            for channel, limit in journals.limits.items():
                found.findings += rate(journals.requests[self._judged[nth + 1] :], channel, limit, permitted.jitter)
            self._judged[nth + 1] = len(journals.requests)
        self.verdict.add(found)
        if found.findings:
            raise Broken(told(found.findings, cases.values()))
        return found.figures()

    async def picked_up(self, breaks: Sequence[Break] | None = None) -> float:
        """Seconds from a break until everything its worker held was out of its hands, the worst of `breaks`.

        Infinite while anything is still held by a broken session. All breaks so far unless given.
        """
        worst = 0.0
        async with self.postgres.connection() as connection:
            for broken in self.breaks if breaks is None else breaks:
                for row in await connection.fetch(SQL["picked_up"], broken.session, broken.at + JUST_COMMITTED):
                    taken = inf if row["at"] is None else (row["at"] - broken.at).total_seconds()
                    worst = max(worst, taken)
        return worst

    async def case(self, dispatch: str, requests: Sequence[Any] = ()) -> Case:
        """All that is known of a dispatch."""
        sent = self._sent[dispatch]
        copies = [
            (self.town_of.by_address.get((copy.channel, copy.address), copy.address), copy)
            for copy in await self.copies(dispatch)
        ]
        async with self.postgres.connection() as connection:
            return Case(
                dispatch=await read_dispatch(connection, dispatch),
                concerned=frozenset(self.town_of.concerned(sent.channels, drill=sent.drill)),
                drill_list=frozenset(person.id for person in self.town_of.people.values() if person.drilled),
                gone=sent.gone,
                copies=copies,
                members=await read_members(connection, dispatch),
                requests=requests,
            )


def _make_anew(folder: Path) -> None:
    """Closed to others, but for the server of root, which runs as somebody else and has to pass through."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o711)


@asynccontextmanager
async def set_up(folder: Path, *, number: int, seed: int, cycles: int, watched: bool = True) -> AsyncIterator[Stage]:
    """A stage with a PostgreSQL that runs. All it started ends with it; the folder goes unless an exception passes."""
    _make_anew(folder)
    async with AsyncExitStack() as stack:
        stage = Stage(stack, folder, number=number, seed=seed, cycles=cycles)
        stage.postgres = await stack.enter_async_context(postgres.running(folder / "server", watched=watched))
        yield stage
    shutil.rmtree(folder)
