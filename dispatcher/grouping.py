"""Group commit: calls that come while one is under way share the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Group(Generic[Item, Result]):
    """Runs `work` on lists of items, one list at a time; awaiting the group with an item gives that item's result.

    `work` returns one result an item, in their order. When a list of several fails, each of its items
    is tried alone, so that one bad row never stops the others. Nor does one that has to wait: a list that takes longer
    than `patience` seconds is called off and its items are tried beside one another, and what takes so long alone holds
    up nobody behind it. So `work` has to come to the same when it is done twice.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        *,
        most: int = 64,
        patience: float | None = None,
    ) -> None:
        self._work = work
        self._most = most
        self._patience = patience
        self._apart: set[asyncio.Task[None]] = set()
        self._waiting: list[tuple[Item, asyncio.Future[Result]]] = []
        self._running: asyncio.Task[None] | None = None

    async def __call__(self, item: Item) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="group")
        return await future

    async def _run(self) -> None:
        try:
            while self._waiting:
                group, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await (self._serve(group) if self._patience is None else self._serve_soon(group, self._patience))
        finally:
            self._running = None

    async def _serve_soon(self, group: Sequence[tuple[Item, asyncio.Future[Result]]], patience: float) -> None:
        """Return after `patience` at the latest; what is not done by then goes on apart."""
        serving = self._set_apart(group)
        await asyncio.wait({serving}, timeout=patience)
        if not serving.done() and len(group) > 1:
            serving.cancel()
            await asyncio.wait({serving})
            for each in group:
                if not each[1].done():
                    self._set_apart([each])

    def _set_apart(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> asyncio.Task[None]:
        task = asyncio.create_task(self._serve(group), name="group")
        self._apart.add(task)
        task.add_done_callback(self._apart.discard)
        return task

    async def _serve(self, group: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await self._work([item for item, _ in group])
        except Exception as error:  # noqa: BLE001 - handed to whoever waits, or tried again alone
            if len(group) == 1:
                _fail(group[0][1], error)
                return
            for each in group:
                await self._serve([each])
            return
        for (_, future), result in zip(group, results, strict=True):
            if not future.done():
                future.set_result(result)


def _fail(future: asyncio.Future[Result], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
