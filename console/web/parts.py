"""What the console is made of, as plain values, and how a handler finds it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from urllib.parse import urlsplit

from aiohttp import web
from asyncpg import Pool

from console.accounts.enrolling import Enroller
from console.accounts.passwords import Passwords
from console.accounts.sign_in import Door
from subscribers.vault import Vault
from words.problem import Tongue


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """`public_base_url`: where browsers reach the console; None: on this machine alone. `proxies` are believed when they
    say whom they ask for (X-Forwarded-For). `language` is for whoever has not chosen one.
    """

    pool: Pool
    vault: Vault
    town: str = ""
    public_base_url: str | None = None
    language: Tongue = "ja"
    proxies: Sequence[IPv4Network | IPv6Network] = ()


class Console:
    """The parts at work."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.pool = parts.pool
        self.passwords = Passwords()
        self.door = Door(parts.pool, parts.vault, self.passwords)
        self.enroller = Enroller(parts.pool, parts.vault, self.passwords, town=parts.town)
        self.secret: bytes = parts.vault.lookup("console", "forgery")
        public = urlsplit(parts.public_base_url or "")
        self.encrypted = public.scheme == "https"
        self.origin = f"{public.scheme}://{public.netloc}".lower() if self.encrypted else None
        """The one origin pages come from; None: any name of this machine."""
        self.elsewhere = public.scheme == "http" and not is_loopback(public.hostname or "")
        """Whether it was meant to be reached from other machines in clear, which it is not."""


CONSOLE = web.AppKey("console", Console)


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
