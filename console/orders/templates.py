"""Prepared texts: per hazard, level, purpose and language, every version kept, written by those who may.

Where nobody has written one yet, the texts of first_texts.py serve, as version 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asyncpg import Pool, Record

from console import audit
from console.accounts import Role, still
from console.orders import problems
from console.orders.first_texts import first_texts
from console.orders.model import Connection
from dispatcher.event_fields import CLASS_OF_LEVEL
from dispatcher.event_texts import Circumstances, Text, read_change_texts, read_texts
from dispatcher.model import Mode, Relation
from dispatcher.sheet import Sheet
from dispatcher.strict_json import unsound
from words.languages import JAPANESE, normalise
from words.problem import Refused
from words.sql import sql
from words.terms import HAZARDS, LEVELS

_TEMPLATES = sql("console.orders", "templates")
_VERSIONS = sql("console.orders", "template_versions")
_ADD = sql("console.orders", "add_template")
_LOCK = sql("console.orders", "lock_template")

EDITORS = (Role.APPROVER, Role.ADMINISTRATOR)


class Purpose(StrEnum):
    """What a text is for."""

    ORDER = "order"
    STILL = "still"
    """An update, to those still inside."""
    RELEASED = "released"
    """An update, to those no longer inside."""
    CORRECTS = "corrects"
    LIFTS = "lifts"


@dataclass(frozen=True, slots=True)
class Template:
    """One language's text in one version; version 0 came with the program. `sms` empty: the body goes out by SMS too."""

    hazard: str
    level: int
    purpose: Purpose
    language: str
    version: int
    text: Text
    officer: int | None = None
    at: datetime | None = None


async def templates(
    database: Pool | Connection, hazard: str, level: int, purpose: Purpose = Purpose.ORDER
) -> dict[str, Template]:
    """The texts in use, by language. Raises Refused for a hazard or level that there is not."""
    _check_key(hazard, level)
    found = {
        language: Template(hazard, level, purpose, language, 0, text)
        for language, text in first_texts(hazard, level, purpose).items()
    }
    for row in await database.fetch(_TEMPLATES, hazard, level, purpose):
        found[row["language"]] = _template(row, hazard, level, purpose)
    return found


async def prepared(connection: Connection, hazard: str, level: int, purpose: Purpose) -> dict[str, dict[str, str]]:
    """The same as an event document has them."""
    return {
        language: {
            key: words
            for key, words in (("subject", each.text.subject), ("body", each.text.body), ("sms", each.text.sms))
            if words
        }
        for language, each in (await templates(connection, hazard, level, purpose)).items()
    }


async def template_versions(pool: Pool, hazard: str, level: int, purpose: Purpose, language: str) -> list[Template]:
    """All that were written, the newest first."""
    _check_key(hazard, level)
    rows = await pool.fetch(_VERSIONS, hazard, level, purpose, language)
    return [_template(row, hazard, level, purpose) for row in rows]


async def write_template(
    pool: Pool, officer: int, hazard: str, level: int, purpose: Purpose, language: str, words: Mapping[str, str]
) -> Template:
    """A new version of one language's text; `words` holds subject, body and perhaps sms.

    Raises Refused: not one who may, or whatever a live order of that level could not say: placeholders that there are
    not, abolished words, another level's name, a word of a drill.
    """
    _check_key(hazard, level)
    tag = normalise(language, where="/language")
    text = _checked(level, purpose, tag, words)
    async with pool.acquire() as connection, connection.transaction():
        await still(connection, officer, *EDITORS)
        await connection.execute(_LOCK, f"{hazard}/{level}/{purpose}/{tag}")
        row = await connection.fetchrow(_ADD, hazard, level, purpose, tag, text.subject, text.body, text.sms, officer)
        if row is None:
            raise LookupError("what was inserted is gone")
        await audit.record(
            connection,
            actor=officer,
            action="template.written",
            subject=f"template:{hazard}/{level}/{purpose}/{tag}",
            details={"version": row["version"]},
        )
    return Template(hazard, level, purpose, tag, row["version"], text, officer, row["at"])


def _template(row: Record, hazard: str, level: int, purpose: Purpose) -> Template:
    text = Text(row["subject"], row["body"], row["sms"])
    return Template(hazard, level, purpose, row["language"], row["version"], text, row["officer"], row["at"])


def _check_key(hazard: str, level: int) -> None:
    if hazard not in HAZARDS or level not in LEVELS:
        raise Refused(problems.template_allowed())


def _checked(level: int, purpose: Purpose, language: str, words: Mapping[str, str]) -> Text:
    """As a live event's texts are read; problems point into `/texts/<language>` there, and to the words alone here."""
    if found := unsound(dict(words)):
        raise Refused(found)
    texts, sheet = _read(level, purpose, {language: words})
    mine = [each for each in sheet.problems if each.code != "event.required" or not each.where.endswith("/ja")]
    if mine:
        raise Refused(mine)
    return texts[language]


def _read(level: int, purpose: Purpose, words: Mapping[str, Mapping[str, str]]) -> tuple[Mapping[str, Text], Sheet]:
    """Whoever is released reads no level's name and is sent to no shelter."""
    circumstances = Circumstances(CLASS_OF_LEVEL[level], Mode.LIVE, level, ("email",))
    if purpose is Purpose.RELEASED:
        sheet = Sheet({"texts_released": words, "texts_still": {JAPANESE: {"subject": "-", "body": "{level_name}"}}})
        return read_change_texts(sheet, circumstances, Relation.UPDATES)[1], sheet
    sheet = Sheet({"texts": words})
    return read_texts(sheet, circumstances), sheet
