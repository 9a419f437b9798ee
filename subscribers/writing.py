"""Writing people in sets: a statement for all new subscribers, one for all changed, contacts and places of both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from channels.lanes import mail_lane
from subscribers.gathering import Person
from subscribers.topics import MOST_TOPICS, too_many_topics
from subscribers.vault import Vault
from words.problem import Refused
from words.sql import sql

_ADD_LANES = sql("subscribers", "add_lanes")
_ADD_SUBSCRIBERS = sql("subscribers", "add_subscribers")
_ADD_TOPICS = sql("subscribers", "add_topics")
_CHANGE_SUBSCRIBERS = sql("subscribers", "change_subscribers")
_LIST_LANES = sql("subscribers", "list_lanes")
_LIST_TOPICS = sql("subscribers", "list_topics")
_PUT_CONTACTS = sql("subscribers", "put_contacts")
_PUT_PLACES = sql("subscribers", "put_places")

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"


@dataclass(slots=True)
class Numbers:
    """The numbers of topics and lanes by name."""

    topics: dict[str, int]
    lanes: dict[str, int]

    @classmethod
    async def read(cls, connection: Connection) -> Numbers:
        return cls(await _numbered(connection, _LIST_TOPICS), await _numbered(connection, _LIST_LANES))

    async def add(self, connection: Connection, topics: Iterable[str], lanes: Iterable[str]) -> None:
        """Number what has none yet. Raises Refused when there are more topics than numbers."""
        new_topics, new_lanes = set(topics) - self.topics.keys(), set(lanes) - self.lanes.keys()
        if len(self.topics) + len(new_topics) > MOST_TOPICS:
            raise Refused(too_many_topics())
        if new_topics:
            self.topics |= await _numbered(connection, _ADD_TOPICS, sorted(new_topics))
        if new_lanes:
            self.lanes |= await _numbered(connection, _ADD_LANES, sorted(new_lanes))

    def mask(self, topics: Iterable[str]) -> int:
        return sum(1 << self.topics[name] for name in topics)


async def _numbered(connection: Connection, statement: str, *arguments: object) -> dict[str, int]:
    return {row["name"]: row["number"] for row in await connection.fetch(statement, *arguments)}


async def write_people(connection: Connection, vault: Vault, people: Sequence[Person]) -> int:
    """Store what is new of `people`, inside the transaction that read what is known of them.

    Returns how many known subscribers changed; the others are not touched. Raises Refused as `Numbers.add` does.
    """
    numbers = await Numbers.read(connection)
    await numbers.add(
        connection,
        {name for person in people for name in person.topics or ()},
        {_lane(kind, person) for person in people for kind in person.new_contacts()},
    )
    new = [person for person in people if person.known is None]
    changed = [person for person in people if _differs(person, numbers)]
    subscribers = await _add(connection, new, numbers) + await _change(connection, changed, numbers)
    await _put_contacts(connection, vault, subscribers, numbers)
    await _put_places(connection, subscribers)
    return len(changed)


_Numbered: TypeAlias = "list[tuple[int, Person]]"


def _lane(kind: str, person: Person) -> str:
    return mail_lane(person.contacts[kind]) if kind == "email" else ""


def _differs(person: Person, numbers: Numbers) -> bool:
    known = person.known
    return known is not None and (
        (person.language or known.language) != known.language
        or _mask(person, numbers) != known.topics
        or bool(person.new_contacts() or person.new_places())
    )


def _mask(person: Person, numbers: Numbers) -> int:
    if person.topics is None:
        return person.known.topics if person.known else 0
    return numbers.mask(person.topics)


async def _add(connection: Connection, people: list[Person], numbers: Numbers) -> _Numbered:
    if not people:
        return []
    given = await _numbered(
        connection,
        _ADD_SUBSCRIBERS,
        [person.id for person in people],
        [person.language for person in people],
        [_mask(person, numbers) for person in people],
    )
    return [(given[person.id], person) for person in people]


async def _change(connection: Connection, people: list[Person], numbers: Numbers) -> _Numbered:
    known = [(person.known, person) for person in people if person.known is not None]
    if known:
        await connection.execute(
            _CHANGE_SUBSCRIBERS,
            [before.number for before, _ in known],
            [person.language or before.language for before, person in known],
            [_mask(person, numbers) for _, person in known],
        )
    return [(before.number, person) for before, person in known]


async def _put_contacts(connection: Connection, vault: Vault, subscribers: _Numbered, numbers: Numbers) -> None:
    contacts = [(number, kind, person) for number, person in subscribers for kind in person.new_contacts()]
    if contacts:
        await connection.execute(
            _PUT_CONTACTS,
            [number for number, _, _ in contacts],
            [kind for _, kind, _ in contacts],
            [vault.seal(kind, number, person.contacts[kind]) for number, kind, person in contacts],
            [person.lookups[kind] for _, kind, person in contacts],
            [numbers.lanes[_lane(kind, person)] for _, kind, person in contacts],
        )


async def _put_places(connection: Connection, subscribers: _Numbered) -> None:
    places = [(number, name, *person.places[name]) for number, person in subscribers for name in person.new_places()]
    if places:
        await connection.execute(_PUT_PLACES, *map(list, zip(*places, strict=True)))
