"""What the console is made of, as plain values, and how a handler finds it."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from aiohttp import web
from asyncpg import Pool

from console.accounts import Officer
from console.accounts.enrolling import Enroller
from console.accounts.passwords import Passwords
from console.accounts.sign_in import Door, SignIn
from console.accounts.totp import Clock
from console.orders.desk import Desk
from console.web.static_files import StaticFiles
from console.where.districts import District
from console.where.town_map import TownMap
from subscribers.vault import Vault
from words.problem import Tongue


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`public_base_url`: where browsers reach the console; None: on this machine alone. `proxies` are believed when they
    say whom they ask for (X-Forwarded-For). `language` is for whoever has not chosen one; `now` is what codes are compared by.
    What the `desk` counts is as fresh as its audience, which somebody else follows.
    """

    desk: Desk
    vault: Vault
    districts: Sequence[District] = ()
    public_base_url: str | None = None
    language: Tongue = "ja"
    proxies: Sequence[IPv4Network | IPv6Network] = ()
    guided: bool = False
    """Whether pages say what comes next, for whoever has never sent an order."""
    now: Clock = time.time


class Console:
    """The parts at work. Raises Refused where the package was not built."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.pool: Pool = parts.desk.pool
        self.desk = parts.desk
        self.town = parts.desk.town.name
        self.map = TownMap(parts.desk, parts.districts)
        self.files = StaticFiles()
        self.passwords = Passwords()
        self.door = Door(self.pool, parts.vault, self.passwords, parts.now)
        self.enroller = Enroller(self.pool, parts.vault, self.passwords, parts.now, town=self.town)
        self.secret: bytes = parts.vault.lookup("console", "forgery")
        public = urlsplit(parts.public_base_url or "")
        self.encrypted = public.scheme == "https"
        self.origin = f"{public.scheme}://{public.netloc}".lower() if self.encrypted else None
        """The one origin pages come from; None: any name of this machine."""
        self.elsewhere = public.scheme == "http" and not is_loopback(public.hostname or "")
        """Whether it was meant to be reached from other machines in clear, which it is not."""


CONSOLE = web.AppKey("console", Console)
SIGN_IN = web.RequestKey("sign_in", SignIn)
"""The sign-in of whoever asks, also while its code is still to be given; absent: nobody is signed in."""
OFFICER = web.RequestKey("officer", Officer)
"""Whoever asks; absent, unless both factors were given."""


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def machine_of(request: web.Request) -> str:
    """The address somebody asks from: the nearest that is not one of our own proxies."""
    proxies = request.app[CONSOLE].parts.proxies
    asked = [
        part.strip() for part in ",".join(request.headers.getall("X-Forwarded-For", [])).split(",") if part.strip()
    ]
    machine = request.remote or ""
    while asked and _is_in(machine, proxies):
        machine = asked.pop()
    return machine


def _is_in(machine: str, networks: Sequence[IPv4Network | IPv6Network]) -> bool:
    try:
        address = ipaddress.ip_address(machine)
    except ValueError:
        return False
    return any(address in network for network in networks)
