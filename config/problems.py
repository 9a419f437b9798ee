"""What can be wrong with a setting, in sentences."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from config.origin import Given
from words.problem import Problem

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SENTENCES = {
    "missing": ("この設定が必要です。設定してください。", "This setting is required. Set it."),
    "int_parsing": ("整数を指定してください。", "Give a whole number."),
    "int_type": ("整数を指定してください。", "Give a whole number."),
    "int_from_float": ("整数を指定してください。", "Give a whole number."),
    "float_parsing": ("数を指定してください。", "Give a number."),
    "float_type": ("数を指定してください。", "Give a number."),
    "bool_parsing": ("true か false を指定してください。", "Give true or false."),
    "bool_type": ("true か false を指定してください。", "Give true or false."),
    "string_type": ("文字列を指定してください。", "Give a text in quotes."),
    "path_type": ("パスを文字列で指定してください。", "Give a path in quotes."),
    "greater_than": ("{gt} より大きい値を指定してください。", "Give a value above {gt}."),
    "greater_than_equal": ("{ge} 以上の値を指定してください。", "Give a value of at least {ge}."),
    "less_than": ("{lt} より小さい値を指定してください。", "Give a value below {lt}."),
    "less_than_equal": ("{le} 以下の値を指定してください。", "Give a value of at most {le}."),
    "literal_error": ("使えるのは {expected} です。", "Give one of these: {expected}."),
    "enum": ("使えるのは {expected} です。", "Give one of these: {expected}."),
    "string_too_short": ("{min_length} 文字以上で指定してください。", "Give at least {min_length} characters."),
    "string_too_long": ("{max_length} 文字以内で指定してください。", "Give at most {max_length} characters."),
    "too_short": ("{min_length} 文字以上で指定してください。", "Give at least {min_length} characters."),
    "string_pattern_mismatch": ("形式が違います。{pattern} の形で指定してください。", "Give it in the form {pattern}."),
    "model_type": ("表(セクション)として書いてください。", "Write it as a table of settings."),
    "dict_type": ("表(セクション)として書いてください。", "Write it as a table of settings."),
    "list_type": ("一覧として書いてください。", "Write it as a list."),
    "tuple_type": ("一覧として書いてください。", "Write it as a list."),
    "todoke_scheme": ("{schemes} のどれかで始めてください。", "It must start with one of {schemes}."),
    "todoke_time_zone": (
        "このタイムゾーンはありません。Asia/Tokyo のように指定してください。",
        "There is no such time zone. Give one like Asia/Tokyo.",
    ),
    "todoke_key": (
        "鍵は {size} バイトを base64 で書いたものです。`openssl rand -base64 {size}` で作れます。",
        "The key is {size} bytes written in base64. `openssl rand -base64 {size}` makes one.",
    ),
    "todoke_place": ("{{lat}} と {{lon}} を含めてください。", "It must contain {{lat}} and {{lon}}."),
    "todoke_call": (
        "sending.call_seconds は sending.expire_seconds の半分({limit:g} 秒)以下にしてください。",
        "sending.call_seconds must be at most half of sending.expire_seconds, {limit:g} seconds.",
    ),
    "todoke_hook": (
        "https:// の URL か、庁内の(プライベート)アドレスの http:// の URL を指定してください。",
        "Give an address with https://, or with http:// and a private address of the house.",
    ),
    "todoke_network": (
        "10.0.0.5 や 10.0.0.0/24 のように、アドレスかネットワークを指定してください。",
        "Give an address or a network, like 10.0.0.5 or 10.0.0.0/24.",
    ),
    "todoke_canary": (
        "canary.deadline_seconds は、カナリアの間隔より短くしてください。",
        "canary.deadline_seconds must be shorter than the time between two canaries.",
    ),
    "todoke_beat": (
        "sending.beat_seconds は sending.expire_seconds の半分({limit:g} 秒)以下にしてください。",
        "sending.beat_seconds must be at most half of sending.expire_seconds, {limit:g} seconds.",
    ),
}


def bad(detail: ErrorDetails, prefix: str, given: Mapping[str, Given]) -> Problem:
    """A value that does not fit its model; the value itself is never repeated, it may be secret."""
    name = ".".join(part for part in (prefix, *_names(detail)) if part)
    origin = _nearest(name, given)
    ja, en = SENTENCES.get(detail["type"], ("この値は使えません({msg})。", "This value cannot be used: {msg}."))
    context: dict[str, Any] = {"msg": detail["msg"]} | dict(detail.get("ctx", {}))
    return Problem("settings.bad", origin or name, ja.format(**context), en.format(**context))


def _names(detail: ErrorDetails) -> Iterable[str]:
    return (str(part) for part in detail["loc"])


def _nearest(name: str, given: Mapping[str, Given]) -> str | None:
    """Where the value came from, also when only a part of it is wrong, or several do not go together."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        leaf = ".".join(parts[:length])
        if leaf in given:
            rest = ".".join(parts[length:])
            return f"{given[leaf].origin.where} ({rest})" if rest else given[leaf].origin.where
    within = [each.origin.where for leaf, each in given.items() if leaf.startswith(f"{name}.")]
    return ", ".join(within) or None


def unknown(where: str, name: str, known: Iterable[str]) -> Problem:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    hint_ja = f"{close[0]} のことでしょうか。" if close else ""
    hint_en = f" Did you mean {close[0]}?" if close else ""
    return Problem(
        "settings.unknown",
        where,
        f"このような設定はありません。{hint_ja}設定の一覧は docs/settings.md にあります。",
        f"There is no such setting.{hint_en} docs/settings.md lists them all.",
    )


def section(where: str, name: str, setting: str) -> Problem:
    return Problem(
        "settings.section",
        where,
        f"{name} は設定ではなくセクションです。[{name}] と書き、その下に {setting} などの設定を書いてください。",
        f"{name} is a section, not a setting. Write [{name}] and below it its settings, such as {setting}.",
    )


def given_twice(variable: str, other: str) -> Problem:
    return Problem(
        "settings.given_twice",
        variable,
        f"{other} と両方が設定されています。どちらか一方にしてください。",
        f"This and {other} are both set. Keep one of them.",
    )


def unreadable(where: str, error: OSError | UnicodeDecodeError) -> Problem:
    reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
    return Problem(
        "settings.unreadable",
        where,
        f"このファイルを読めません({reason})。パスと権限を確かめてください。",
        f"This file cannot be read ({reason}). Check its path and permissions.",
    )


def not_toml(where: str, error: Exception) -> Problem:
    return Problem(
        "settings.not_toml",
        where,
        f"TOML として読めません({error})。その箇所を直してください。",
        f"This is not valid TOML ({error}). Correct that place.",
    )


def not_json(where: str) -> Problem:
    return Problem(
        "settings.not_json",
        where,
        '表や一覧は JSON で書いてください。例: {"docomo.ne.jp": 10}',
        'Write tables and lists as JSON, such as {"docomo.ne.jp": 10}.',
    )


def open_secret(path: str) -> Problem:
    return Problem(
        "settings.open_secret",
        path,
        "秘密の設定が書かれていますが、誰でも読めるファイルです。`chmod o-r` を実行してください。",
        "This file holds a secret, and everybody can read it. Run `chmod o-r` on it.",
    )


def data_in_data(where: str) -> Problem:
    return Problem(
        "settings.data_in_data",
        where,
        "データディレクトリの中の設定ファイルで data は指定できません。--data か TODOKE_DATA を使ってください。",
        "A file in the data directory cannot say where that is. Use --data or TODOKE_DATA.",
    )
