"""What a program is told, and whoever looks after it. `code` decides the HTTP status."""

from __future__ import annotations

from words.problem import Problem


def key_needed() -> Problem:
    return Problem(
        "api.key",
        "",
        "有効な API キーがありません。Authorization: Bearer に続けて、取り消されていないキーを送ってください。",
        "There is no valid API key. Send one that was not revoked, as Authorization: Bearer.",
    )


def too_many(seconds: int) -> Problem:
    return Problem(
        "api.too_many",
        "",
        f"このキーの要求が多すぎます。{seconds} 秒待ってから送ってください。",
        f"Too many requests with this key. Wait {seconds} seconds, then go on.",
    )


def not_json() -> Problem:
    return Problem(
        "api.media_type",
        "",
        "Content-Type: application/json で、JSON を送ってください。",
        "Send JSON, as Content-Type: application/json.",
    )


def not_object() -> Problem:
    return Problem(
        "json.object",
        "",
        "JSON のオブジェクト（{…}）を送ってください。",
        "Send a JSON object ({…}).",
    )


def bad_name() -> Problem:
    return Problem(
        "key.name",
        "",
        "キーの名前は、小文字の英数字と . _ - で 2〜64 文字にし、英数字で始めてください。",
        "The name of a key has 2 to 64 small letters, digits, dots, underscores or hyphens, and begins with a letter or digit.",
    )


def bad_role() -> Problem:
    return Problem(
        "key.role",
        "",
        "キーの役割は viewer、author、tourism のどれかです。訓練を送れるのは author と tourism だけです。",
        "A key is viewer, author or tourism; only author and tourism may send drills.",
    )


def name_taken() -> Problem:
    return Problem(
        "key.name_taken",
        "",
        "この名前は、すでに使われたことがあります。記録と区別がつくように、別の名前にしてください。",
        "A key of this name exists or existed. Choose another, so that the record can tell them apart.",
    )


def no_key() -> Problem:
    return Problem(
        "key.unknown",
        "",
        "この名前の有効なキーはありません。todoke key list で確かめてください。",
        "There is no valid key of this name. See todoke key list.",
    )
