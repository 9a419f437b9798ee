"""A program that uses the API with a key, over a real socket."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from console.accounts import Role
from console.api import keys
from tests.console.office import Office


@dataclass(frozen=True)
class Said:
    status: int
    text: str
    headers: CIMultiDictProxy[str]

    @property
    def body(self) -> Any:
        return json.loads(self.text)

    @property
    def problem(self) -> Any:
        """Every error is one, and says so."""
        assert self.headers["Content-Type"].startswith("application/problem+json"), self.text
        assert self.body["status"] == self.status
        return self.body

    @property
    def code(self) -> str:
        return str(self.problem["errors"][0]["code"])


@dataclass(frozen=True)
class Program:
    address: str
    key: str

    async def ask(self, method: str, path: str, data: bytes | None = None, **headers: str) -> Said:
        wanted = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.key:
            wanted.setdefault("Authorization", f"Bearer {self.key}")
        return await asked(method, self.address + path, data, wanted)

    async def get(self, path: str) -> Said:
        return await self.ask("GET", path)

    async def post(self, path: str, body: Any = None, **headers: str) -> Said:
        data = None if body is None else json.dumps(body).encode()
        return await self.ask("POST", path, data, **{"Content_Type": "application/json", **headers})


async def asked(method: str, address: str, data: bytes | None, headers: Mapping[str, str]) -> Said:
    async with (
        aiohttp.ClientSession() as client,
        client.request(method, address, data=None if data is None else BytesIO(data), headers=headers) as answer,
    ):
        return Said(answer.status, await answer.text(), answer.headers)


async def program(
    office: Office, name: str = "river-gauge", role: Role = Role.AUTHOR, *, sends_drills: bool = False
) -> Program:
    return Program(office.address, await keys.create(office.pool, name, role, sends_drills=sends_drills))
