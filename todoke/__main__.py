"""`todoke`: the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click

from config.settings import language_of

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A command and where it lives; it is imported when somebody runs it."""

    module: str
    ja: str
    en: str
    name: str = "command"
    """Which command of the module."""

    @property
    def help(self) -> str:
        return self.ja if language_of(os.environ) == "ja" else self.en

    def load(self) -> click.Command:
        command = getattr(import_module(f"todoke.commands.{self.module}"), self.name)
        if not isinstance(command, click.Command):
            raise TypeError(f"todoke.commands.{self.module}.command is not a command")
        return command


@dataclass(frozen=True, slots=True)
class Group:
    """A word that stands before several commands: `import areas`."""

    ja: str
    en: str
    commands: Mapping[str, Entry]

    @property
    def help(self) -> str:
        return self.ja if language_of(os.environ) == "ja" else self.en

    def load(self) -> click.Command:
        return LazyGroup(self.commands, help=self.help)


COMMANDS: Mapping[str, Entry | Group] = {
    "demo": Entry(
        "demo", "架空の町で、避難指示が届くまでを見せる", "Show an order reach everybody in a town that does not exist"
    ),
    "serve": Entry("serve", "ウェブの窓口と配信を動かす", "Serve the web side and send what is due"),
    "worker": Entry("worker", "配信だけを動かす", "Send what is due, without the web side"),
    "sandbox": Entry(
        "sandbox", "LINE・SMS・メールの代役を手元で動かす", "Run stand-ins for LINE, SMS and mail on this machine"
    ),
    "migrate": Entry("migrate", "データベースを今の版に更新する", "Bring the database up to date"),
    "config": Group(
        "設定を調べる",
        "Look into the settings",
        {
            "check": Entry(
                "config_check", "有効な設定と、その出どころを示す", "Show every setting and where it came from"
            )
        },
    ),
    "import": Group(
        "区域・登録者・避難所を取り込む",
        "Take in areas, subscribers and shelters",
        {
            "areas": Entry("import_areas", "行政区域の境界を取り込む", "Take in boundaries"),
            "subscribers": Entry("import_subscribers", "登録者の CSV を取り込む", "Take in subscribers from a CSV"),
            "shelters": Entry("import_shelters", "避難所の CSV を取り込む", "Take in shelters from a CSV"),
        },
    ),
    "match": Entry(
        "match", "送らずに、対象となる人数を数える", "Count whom an event or an area concerns, without sending"
    ),
    "send": Entry("send", "イベントを配信する", "Send an event"),
    "status": Entry("status", "配信の状況を示す", "Show how dispatches are getting on"),
    "test-alarm": Entry("try_alarm", "警報が届くかを試す", "See whether an alarm would reach anybody"),
    "age": Entry(
        "age", "保存期間の過ぎた配信の明細を削除する", "Drop the details of dispatches that were kept long enough"
    ),
    "again": Entry("again", "届かなかった人に送り直す", "Send a dispatch again to whom it did not reach"),
    "release": Entry("release", "保留された配信を送る", "Send a dispatch that is held"),
    "stop": Entry("stop", "配信を止める", "Stop one dispatch, or all"),
    "emergency": Group(
        "データベースなしで、承認済みの避難情報を送る",
        "Send an approved evacuation while there is no database",
        {
            "list": Entry(
                "emergency", "送れる避難情報と状況を示す", "Show what could be sent, and how it stands", "list_"
            ),
            "send": Entry("emergency", "データベースなしで送る", "Send one without the database", "send"),
            "stop": Entry("emergency", "緊急送信を止める", "Stop one that is being sent without it", "stop"),
        },
    ),
    "report": Entry("report", "配信の報告を HTML に書き出す", "Write a dispatch's report as one HTML page"),
    "why": Entry(
        "why", "一人の登録者に何が届いたか、理由とともに示す", "Tell what became of one person's message, and why"
    ),
    "admin": Group(
        "コンソールの職員を扱う",
        "Look after the console's officers",
        {"create": Entry("admin", "最初の管理者を作る", "Make the first administrators")},
    ),
    "key": Group(
        "API キーを扱う",
        "Look after the keys of programs that use the API",
        {
            "create": Entry("key", "API キーを作る", "Make an API key", "create"),
            "list": Entry("key", "API キーを一覧にする", "List the API keys", "list_"),
            "revoke": Entry("key", "API キーを取り消す", "Revoke an API key", "revoke"),
        },
    ),
    "audit": Group(
        "操作の記録を調べる",
        "Look into the record of what officers did",
        {"verify": Entry("audit", "記録が書き換えられていないか確かめる", "See whether it is what was written")},
    ),
    "shelter": Entry("shelter", "避難所を開設・満員・閉鎖にする", "Say that a shelter is open, full or closed"),
    "make-town": Entry("make_town", "試験用の登録者を作る", "Make up subscribers to try things with"),
}


class LazyGroup(click.Group):
    """Lists its commands without importing any of them."""

    def __init__(self, table: Mapping[str, Entry | Group], *, help: str, name: str | None = None) -> None:  # noqa: A002 click's own word
        super().__init__(name, help=help)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 click's signature
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 click's signature
        entry = self.table.get(cmd_name)
        return entry.load() if entry else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self.table.items()])


def main() -> None:
    """Run the command line and end the process: 0 done, 1 refused or failed, 2 wrong usage, 130 interrupted."""
    root = LazyGroup(COMMANDS, help="Todoke (届け): the right message to the right people, by where they are, now.")
    try:
        sys.exit(root.main(prog_name="todoke", standalone_mode=False) or 0)
    except click.ClickException as wrong:
        wrong.show()
        sys.exit(wrong.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # Whoever read us has gone; Python's last flush must not complain of it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    main()
