"""The town hall of 川辺町: a console on a real socket, and the browsers of those who work there."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network

import aiohttp
import asyncpg
import pyotp
from aiohttp import web
from yarl import URL

from console.accounts import Role, totp
from console.orders.desk import Desk as OrderDesk
from console.watch.hub import Hub
from console.web.app import install
from console.web.dispatches.watching import HUB
from console.web.parts import CONSOLE, Console, Parts
from console.where.districts import District
from subscribers.columns import open_audience
from subscribers.vault import Vault
from tests.dispatcher.engine_room import KAWABE, kawabe

PASSWORD = "seven herons under Kojima bridge"
VAULT = Vault(bytes(range(32)))
TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
COOKIE = "todoke"
ADD = """insert into officer (login, name, roles, password, totp, enrolled_at) values ($1, $2, $3, $4, $5, now())
returning id"""
SEAL = "update officer set totp = $2 where id = $1"


@dataclass(frozen=True)
class Answer:
    status: int
    text: str
    headers: Mapping[str, str]


class Clock:
    """What codes are compared by; it stands still until told."""

    def __init__(self) -> None:
        self.now = 1_795_000_005.0

    def __call__(self) -> float:
        return self.now

    def tick(self) -> None:
        """On to the next code."""
        self.now += totp.SECONDS


@dataclass
class Hired:
    """An officer with what they know and hold."""

    id: int
    login: str
    secret: str


@dataclass
class Desk:
    """A browser."""

    address: str
    client: aiohttp.ClientSession
    clock: Clock
    token: str = ""
    said: list[Answer] = field(default_factory=list)

    @property
    def cookie(self) -> str | None:
        found = self.client.cookie_jar.filter_cookies(URL(self.address)).get(COOKIE)
        return found.value if found else None

    async def get(self, path: str, **headers: str) -> Answer:
        return await self._ask("GET", path, headers)

    async def post(self, path: str, headers: Mapping[str, str] | None = None, **filled: str | list[str]) -> Answer:
        """A form with the token of the last page."""
        pairs = [("token", self.token)] if self.token else []
        for name, value in filled.items():
            pairs += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        return await self._ask("POST", path, headers or {}, pairs)

    async def _ask(
        self, method: str, path: str, headers: Mapping[str, str], data: list[tuple[str, str]] | None = None
    ) -> Answer:
        wanted = {"Accept": "text/html", "Accept-Language": "ja", **headers}
        async with self.client.request(
            method, self.address + path, headers=wanted, data=data, allow_redirects=False
        ) as answer:
            text = await answer.text()
            self._remember(text)
            return Answer(answer.status, text, answer.headers.copy())

    def _remember(self, text: str) -> None:
        found = TOKEN.search(text)
        self.token = found[1] if found else self.token

    async def give_password(self, hired: Hired, password: str = PASSWORD, **headers: str) -> Answer:
        await self.get("/sign-in")
        said = await self.post("/sign-in", headers, login=hired.login, password=password)
        await self.get("/sign-in/code")
        return said

    async def give_code(self, hired: Hired, path: str = "/sign-in/code") -> Answer:
        self.clock.tick()
        await self.get("/sign-in/code")
        return await self.post(path, code=code_of(hired, self.clock))

    async def sign_in(self, hired: Hired) -> Answer:
        await self.give_password(hired)
        done = await self.give_code(hired)
        await self.get("/account")
        return done


class Office:
    """The console, and who works with it."""

    def __init__(self, address: str, pool: asyncpg.Pool, clock: Clock, console: Console, hub: Hub) -> None:
        self.address = address
        self.pool = pool
        self.clock = clock
        self.console = console
        self.hub = hub
        self._clients: list[aiohttp.ClientSession] = []

    async def hire(self, login: str, name: str, *roles: Role) -> Hired:
        secret, hashed = totp.new_secret(), await self.console.passwords.hash(PASSWORD)
        officer = await self.pool.fetchval(ADD, login, name, list(roles or (Role.VIEWER,)), hashed, b"")
        await self.pool.execute(SEAL, officer, totp.seal(VAULT, officer, secret))
        return Hired(officer, login, secret)

    def desk(self) -> Desk:
        client = aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True))
        self._clients.append(client)
        return Desk(self.address, client, self.clock)

    async def signed_in(self, hired: Hired) -> Desk:
        desk = self.desk()
        await desk.sign_in(hired)
        return desk

    async def actions(self) -> list[str]:
        """What the record says was done, in order."""
        return [row["action"] for row in await self.pool.fetch("select action from audit order by seq")]

    async def close(self) -> None:
        for client in self._clients:
            await client.close()


def code_of(hired: Hired, clock: Clock, *, steps: int = 0) -> str:
    return pyotp.TOTP(hired.secret).at(int(clock.now) + steps * totp.SECONDS)


async def desk_of(pool: asyncpg.Pool) -> OrderDesk:
    """What orders are worked on with: the audience as it is now, and channels that nothing is sent by here."""
    town = await kawabe(pool)
    return OrderDesk(pool, KAWABE, town.channels, await open_audience(pool), code="99201")


@asynccontextmanager
async def open_office(
    pool: asyncpg.Pool,
    *,
    routes: web.RouteTableDef | None = None,
    public_base_url: str | None = None,
    districts: Sequence[District] = (),
    desk: OrderDesk | None = None,
    guided: bool = False,
) -> AsyncIterator[Office]:
    """`routes` stand beside the console's own, as a machine's would."""
    clock, app = Clock(), web.Application(client_max_size=1024 * 1024)
    app.add_routes(routes or web.RouteTableDef())
    proxies = (ip_network("127.0.0.1"),)
    parts = Parts(
        desk=desk or await desk_of(pool),
        vault=VAULT,
        districts=districts,
        proxies=proxies,
        now=clock,
        public_base_url=public_base_url,
        guided=guided,
    )
    install(app, parts)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    office = Office(f"http://127.0.0.1:{runner.addresses[0][1]}", pool, clock, app[CONSOLE], app[HUB])
    try:
        yield office
    finally:
        await office.close()
        await runner.cleanup()
