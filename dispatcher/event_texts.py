"""The words of an event: its texts per language, the area's name, and what the law and a drill ask of them."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dispatcher.event_fields import WARNINGS, refuse_abolished
from dispatcher.model import EventClass, Mode, Relation, Standing
from dispatcher.sheet import Sheet
from dispatcher.strict_json import pointer
from dispatcher.template import SHELTER_NAMES, Template
from words.languages import JAPANESE, normalise
from words.phrases import drill_mark, drill_word
from words.problem import Problem, Refused
from words.terms import LEVELS, names_level

SUBJECT_CHANNEL = "email"
SHORT_CHANNEL = "sms"

SUBJECT_AT_MOST = 200
BODY_AT_MOST = 20_000
NAME_AT_MOST = 100

_ENCODED_WORD = re.compile(r"=\?.*\?=")
ENCODED_WORD = (
    "「=?…?=」という並びは、メールの見出しを偽る符号（RFC 2047）になるので、件名に使えません。",
    "'=?…?=' is an RFC 2047 encoded word, which can forge mail headers; a subject cannot hold it.",
)


TEXTS_FOR = {Standing.NEW: "texts", Standing.STILL: "texts_still", Standing.RELEASED: "texts_released"}
"""The key of each audience's texts; `texts` are also those of every event without audiences."""
_CHANGES = (Standing.STILL, Standing.RELEASED)
_WHOSE = {
    Standing.STILL: ("引き続き区域内の人", "those still inside"),
    Standing.RELEASED: ("区域から外れる人", "those no longer inside"),
}


@dataclass(frozen=True, slots=True)
class Text:
    """One language's words, placeholders still in them. `sms` is empty where the body goes out by SMS too."""

    subject: str
    body: str
    sms: str = ""

    @property
    def parts(self) -> Iterator[tuple[str, str]]:
        """Key in the document and text, of what was written."""
        return (
            (key, text) for key, text in (("subject", self.subject), ("body", self.body), ("sms", self.sms)) if text
        )


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the rules for texts depend on; None where that part of the document was refused."""

    event_class: EventClass | None
    mode: Mode | None
    level: int | None
    channels: tuple[str, ...]


def has_encoded_word(subject: str) -> bool:
    """Whether a mail program could decode part of `subject` (RFC 2047), and with it another header (CVE-2024-6923)."""
    return _ENCODED_WORD.search(subject) is not None


def read_texts(sheet: Sheet, circumstances: Circumstances) -> dict[str, Text]:
    """The texts by language, tidied: one kind of line break, no space at the ends of lines."""
    return _texts(sheet, Standing.NEW, circumstances)


def read_change_texts(
    sheet: Sheet, circumstances: Circumstances, relation: Relation | None
) -> tuple[dict[str, Text], dict[str, Text]]:
    """What an update says to those still inside its area, and to those no longer: both, or neither.

    They belong to an event that updates; whoever is inside and has not been reached before reads `texts`.
    """
    given = [standing for standing in _CHANGES if sheet.get(TEXTS_FOR[standing]) is not None]
    if relation is not Relation.UPDATES:
        for standing in given:
            _only_for_updates(sheet, TEXTS_FOR[standing])
        return {}, {}
    still, released = (_texts(sheet, standing, circumstances) if given else {} for standing in _CHANGES)
    return still, released


def _only_for_updates(sheet: Sheet, key: str) -> None:
    sheet.refuse(
        "event.not_for_relation",
        f"/{key}",
        f"「{key}」は、reference が updates のイベントだけの項目です。取り除くか、更新する配信を reference に書いてください。",
        f"'{key}' belongs to an event that updates another; remove it, or name the dispatch it updates in 'reference'.",
    )


def missing_texts(standing: Standing) -> Problem:
    """Why an update cannot go without its words for that audience."""
    what_ja, what_en = _WHOSE[standing]
    key = TEXTS_FOR[standing]
    return Problem(
        "event.required",
        f"/{key}",
        f"{what_ja}への文面「{key}」がありません。区域の変わる更新では、「texts」と同じ形で必ず書いてください。",
        f"'{key}', the words for {what_en}, is missing. An update with another area needs it; write it like 'texts'.",
    )


def _texts(sheet: Sheet, standing: Standing, circumstances: Circumstances) -> dict[str, Text]:
    key = TEXTS_FOR[standing]
    value = sheet.get(key)
    if value is None and standing is not Standing.NEW:
        sheet.problems.append(missing_texts(standing))
        return {}
    if not isinstance(value, dict) or not value:
        sheet.missing(
            f"/{key}", f"文面「{key}」（言語ごとの subject と body）", f"'{key}' (a subject and body per language)"
        )
        return {}
    texts: dict[str, Text] = {}
    for tag, words in value.items():
        where = pointer(f"/{key}", tag)
        language = _language(sheet, where, tag, texts)
        if language:
            texts[language] = _text(sheet, where, language, words, circumstances, standing)
    if JAPANESE not in texts:
        sheet.missing(f"/{key}/ja", "日本語の文面「ja」", "The Japanese text 'ja'")
    return texts


def _language(sheet: Sheet, where: str, tag: str, taken: Container[str]) -> str | None:
    try:
        language = normalise(tag, where=where)
    except Refused as refusal:
        sheet.adopt(refusal)
        return None
    if language not in taken:
        return language
    sheet.refuse(
        "event.twice",
        where,
        f"{language} が2回書かれています。1つにしてください。",
        f"{language} is given twice; keep one.",
    )
    return None


def _text(
    sheet: Sheet, where: str, language: str, words: Any, circumstances: Circumstances, standing: Standing
) -> Text:
    if not isinstance(words, dict):
        sheet.refuse(
            "event.type",
            where,
            "subject と body を持つオブジェクトで書いてください。",
            "This must be an object with a subject and a body.",
        )
        return Text("", "")
    sheet.unknown_keys(words, ("subject", "body", "sms"), where)
    text = Text(
        _subject(sheet, f"{where}/subject", words.get("subject"), circumstances),
        _body(sheet, f"{where}/body", words.get("body")),
        _body(sheet, f"{where}/sms", words["sms"]) if words.get("sms") is not None else "",
    )
    for key, part in text.parts:
        _placeholders(sheet, f"{where}/{key}", part, circumstances)
        refuse_abolished(sheet, f"{where}/{key}", part)
        _not_a_drill(sheet, f"{where}/{key}", part, language, circumstances)
        if standing is Standing.RELEASED:
            _no_shelter(sheet, f"{where}/{key}", part)
    # The order that no longer holds may have been of another level than this update is.
    if language == JAPANESE and standing is not Standing.RELEASED:
        _term(sheet, where, text, circumstances.level)
    return text


def _subject(sheet: Sheet, where: str, value: Any, circumstances: Circumstances) -> str:
    if value is None or value == "":
        if SUBJECT_CHANNEL in circumstances.channels:
            sheet.missing(where, "メールの件名「subject」", "The subject of the e-mail")
        return ""
    subject = sheet.line(where, value, SUBJECT_AT_MOST) or ""
    if has_encoded_word(subject):
        sheet.refuse("text.encoded_word", where, *ENCODED_WORD)
    return subject


def _body(sheet: Sheet, where: str, value: Any) -> str:
    if not isinstance(value, str):
        sheet.refuse("event.type", where, "本文を文字列で書いてください。", "Write the text as a string.")
        return ""
    body = tidied(value)
    if not body:
        sheet.refuse(
            "event.empty", where, "本文が空です。内容を書いてください。", "This text is empty; write something."
        )
    elif len(body) > BODY_AT_MOST:
        sheet.refuse(
            "event.too_long",
            where,
            f"本文が{len(body):,}文字あります。{BODY_AT_MOST:,}文字までにしてください。",
            f"This text has {len(body):,} characters and may have {BODY_AT_MOST:,}.",
        )
    elif sheet.characters(where, body, one_line=False):
        return body
    return ""


def tidied(text: str) -> str:
    """One kind of line break, no white space at the ends of lines, no empty lines before or after."""
    lines = re.split(r"\r\n|[\r\n\u2028\u2029]", text)
    return "\n".join(line.rstrip(" \t\u3000") for line in lines).strip("\n")


def _placeholders(sheet: Sheet, where: str, text: str, circumstances: Circumstances) -> None:
    try:
        names = Template.parse(text, where).names
    except Refused as refusal:
        sheet.adopt(refusal)
        return
    if circumstances.event_class is None or circumstances.event_class in WARNINGS:
        return
    for name in sorted(names & (SHELTER_NAMES | {"level_name"})):
        sheet.refuse(
            "text.placeholder_not_for_class",
            where,
            f"「{{{name}}}」は災害の種類と警戒レベルのある evacuation と advisory だけで使えます。取り除いてください。",
            f"'{{{name}}}' needs a hazard and level, so only evacuation and advisory can use it; remove it.",
        )


def _no_shelter(sheet: Sheet, where: str, text: str) -> None:
    for name in sorted(_names(text) & SHELTER_NAMES):
        sheet.refuse(
            "text.placeholder_not_for_released",
            where,
            f"「{{{name}}}」は使えません。対象から外れる人は避難場所へ案内しないので、取り除いてください。",
            f"'{{{name}}}' cannot be used: whoever is no longer inside is sent to no shelter. Remove it.",
        )


def _names(text: str) -> frozenset[str]:
    try:
        return Template.parse(text).names
    except Refused:
        return frozenset()


def _not_a_drill(sheet: Sheet, where: str, text: str, language: str, circumstances: Circumstances) -> None:
    """No word of a drill in a live warning; elsewhere (「防災訓練のお知らせ」) only its mark is refused."""
    if circumstances.mode is Mode.LIVE:
        warning = circumstances.event_class in WARNINGS
        _says_drill(sheet, where, drill_word(text, language) if warning else drill_mark(text))


def _says_drill(sheet: Sheet, where: str, word: str | None) -> None:
    if word:
        sheet.refuse(
            "text.drill_word",
            where,
            f"本番（live）の文面に「{word}」とあります。訓練なら mode を drill に、本番ならこの語を取り除いてください。",
            f"This live text says '{word}'. If it is a drill, set the mode to drill; if not, remove the word.",
        )


def _term(sheet: Sheet, where: str, text: Text, level: int | None) -> None:
    """A Japanese warning names its level's legal term, and so does an SMS that stands alone."""
    if level is None:
        return
    for key, standing in (("body", text.subject + "\n" + text.body), ("sms", text.sms)):
        if getattr(text, key) and "{level_name}" not in standing and not names_level(standing, level):
            term = LEVELS[level].term
            sheet.refuse(
                "text.level_term",
                f"{where}/{key}",
                f"警戒レベル{level}の文面には「{term}」という語が要ります。「{{level_name}}」と書けば自動で入ります。",
                f"A level {level} text must name '{term}'; write {{level_name}} to have it filled in.",
            )


def read_area_name(sheet: Sheet, found: Mapping[str, str], mode: Mode | None) -> dict[str, str]:
    """The area's name per language: as written, or else `found`, what the area itself is called."""
    value = sheet.get("area_name")
    if value is None:
        return dict(found)
    if not isinstance(value, dict):
        return {JAPANESE: _area_name(sheet, "/area_name", value, mode)}
    names: dict[str, str] = {}
    for tag, name in value.items():
        where = pointer("/area_name", tag)
        language = _language(sheet, where, tag, names)
        if language:
            names[language] = _area_name(sheet, where, name, mode)
    if JAPANESE not in names:
        sheet.missing("/area_name/ja", "区域の日本語名「ja」", "The area's Japanese name 'ja'")
    return names


def _area_name(sheet: Sheet, where: str, value: Any, mode: Mode | None) -> str:
    """Only a mark of a drill is refused here: 「職業訓練センター周辺」 is a place."""
    name = sheet.line(where, value, NAME_AT_MOST) or ""
    if has_encoded_word(name):
        sheet.refuse("text.encoded_word", where, *ENCODED_WORD)
    refuse_abolished(sheet, where, name)
    _no_braces(sheet, where, name)
    if mode is Mode.LIVE:
        _says_drill(sheet, where, drill_mark(name))
    return name


def _no_braces(sheet: Sheet, where: str, name: str) -> None:
    """What is filled in is never looked at again: a placeholder in a name would reach the reader as it is."""
    try:
        stray = bool(Template.parse(name).names)
    except Refused:
        stray = True
    if stray:
        sheet.refuse(
            "text.placeholder",
            where,
            "区域の名前に波かっこは使えません。差し込みの語は名前の中では置き換わらないので、そのままの名前を書いてください。",
            "A name of an area cannot hold braces: placeholders are not filled in there. Write the name itself.",
        )
