"""What the watch sees of orders: released alone and not yet looked at, overdue at that, stuck, or not released."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dispatcher.trouble import Trouble
from dispatcher.watch import Looker
from words.sql import sql

if TYPE_CHECKING:
    from asyncpg import Pool

_ALONE = sql("console.orders", "alone")
_STUCK = sql("console.orders", "stuck")

LATE_SECONDS = 20.0
"""After its ten seconds an order leaves within one poll; so much later nobody is there to release it."""


class Lookout:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @property
    def looker(self) -> Looker:
        return Looker("orders", self.look)

    async def look(self) -> list[Trouble]:
        found = []
        for row in await self._pool.fetch(_ALONE):
            found.append(alone(row["id"]))
            if row["overdue"]:
                found.append(_overdue(row["id"], row["dispatch"]))
        stuck = await self._pool.fetch(_STUCK, LATE_SECONDS)
        return [
            *found,
            *(_stuck(row["id"]) if row["state"] == "counting" else not_released(row["id"]) for row in stuck),
        ]


def alone(order: int) -> Trouble:
    """Told to everybody else at once."""
    return Trouble(
        "order.alone",
        f"order:{order}",
        f"警戒レベル5の発令 {order} を、職員が一人で発信しました（緊急発信）。"
        "すぐに内容を確かめ、コンソールで事後の承認をしてください。誤りなら停止と訂正をしてください。",
        f"Order {order}, a level 5, was released by one officer alone (break-glass). Look at it now and approve it "
        "afterwards in the console; if it is wrong, stop and correct it.",
    )


def _overdue(order: int, dispatch: str | None) -> Trouble:
    name = f"（{dispatch}）" if dispatch else ""
    return Trouble(
        "order.alone_overdue",
        f"order:{order}",
        f"一人で発信された発令 {order}{name}が、期限を過ぎても事後の承認を受けていません。承認者が内容を確かめてください。",
        f"Order {order}, released by one officer alone, is past the time by which another has to have looked at it. "
        "An approver has to do so.",
    )


def _stuck(order: int) -> Trouble:
    return Trouble(
        "order.stuck",
        f"order:{order}",
        f"承認された発令 {order} が送信に移っていません。todoke serve が動いているか、ログ（release_failed）を確かめてください。",
        f"Order {order} was approved and has not left. See that todoke serve runs, and release_failed in its log.",
    )


def not_released(order: int) -> Trouble:
    return Trouble(
        "order.not_released",
        f"order:{order}",
        f"承認された発令 {order} は送れず、無効になりました。コンソールで理由を確かめ、必要ならすぐに作り直してください。",
        f"Order {order} was approved, could not be sent and is void. See why in the console; if it is needed, make it anew "
        "at once.",
    )
