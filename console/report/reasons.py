"""Why a person was not among the audience, as far as it can still be known."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import NamedTuple

import shapely

from console.report.drawing import METRES_PER_DEGREE
from dispatcher.drafting import DRILL_TOPIC
from dispatcher.model import EventClass, Mode, Relation
from dispatcher.personal_history import Terms
from geo.area import Area
from subscribers.profile import NamedPlace, Profile
from words.phrases import distance

Clock = Callable[[datetime], str]


class Reason(NamedTuple):
    """`code` is for programs."""

    code: str
    ja: str
    en: str


UNKNOWN = Reason("unknown", "この ID の登録者はいません。", "Nobody is subscribed under this id.")


def not_matched_yet(terms: Terms, clock: Clock) -> Reason | None:
    """Set while nobody has been chosen yet, or because nobody ever was."""
    if terms.matched_at is not None:
        return None
    if terms.held is not None:
        return Reason(
            "held",
            f"配信は保留されていて、まだ誰にも送っていません。{terms.held.say('ja')}",
            f"The dispatch is held; nobody has been written to. {terms.held.say('en')}",
        )
    if terms.state.open:
        return Reason("not_planned", "対象者はまだ確定していません。", "Who is concerned has not been worked out yet.")
    return Reason(
        "ended_early",
        f"対象者が確定する前に配信が終わりました（承認 {clock(terms.approved_at)}）。誰にも送っていません。",
        f"The dispatch (approved {clock(terms.approved_at)}) ended before its audience was known; nobody was written to.",
    )


def reasons(terms: Terms, person: Profile, kinds: Collection[str], clock: Clock) -> list[Reason]:
    """All that hold now, at least one. `kinds`: what the dispatch's channels write to, empty where nobody knows."""
    waiting = not_matched_yet(terms, clock)
    if waiting:
        return [waiting]
    if terms.relation in {Relation.CORRECTS, Relation.LIFTS}:
        return [_not_reached_before(terms)]
    found = [*_left(person, clock), *_elsewhere(terms, person), *_topics(terms, person), *_contacts(person, kinds)]
    return found or [_since(terms, clock)]


def _not_reached_before(terms: Terms) -> Reason:
    return Reason(
        "not_reached_before",
        f"この配信は {terms.parent} を受け取った可能性のある人だけが対象で、その中に入っていません。",
        f"This dispatch concerns only those whom {terms.parent} may have reached, and this person is not among them.",
    )


def _left(person: Profile, clock: Clock) -> Iterator[Reason]:
    if person.left_at is not None:
        at = clock(person.left_at)
        yield Reason("left", f"{at} に登録を解除しています。", f"They unsubscribed at {at}.")


def _elsewhere(terms: Terms, person: Profile) -> Iterator[Reason]:
    if not person.places:
        yield Reason(
            "no_place",
            "登録された場所が（今は）ありません。",
            "They have no place registered (any more).",
        )
    elif terms.area is not None and not _inside(person, area := Area.from_wkb(terms.area)):
        nearest = min(person.places, key=lambda place: _metres(place, area))
        metres = round(_metres(nearest, area), -2) or 100
        yield Reason(
            "outside",
            f"登録された場所 {len(person.places)} か所は、どれも区域の外です。いちばん近い「{nearest.name}」で区域から"
            f"{distance(int(metres), 'ja')}です（今の登録による。配信の時とは違うことがあります）。",
            f"None of their places ({len(person.places)}) is inside the area; the nearest, “{nearest.name}”, is "
            f"{distance(int(metres), 'en')} from it (as registered now, which may have changed since).",
        )


def _inside(person: Profile, area: Area) -> bool:
    return any(shapely.intersects_xy(area.geometry, place.lon, place.lat) for place in person.places)


def _metres(place: NamedPlace, area: Area) -> float:
    """To the area's edge, on a plane around the place: good to a percent at the distances that matter."""
    squeeze = shapely.transform(area.geometry, lambda points: (points - [place.lon, place.lat]) * _scale(place.lat))
    return float(shapely.distance(squeeze, shapely.Point(0, 0)))


def _scale(lat: float) -> tuple[float, float]:
    return METRES_PER_DEGREE * math.cos(math.radians(lat)), METRES_PER_DEGREE


def _topics(terms: Terms, person: Profile) -> Iterator[Reason]:
    if terms.mode == Mode.DRILL and DRILL_TOPIC not in person.topics:
        yield Reason(
            "not_in_drills",
            f"訓練の配信は、話題「{DRILL_TOPIC}」を選んだ人だけに届きます。この人は選んでいません。",
            f"A drill reaches only those with the topic “{DRILL_TOPIC}”, which they do not have.",
        )
    if terms.event_class == EventClass.TOURISM and not set(terms.topics) & set(person.topics):
        wanted = "、".join(terms.topics)
        yield Reason(
            "no_topic",
            f"この案内の話題（{wanted}）を選んでいません。",
            f"They did not ask for its topics ({', '.join(terms.topics)}).",
        )


def _contacts(person: Profile, kinds: Collection[str]) -> Iterator[Reason]:
    if "" not in kinds and not set(kinds) & set(person.kinds):
        yield Reason(
            "no_contact",
            "この配信の経路で届く連絡先が（今は）ありません。",
            "They have no contact (any more) that this dispatch's channels can reach.",
        )


def _since(terms: Terms, clock: Clock) -> Reason:
    at = clock(terms.matched_at or terms.approved_at)
    return Reason(
        "joined_since",
        f"今の登録なら対象になります。対象者が確定した {at} より後に、登録したか、場所・話題・連絡先を変えています。",
        f"As registered now they would be included: they joined, or changed a place, topic or contact, after {at}, "
        "when the audience was worked out.",
    )
