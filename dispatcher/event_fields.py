"""The plain fields of an event document: each reader gives a value, or None and a problem on the sheet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from dispatcher.model import Delivery, EventClass, Mode, Relation, ShelterChoice
from dispatcher.sheet import Sheet
from dispatcher.strict_json import shown
from words.terms import HAZARDS, LEVELS, abolished_in

WARNINGS = frozenset({EventClass.EVACUATION, EventClass.ADVISORY})
CLASS_OF_LEVEL = {3: EventClass.ADVISORY, 4: EventClass.EVACUATION, 5: EventClass.EVACUATION}
"""高齢者等避難 is an advisory, 避難指示 and 緊急安全確保 are evacuations: they differ in how a lost answer is repeated."""

LONGEST = {EventClass.TOURISM: timedelta(days=7)}
LONGEST_WARNING = timedelta(hours=24)
DEFAULT_VALIDITY = timedelta(hours=6)

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_REFERENCE = re.compile(r"[\x21-\x7e]{1,128}")
_TOPICS_AT_MOST = 20
_TOPIC_SEPARATOR = re.compile(r"[;|\s]")


def read_id(sheet: Sheet) -> str | None:
    """The author's own name for the event, or None for the derived one."""
    value = sheet.get("id")
    if value is None or (isinstance(value, str) and _ID.fullmatch(value)):
        return value
    sheet.refuse(
        "event.id",
        "/id",
        "idは英数字で始まる64文字までの英数字、「.」「_」「-」で書いてください。省けば自動で付きます。",
        "An id has up to 64 letters, digits, '.', '_' and '-', a letter or digit first; left out, one is made.",
    )
    return None


def read_hazard(sheet: Sheet, event_class: EventClass | None) -> str | None:
    value = sheet.get("hazard")
    if event_class not in WARNINGS:
        _only_for_warnings(sheet, event_class, "hazard")
    elif value is None:
        sheet.missing("/hazard", f"災害の種類「hazard」（{'、'.join(HAZARDS)}）", f"'hazard' ({', '.join(HAZARDS)})")
    elif isinstance(value, str) and value in HAZARDS:
        return value
    else:
        sheet.not_among("/hazard", value, HAZARDS)
    return None


def read_level(sheet: Sheet, event_class: EventClass | None) -> int | None:
    value = sheet.get("level")
    if event_class not in WARNINGS:
        _only_for_warnings(sheet, event_class, "level")
    elif value is None:
        sheet.missing("/level", "警戒レベル「level」（3、4、5）", "The warning level 'level' (3, 4 or 5)")
    elif type(value) is not int or value not in LEVELS:
        _no_such_level(sheet, value)
    elif CLASS_OF_LEVEL[value] is not event_class:
        _other_class(sheet, value)
    else:
        return value
    return None


def _only_for_warnings(sheet: Sheet, event_class: EventClass | None, key: str) -> None:
    if event_class is not None and sheet.get(key) is not None:
        sheet.refuse(
            "event.not_for_class",
            f"/{key}",
            f"「{key}」は evacuation と advisory だけの項目です。{event_class} では取り除いてください。",
            f"'{key}' belongs to evacuation and advisory only; remove it from a {event_class} event.",
        )


def _no_such_level(sheet: Sheet, value: Any) -> None:
    sheet.refuse(
        "event.level",
        "/level",
        f"「{shown(value, 20)}」は市町村が出す警戒レベルではありません。数の 3、4、5 のどれかを書いてください"
        "（1と2は気象庁が出します）。",
        f"'{shown(value, 20)}' is no level a municipality issues; write the number 3, 4 or 5 (1 and 2 are JMA's).",
    )


def _other_class(sheet: Sheet, level: int) -> None:
    right, term = CLASS_OF_LEVEL[level], LEVELS[level].term
    sheet.refuse(
        "event.level",
        "/level",
        f"警戒レベル{level}（{term}）の class は「{right}」です。evacuation はレベル4と5、advisory はレベル3だけです。",
        f"Level {level} ({term}) needs the class '{right}': evacuation is level 4 or 5, advisory is level 3.",
    )


def read_issuer(sheet: Sheet, event_class: EventClass | None, mode: Mode | None, town: str) -> str | None:
    value = sheet.get("issuer")
    if value is not None:
        issuer = sheet.line("/issuer", value, 100)
        refuse_abolished(sheet, "/issuer", issuer or "")
        return issuer
    if mode is Mode.LIVE and event_class in WARNINGS:
        sheet.missing(
            "/issuer", "発令者「issuer」（例：川辺町長）", "'issuer', who gives the order (such as 川辺町長),"
        )
        return None
    return town


def refuse_abolished(sheet: Sheet, where: str, text: str) -> None:
    """Every term that may not be composed any more."""
    for old in abolished_in(text):
        day = old.abolished
        sheet.refuse(
            "text.abolished_term",
            where,
            f"「{old.term}」は{day.year}年{day.month}月{day.day}日に廃止された用語です。{old.instead_ja}と書いてください。",
            f"'{old.term}' was abolished on {day.isoformat()}; write {old.instead_en}.",
        )


def read_topics(sheet: Sheet, event_class: EventClass | None) -> tuple[str, ...]:
    value = sheet.get("topics")
    if event_class is not EventClass.TOURISM:
        if event_class is not None and value is not None:
            sheet.refuse(
                "event.not_for_class",
                "/topics",
                f"「topics」は tourism だけの項目です。{event_class} は区域内の全員に届くので、取り除いてください。",
                f"'topics' belongs to tourism only; {event_class} reaches everyone in its area, so remove it.",
            )
        return ()
    if not isinstance(value, list) or not 0 < len(value) <= _TOPICS_AT_MOST:
        sheet.refuse(
            "event.topics",
            "/topics",
            f"tourism には「topics」が要ります。関心の名前を1〜{_TOPICS_AT_MOST}個、文字列の配列で書いてください。",
            f"A tourism event needs 'topics': an array of 1 to {_TOPICS_AT_MOST} strings, whose interest it is for.",
        )
        return ()
    topics = [_topic(sheet, f"/topics/{number}", topic) for number, topic in enumerate(value)]
    return _each_once(sheet, "/topics", [topic for topic in topics if topic])


def _topic(sheet: Sheet, where: str, value: Any) -> str | None:
    """A topic as subscribers' topics are stored: `Sake` and `ｓａｋｅ` are `sake`."""
    line = sheet.line(where, value, 64)
    topic = unicodedata.normalize("NFKC", line).casefold() if line else None
    if topic and _TOPIC_SEPARATOR.search(topic):
        sheet.refuse(
            "event.topics",
            where,
            "関心の名前に空白や「;」「|」は使えません。名前ごとに分けて書いてください。",
            "A topic holds no space, ';' or '|'; write each topic by itself.",
        )
        return None
    return topic


def read_channels(sheet: Sheet, known: Sequence[str]) -> tuple[str, ...]:
    """The channels in the order written, which is the order of preference for `first_reachable`; all when left out."""
    value = sheet.get("channels")
    if value is None:
        return tuple(known)
    if not isinstance(value, list) or not value:
        sheet.refuse(
            "event.channels",
            "/channels",
            f"「channels」は {'、'.join(known)} からひとつ以上を選ぶ配列です。省けばすべてを使います。",
            f"'channels' is an array of one or more of {', '.join(known)}; left out, all are used.",
        )
        return ()
    for number, name in enumerate(value):
        if name not in known:
            sheet.not_among(f"/channels/{number}", name, known)
    return _each_once(sheet, "/channels", [name for name in value if name in known])


def _each_once(sheet: Sheet, where: str, names: list[str]) -> tuple[str, ...]:
    for name in dict.fromkeys(name for name in names if names.count(name) > 1):
        sheet.refuse(
            "event.twice",
            where,
            f"「{name}」が2回以上書かれています。1回にしてください。",
            f"'{name}' is named more than once; name it once.",
        )
    return tuple(names)


def read_delivery(sheet: Sheet, event_class: EventClass | None) -> Delivery | None:
    """All channels for warnings, and the first that reaches a person for the rest, unless said otherwise."""
    return sheet.choice("delivery", Delivery, Delivery.ALL if event_class in WARNINGS else Delivery.FIRST_REACHABLE)


def read_shelters(sheet: Sheet, event_class: EventClass | None) -> ShelterChoice | None:
    """None for the default: documents written before there was a choice keep their digest."""
    if event_class not in WARNINGS:
        _only_for_warnings(sheet, event_class, "shelters")
        return None
    choice = sheet.choice("shelters", ShelterChoice, ShelterChoice.NEAREST)
    return None if choice is ShelterChoice.NEAREST else choice


def read_late_entry(sheet: Sheet, event_class: EventClass | None, relation: Relation | None) -> bool | None:
    """None for the default: documents written before there was a choice keep their digest."""
    value = sheet.get("late_entry")
    if value is None:
        return None
    if not isinstance(value, bool):
        sheet.refuse(
            "event.late_entry",
            "/late_entry",
            "「late_entry」は true か false です。true なら、配信のあとで区域に入った人にも届きます。",
            "'late_entry' is true or false; with true, whoever comes into the area later gets the message too.",
        )
    elif value and relation is Relation.LIFTS:
        _no_late_entry(sheet, "解除", "an event that lifts another")
    elif value and event_class is EventClass.CODE:
        _no_late_entry(sheet, "code ", "a code")
    return None if value is (event_class is EventClass.EVACUATION) else bool(value)


def _no_late_entry(sheet: Sheet, what_ja: str, what_en: str) -> None:
    sheet.refuse(
        "event.late_entry",
        "/late_entry",
        f"{what_ja}の発信は、あとから区域に入った人には送りません。「late_entry」を取り除いてください。",
        f"Whoever comes into the area later does not get {what_en}; remove 'late_entry'.",
    )


def read_reference(sheet: Sheet) -> tuple[Relation, str] | None:
    value = sheet.get("reference")
    if value is None:
        return None
    kinds = [relation.value for relation in Relation]
    if not isinstance(value, dict) or len(value) != 1:
        sheet.refuse(
            "event.reference",
            "/reference",
            f'「reference」は {"、".join(kinds)} のひとつだけを持つオブジェクトです（例：{{"lifts": "配信のid"}}）。',
            f'\'reference\' is an object with exactly one of {", ".join(kinds)}, as in {{"lifts": "dispatch id"}}.',
        )
        return None
    [(kind, parent)] = value.items()
    sheet.unknown_keys([kind], kinds, "/reference")
    if not isinstance(parent, str) or not _REFERENCE.fullmatch(parent):
        sheet.refuse(
            "event.reference",
            f"/reference/{kind[:20]}",
            "対象の配信のidを文字列で書いてください。idは todoke status で分かります。",
            "Write the id of the dispatch referred to, as a string; todoke status lists them.",
        )
        return None
    return (Relation(kind), parent) if kind in kinds else None


def read_valid_until(sheet: Sheet, event_class: EventClass | None, mode: Mode | None, now: datetime) -> datetime | None:
    """When the message loses its sense, in UTC; six hours from now where it may be left out and is."""
    value = sheet.get("valid_until")
    if value is None:
        if mode is Mode.LIVE and event_class is EventClass.EVACUATION:
            sheet.missing("/valid_until", "有効期限「valid_until」（例：2026-11-23T23:00:00+09:00）", "'valid_until'")
        return (now + DEFAULT_VALIDITY).astimezone(UTC).replace(microsecond=0)
    moment = _moment(value)
    if moment is None:
        sheet.refuse(
            "event.valid_until",
            "/valid_until",
            "日時として読めません。時差を付けた ISO 8601 で書いてください（例：2026-11-23T23:00:00+09:00）。",
            "This is no date and time; write ISO 8601 with an offset, such as 2026-11-23T23:00:00+09:00.",
        )
        return None
    return _in_reach(sheet, moment, event_class, now)


def _moment(value: Any) -> datetime | None:
    if not isinstance(value, str) or "T" not in value:
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _in_reach(sheet: Sheet, moment: datetime, event_class: EventClass | None, now: datetime) -> datetime | None:
    longest = LONGEST.get(event_class, LONGEST_WARNING) if event_class else max(LONGEST.values())
    hours = int(longest.total_seconds() // 3600)
    if moment <= now:
        sheet.refuse(
            "event.valid_until",
            "/valid_until",
            "有効期限がもう過ぎています。これからの日時にしてください。",
            "This is already past; write a time that is still to come.",
        )
    elif moment - now > longest:
        sheet.refuse(
            "event.valid_until",
            "/valid_until",
            f"有効期限が先すぎます。今から{hours}時間以内にしてください。古い知らせが後から届くのを防ぐためです。",
            f"This is too far ahead; it may be at most {hours} hours from now, so that nothing stale is ever sent.",
        )
    else:
        return moment.astimezone(UTC)
    return None
