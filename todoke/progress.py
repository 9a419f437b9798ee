"""How a dispatch is shown in a terminal: live progress by channel, and the table at its end."""

from __future__ import annotations

import io
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from console.report.labels import OUTCOMES_JA, STATES_JA
from dispatcher.model import Outcome
from words.problem import Tongue

if TYPE_CHECKING:
    from dispatcher.dispatches import Emergency, Status
    from todoke.context import Context


class Progress:
    """On a terminal a table that moves; elsewhere, and for programs, nothing until the end."""

    def __init__(self, ctx: Context) -> None:
        self._tongue = ctx.tongue
        console = Console(stderr=True)
        self._live = Live(console=console, transient=True) if console.is_terminal and not ctx.json else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, status: Status) -> None:
        if self._live is not None:
            self._live.update(_shown(status, self._tongue))


def outcome_table(status: Status, tongue: Tongue) -> str:
    """The dispatch as text: a row a channel, a column an outcome, and how long each step took."""
    out = io.StringIO()
    Console(file=out, width=120).print(_shown(status, tongue))
    return out.getvalue().rstrip()


def _shown(status: Status, tongue: Tongue) -> Group:
    names = [outcome.name.lower() for outcome in Outcome]
    seen = [name for name in names if any(name in counts for counts in status.channels.values())]
    table = Table()
    table.add_column("経路" if tongue == "ja" else "channel")
    for name in seen:
        table.add_column(OUTCOMES_JA[name] if tongue == "ja" else name.replace("_", " "), justify="right")
    for channel, counts in status.channels.items():
        table.add_row(channel, *(f"{counts.get(name, 0):,}" for name in seen))
    held = [status.held.say(tongue)] if status.held is not None else []
    without = [_without_database(each, tongue) for each in status.emergencies]
    table_of = [table] if status.channels else []
    return Group(_title(status, tongue), *held, *table_of, *without, _caption(status, tongue))


def _title(status: Status, tongue: Tongue) -> str:
    people = f"{status.audience:,}" if status.audience is not None else "?"
    late = f"{status.late_entries:,}" if status.late_entries else ""
    if tongue == "ja":
        mode, entered = "訓練" if status.mode == "drill" else "本番", late and f"（うち後から入った人 {late} 人）"
        return f"{mode} {status.dispatch}: {STATES_JA[status.state]}、対象 {people} 人{entered}"
    entered = late and f" ({late} by late entry)"
    return f"{status.mode.upper()} {status.dispatch}: {status.state}, {people} people{entered}"


def _without_database(order: Emergency, tongue: Tongue) -> str:
    if tongue == "ja":
        return f"データベースなしの緊急送信あり: 指示 {order.ordered_by}（{order.host}）"
    return f"sent in part without the database: ordered by {order.ordered_by} on {order.host}"


def _caption(status: Status, tongue: Tongue) -> str:
    steps_ja = {"match": "対象確定", "planned": "計画完了", "first_send": "最初の送信", "drained": "終了"}
    steps_en = {"match": "matched", "planned": "planned", "first_send": "first send", "drained": "ended"}
    steps = steps_ja if tongue == "ja" else steps_en
    told = [f"{steps[step]} {seconds:.2f} s" for step, seconds in status.seconds.items()]
    return ("承認から: " if tongue == "ja" else "after approval: ") + ", ".join(told)
