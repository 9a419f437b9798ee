"""Why an officer's order to send without the database is refused."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from dispatcher.emergency.records import Ordered, Stopped
from words.problem import Problem


def same_words(typed: str, name: str) -> bool:
    """川辺町 and 川辺町 with spaces around, ＡＢＣ and abc: typed on a bad night, but meant."""
    return _plain(typed) == _plain(name)


def _plain(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def database_answers() -> Problem:
    return Problem(
        "emergency.database_answers",
        "",
        "データベースは応答しています。緊急送信は不要です。todoke status で配信の状況を確かめてください。",
        "The database answers, so the ordinary way is at work. See how the dispatch stands with todoke status.",
    )


def too_early(seconds: float) -> Problem:
    wait = max(1, round(seconds))
    return Problem(
        "emergency.too_early",
        "",
        f"データベースが応答しなくなったばかりで、送信中の結果がまだ確定していません。{wait} 秒後にもう一度実行してください。",
        f"The database has only just gone, and calls may still be under way. Try again in {wait} seconds.",
    )


def not_ours(dispatch: str) -> Problem:
    return Problem(
        "emergency.other_process",
        "",
        f"{dispatch}: このサーバーは別のプロセスに緊急送信の担当を譲っています。数秒後にもう一度実行してください。",
        f"{dispatch}: another process of this data directory is in charge. Try again in a few seconds.",
    )


def unknown(dispatch: str, known: Iterable[str]) -> Problem:
    names = ", ".join(sorted(known))
    return Problem(
        "emergency.unknown",
        "",
        f"このサーバーは、承認済みで送信の終わっていない避難情報「{dispatch}」を知りません。"
        + (f"送れるのは {names} です。" if names else "送れる配信はありません。"),
        f"This server knows no approved evacuation '{dispatch}' that is not through. "
        + (f"What it can send: {names}." if names else "There is nothing that it can send."),
    )


def wrong_class(dispatch: str, event_class: str, mode: str) -> Problem:
    return Problem(
        "emergency.class",
        "",
        f"{dispatch} は本番の避難情報ではありません({event_class}, {mode})。"
        "データベースなしで送れるのは、本番の避難情報だけです。データベースの復旧を待ってください。",
        f"{dispatch} is no live evacuation ({event_class}, {mode}), and nothing else is sent without the database. "
        "Wait until it is back.",
    )


def held(dispatch: str) -> Problem:
    return Problem(
        "emergency.held",
        "",
        f"{dispatch} は保留中です。保留は、データベースが戻ってから todoke release で解除してください。",
        f"{dispatch} is held. It can be released once the database is back, with todoke release.",
    )


def expired(dispatch: str, valid_until: datetime) -> Problem:
    return Problem(
        "emergency.expired",
        "",
        f"{dispatch} の有効期限 {valid_until:%Y-%m-%d %H:%M}(UTC)は過ぎています。もう送れません。",
        f"{dispatch} was valid until {valid_until:%Y-%m-%d %H:%M} UTC. It is not sent any more.",
    )


def stopped(dispatch: str, record: Stopped) -> Problem:
    return Problem(
        "emergency.stopped",
        "",
        f"{dispatch} は {record.by} が止めました。もう送れません。",
        f"{dispatch} was stopped by {record.by}. It is not sent any more.",
    )


def ordered(dispatch: str, record: Ordered) -> Problem:
    return Problem(
        "emergency.ordered",
        "",
        f"{dispatch} の緊急送信は、すでに {record.by} が指示しています。todoke emergency list で状況を確かめてください。",
        f"{record.by} has already ordered {dispatch} to be sent. See how it stands with todoke emergency list.",
    )


def confirm(dispatch: str, names: Sequence[str], people: Mapping[str, int]) -> Problem:
    counted = ", ".join(f"{channel} {number:,}" for channel, number in people.items())
    return Problem(
        "emergency.confirm",
        "",
        f"{dispatch} を送るには、区域または配信の名前をそのまま入力してください: --confirm {names[0]} （{counted} 件に送信）",
        f"To send {dispatch}, type the name of its area or event: --confirm '{names[0]}' (it would be sent to {counted}).",
    )


def no_disk(reason: str) -> Problem:
    return Problem(
        "emergency.no_journal",
        "emergency.directory",
        f"送信の記録をこのサーバーのディスクに書けません({reason})。記録なしでは送りません。"
        "空き容量を作るか、emergency.directory に別のディスクを指定してサーバーを動かしてください。",
        f"This server cannot write its journal to disk ({reason}), and sends nothing without one. "
        "Free some space, or run servers with emergency.directory on another disk.",
    )
