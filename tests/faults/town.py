"""The people of a row: who they are, how they are reached, and whom an event concerns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HEADER = "id,language,topics,line_user_id,phone,email,place,lat,lon"
RIVERSIDE = [[[133.69, 34.59], [133.71, 34.59], [133.71, 34.61], [133.69, 34.61], [133.69, 34.59]]]
BY_THE_RIVER = (34.600, 133.700)
ON_THE_HILL = (34.650, 133.750)
DRILLED = 5
"""Every how manieth person stands on the drill list."""


@dataclass(frozen=True)
class Person:
    """`addresses` by channel, spelled as providers get them."""

    id: str
    inside: bool
    drilled: bool
    addresses: dict[str, str]

    def line(self) -> str:
        """Of the subscribers' file."""
        lat, lon = BY_THE_RIVER if self.inside else ON_THE_HILL
        topics = "festival;drill" if self.drilled else "festival"
        phone = self.addresses.get("sms", "")
        ways = self.addresses.get("line", ""), phone.replace("+81", "0"), self.addresses.get("email", "")
        return ",".join([self.id, "ja", topics, *ways, "home", f"{lat}", f"{lon}"])


@dataclass
class Town:
    """Everybody, by id and by address."""

    people: dict[str, Person] = field(default_factory=dict)
    by_address: dict[tuple[str, str], str] = field(default_factory=dict)

    def settle(self, people: Iterable[Person]) -> None:
        for person in people:
            self.people[person.id] = person
            self.by_address |= dict.fromkeys(person.addresses.items(), person.id)

    def concerned(self, channels: Sequence[str], *, drill: bool) -> set[tuple[str, str]]:
        """(person, channel) of everybody an event for the riverside has to reach."""
        return {
            (person.id, channel)
            for person in self.people.values()
            if person.inside and (person.drilled or not drill)
            for channel in channels
            if channel in person.addresses
        }

    def file(self) -> str:
        return "\n".join([HEADER, *(person.line() for person in self.people.values()), ""])


def crowd(number: int, *, first: int, inside: bool, ways: set[str], domains: Sequence[str]) -> list[Person]:
    """`number` people, numbered from `first`; mailboxes are spread over `domains` in turn."""
    return [
        Person(
            id=f"p{i:07d}",
            inside=inside,
            drilled=i % DRILLED == 0,
            addresses={
                channel: address
                for channel, address in {
                    "line": f"U{i:032x}",
                    "sms": f"+8190{20_000_000 + i}",
                    "email": f"p{i:07d}@{domains[i % len(domains)]}",
                }.items()
                if channel in ways
            },
        )
        for i in range(first, first + number)
    ]
