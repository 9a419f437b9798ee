"""Rows become people: what several rows say of one subscriber, against what is already known.

A row that contradicts an earlier row of the same subscriber is refused; against what is stored, the
file is right. Blank says nothing: neither contacts nor places are ever taken away by an import.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from subscribers.rows import CONTACT_COLUMNS, Row
from words.problem import Problem

Point = tuple[float, float]


@dataclass(slots=True)
class Known:
    """A subscriber as stored. `contacts` are lookups by kind; `places` are lon, lat by name, None where temporary."""

    number: int
    language: str
    topics: int
    has_left: bool
    contacts: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, Point | None] = field(default_factory=dict)


@dataclass(slots=True)
class Person:
    """What the accepted rows say of one subscriber. `contacts` are addresses by kind, `lookups` their hashes."""

    id: str
    known: Known | None
    language: str | None = None
    topics: frozenset[str] | None = None
    contacts: dict[str, str] = field(default_factory=dict)
    lookups: dict[str, bytes] = field(default_factory=dict)
    places: dict[str, Point] = field(default_factory=dict)

    def new_contacts(self) -> list[str]:
        """Kinds whose stored contact is another or none. The same address closed by its owner stays closed."""
        known = self.known.contacts if self.known else {}
        return [kind for kind, lookup in self.lookups.items() if known.get(kind) != lookup]

    def new_places(self) -> list[str]:
        known = self.known.places if self.known else {}
        return [name for name, point in self.places.items() if known.get(name) != point]


class Gathering:
    """The people of some rows. `line_holders` says which subscriber has which LINE id (by lookup) now."""

    def __init__(self, known: dict[str, Known], line_holders: dict[bytes, str]) -> None:
        self._known = known
        self._line_holders = line_holders
        self._people: dict[str, Person] = {}

    @property
    def people(self) -> list[Person]:
        """Who has at least one accepted row, in the order of their first."""
        return list(self._people.values())

    def add(self, row: Row, lookups: dict[str, bytes]) -> list[Problem]:
        """Take the row in whole; or not at all, and say why. `lookups` are the hashes of its contacts."""
        person = self._people.get(row.id) or Person(row.id, self._known.get(row.id))
        problems = [*self._objections(person, row, lookups), *_contradictions(person, row)]
        if not problems:
            self._people[row.id] = person
            self._take(person, row, lookups)
        return problems

    def _take(self, person: Person, row: Row, lookups: dict[str, bytes]) -> None:
        person.language = row.language or person.language
        person.topics = person.topics if row.topics is None else row.topics
        person.contacts |= row.contacts
        person.lookups |= lookups
        person.places[row.place] = (row.lon, row.lat)
        if "line" in lookups:
            self._line_holders[lookups["line"]] = row.id

    def _objections(self, person: Person, row: Row, lookups: dict[str, bytes]) -> Iterable[Problem]:
        if person.known is not None and person.known.has_left:
            yield _has_left()
        if not (row.language or person.language or person.known):
            yield _no_language()
        if "line" in lookups and self._line_holders.get(lookups["line"], row.id) != row.id:
            yield _line_held()


def _contradictions(person: Person, row: Row) -> Iterable[Problem]:
    said = {"language": person.language, "topics": person.topics, "lat": person.places.get(row.place)}
    says = {"language": row.language, "topics": row.topics, "lat": (row.lon, row.lat)}
    for kind, column in CONTACT_COLUMNS.items():
        said[column], says[column] = person.contacts.get(kind), row.contacts.get(kind)
    for column, before in said.items():
        if before is not None and says[column] is not None and says[column] != before:
            yield _contradiction(column)


def _contradiction(column: str) -> Problem:
    return Problem(
        "row.contradiction",
        column,
        "同じ id の前の行と違います。どちらが正しいか確かめ、同じ値にするか空欄にしてください。"
        "場所が二つあるなら、place に別の名前を付けてください。",
        "This differs from an earlier row of the same id. Find out which is right, and repeat it or leave it blank. "
        "If these are two places, give them different names.",
    )


def _has_left() -> Problem:
    return Problem(
        "row.has_left",
        "id",
        "この登録者は登録を解除しています。取り込みでは再開できません。本人の手続きが必要です。",
        "This subscriber has left. An import does not bring them back; only they can.",
    )


def _no_language() -> Problem:
    return Problem(
        "row.language_missing",
        "language",
        "新しい登録者の言語が空です。最初の行に ja などを書いてください。",
        "The language of a new subscriber is blank. Write one, such as ja, in their first row.",
    )


def _line_held() -> Problem:
    return Problem(
        "row.line_held",
        "line_user_id",
        "この LINE ユーザー ID は別の登録者のものです。一つの id にまとめてください。",
        "Another subscriber already has this LINE user id. Keep one id for this person.",
    )
