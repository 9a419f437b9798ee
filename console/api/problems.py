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


def no_token() -> Problem:
    return Problem(
        "api.idempotency_key",
        "",
        "Idempotency-Key に、要求ごとに違う 1〜255 文字の英数字や記号を入れて送ってください。再送のときは同じ値にします。",
        "Send an Idempotency-Key of 1 to 255 visible ASCII characters: another for each request, the same when you repeat it.",
    )


def other_body() -> Problem:
    return Problem(
        "api.other_body",
        "",
        "この Idempotency-Key は、別の内容の要求に使われています。新しい値で送ってください。",
        "This Idempotency-Key was used for a request with other content. Send it with a new one.",
    )


def no_drills() -> Problem:
    return Problem(
        "api.no_drills",
        "",
        "このキーには訓練を送る権限がありません。職員がコンソールで提出し、承認します。",
        "This key may not send drills. Officers submit and approve them in the console.",
    )


def not_yours() -> Problem:
    return Problem(
        "api.not_yours",
        "",
        "このキーが最後に書いた発令ではないので、送れません。職員がコンソールで提出し、承認します。",
        "This key was not the last to write this order, so it cannot send it. Officers do so in the console.",
    )


def bad_value(where: str) -> Problem:
    return Problem(
        "api.value",
        where,
        "この項目はないか、値の形が違います。/api/v1/openapi.json で確かめてください。",
        "There is no such field, or its value is of another kind. See /api/v1/openapi.json.",
    )
