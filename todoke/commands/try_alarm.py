"""`todoke test-alarm`: whether an alarm would reach anybody."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from dispatcher.alarms import Notice
from dispatcher.teller import Hook, HookFailed
from dispatcher.trouble import Trouble
from todoke.cli import Context, common_options
from todoke.watchman import hooks
from words.problem import Problem, Refused


@click.command("test-alarm")
@common_options
def command(ctx: Context) -> None:
    """Tell a notice named `test` by every configured hook, and say which took it. Needs no database.

    \b
    Example:
      todoke test-alarm --set alarms.webhook=https://chat.kawabe.example/hooks/todoke
    """
    wanted = hooks(ctx.settings)
    if not wanted:
        raise Refused(_none())
    failed = ctx.run(_tell(wanted))
    ctx.emit({"hooks": {hook.name: failed.get(hook.name, "") for hook in wanted}})
    for hook in wanted:
        reason = failed.get(hook.name)
        if reason is None:
            ctx.say(ja=f"{hook.name}: 届きました。", en=f"{hook.name}: took it.")
        else:
            ctx.say(ja=f"{hook.name}: 届きません({reason})。", en=f"{hook.name}: did not take it ({reason}).")
    sys.exit(bool(failed))


async def _tell(wanted: list[Hook]) -> dict[str, str]:
    """Why those that did not take it did not."""
    notice, failed = Notice("raised", _trouble(), datetime.now(UTC)), {}
    for hook in wanted:
        try:
            await hook.tell(notice)
        except HookFailed as failure:
            failed[hook.name] = str(failure)
    return failed


def _trouble() -> Trouble:
    return Trouble(
        "test",
        "",
        "これは警報の試験です。異常はありません。",
        "This is a test of the alarm. Nothing is wrong.",
    )


def _none() -> Problem:
    return Problem(
        "alarms.none",
        "alarms",
        "警報の知らせ先がありません。alarms.command か alarms.webhook を設定してください。",
        "There is nobody to tell. Set alarms.command or alarms.webhook.",
    )
