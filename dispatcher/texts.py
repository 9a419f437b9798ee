"""From an event's texts to the messages people read: languages, shelters, distances and the mark of a drill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from channels.contract import Channel, Message
from dispatcher.event_texts import ENCODED_WORD, SHORT_CHANNEL, TEXTS_FOR, Text, has_encoded_word
from dispatcher.events import Event
from dispatcher.model import POLICIES, Mode, Standing
from dispatcher.sheet import without_controls
from dispatcher.template import SHELTER_NAMES, Template
from words.languages import EASY_JAPANESE, ENGLISH, JAPANESE, combinations, texts_for
from words.phrases import AREA, DRILL_MARKS, NO_SHELTER, begins_as_drill, distance, moment
from words.problem import Problem
from words.terms import level_name

FARTHEST = (900, 9_500, 120_000)
"""Distances in metres among which the longest wording is, whatever the language."""


@dataclass(frozen=True, slots=True)
class ShelterInfo:
    """What a text can say of a shelter. `url` may be empty: the text then points to the next notice."""

    id: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class _Words:
    subject: Template
    body: Template
    sms: Template | None

    def on(self, channel: str) -> Template:
        return self.sms if self.sms and channel == SHORT_CHANNEL else self.body

    def names(self, channel: str | None) -> frozenset[str]:
        if channel:
            return self.subject.names | self.on(channel).names
        return self.subject.names | self.body.names | (self.sms.names if self.sms else frozenset())


def _parsed(texts: Mapping[str, Text]) -> dict[str, _Words]:
    return {
        language: _Words(
            Template.parse(text.subject), Template.parse(text.body), Template.parse(text.sms) if text.sms else None
        )
        for language, text in texts.items()
    }


class Composer:
    """Renders one event's messages. Pure: the same arguments give the same message, byte for byte.

    `standing` names one of an update's three audiences, each of which has texts of its own; everybody else reads
    those of NEW.
    """

    def __init__(self, event: Event, issued_at: datetime, timezone: tzinfo) -> None:
        """`issued_at` is aware; `timezone` is the one its readers live in."""
        self._event = event
        self._issued_at = issued_at.astimezone(timezone)
        self._words = {standing: _parsed(event.texts_for(standing)) for standing in (Standing.NEW, *event.standings)}
        languages = frozenset().union(*self._words.values())
        self._known = {language: self._same_for_all(language) for language in languages}

    def texts(self, language: str, standing: Standing = Standing.NEW) -> tuple[str, ...]:
        """Which prepared texts, in order, make up the message of a reader of `language`."""
        return texts_for(language, self._words[standing])

    def uses_shelter(self, language: str, channel: str | None = None, standing: Standing = Standing.NEW) -> bool:
        """Whether the message depends on the shelter; on any channel, when none is named."""
        return bool(SHELTER_NAMES & self._names(language, channel, standing))

    def uses_distance(self, language: str, channel: str | None = None, standing: Standing = Standing.NEW) -> bool:
        """Whether the message depends on the distance to the shelter; on any channel, when none is named."""
        return "shelter_distance" in self._names(language, channel, standing)

    def compose(
        self,
        channel: str,
        language: str,
        shelter: ShelterInfo | None,
        distance_m: int | None,
        standing: Standing = Standing.NEW,
    ) -> Message:
        """The message of a reader of `language`.

        `distance_m` are metres, rounded as they are to be said: whoever shares a message shares them. Without
        a shelter its placeholders say that no open one is known yet.
        """
        words = self._words[standing]
        texts = self.texts(language, standing)
        parts = [self._part(words[text], channel, text, shelter, distance_m) for text in texts]
        return Message(
            language=language,
            subject=" / ".join(subject for subject, _ in parts if subject),
            body="\n\n".join(body for _, body in parts),
            loud=POLICIES[self._event.event_class].loud,
        )

    def _names(self, language: str, channel: str | None, standing: Standing) -> frozenset[str]:
        words = self._words[standing]
        return frozenset().union(*(words[text].names(channel) for text in self.texts(language, standing)))

    def _part(
        self, words: _Words, channel: str, text: str, shelter: ShelterInfo | None, distance_m: int | None
    ) -> tuple[str, str]:
        values = {**self._known[text], **_shelter_values(text, shelter, distance_m)}
        subject, body = words.subject.render(values), words.on(channel).render(values)
        if self._event.mode is not Mode.DRILL:
            return subject, body
        gap = "" if DRILL_MARKS[text].endswith("】") else " "
        return self._marked(text, subject, gap), self._marked(text, body, "\n")

    def _marked(self, language: str, text: str, gap: str) -> str:
        """A drill says so first, in the subject as in the body: most people read no further."""
        return text if not text or begins_as_drill(text, language) else DRILL_MARKS[language] + gap + text

    def _same_for_all(self, language: str) -> dict[str, str]:
        event = self._event
        values = {"area_name": _area_name(event, language), "issued_at": moment(self._issued_at, language)}
        return values if event.level is None else values | {"level_name": level_name(event.level, language)}


def _area_name(event: Event, language: str) -> str:
    """Easy Japanese reads the Japanese name, everyone else the English one before the Japanese one."""
    near = JAPANESE if language == EASY_JAPANESE else ENGLISH
    names = event.area_name
    return names.get(language) or names.get(near) or names.get(JAPANESE) or AREA[language]


def _shelter_values(language: str, shelter: ShelterInfo | None, distance_m: int | None) -> dict[str, str]:
    unknown = NO_SHELTER[language]
    return {
        "shelter_name": without_controls(shelter.name) if shelter else unknown.name,
        "shelter_distance": distance(distance_m, language) if shelter and distance_m is not None else unknown.distance,
        "shelter_url": (without_controls(shelter.url) if shelter else "") or unknown.url,
    }


def check_texts(
    event: Event, composer: Composer, channels: Mapping[str, Channel], shelters: Sequence[ShelterInfo]
) -> list[Problem]:
    """Why some message of this event could not go out: each combination of languages on each of its channels,
    with no shelter and with the one that makes the text longest. Two texts that each fit are also tried
    together, as readers without a text of their own get them. Of an update, the texts of all three audiences.

    `where` is `/texts/<language>/<subject, body or sms>`, of the first language where two are together; in an update
    also `/texts_still/…` and `/texts_released/…`.
    """
    problems: list[Problem] = []
    for name in event.channels:
        channel = channels.get(name)
        if channel is None:
            problems.append(_no_channel(event.channels.index(name), name))
        else:
            for standing in (Standing.NEW, *event.standings[1:]):
                problems += _check_channel(_Checked(event, composer, standing), channel, name, shelters)
    return problems


@dataclass(frozen=True, slots=True)
class _Checked:
    """The texts of one audience, while they are checked."""

    event: Event
    composer: Composer
    standing: Standing

    def compose(self, channel: str, reader: str, shelter: ShelterInfo | None, distance_m: int | None) -> Message:
        return self.composer.compose(channel, reader, shelter, distance_m, self.standing)


def _check_channel(checked: _Checked, channel: Channel, name: str, shelters: Sequence[ShelterInfo]) -> list[Problem]:
    found: dict[tuple[str, str], Problem] = {}
    failed: set[str] = set()
    for texts, reader in combinations(checked.event.texts_for(checked.standing)).items():
        if failed.isdisjoint(texts):
            for problem in _check_reader(checked, channel, name, reader, shelters):
                placed = _placed(checked, problem, name, texts)
                found.setdefault((placed.code, placed.where), placed)
                failed.update(texts)
    return list(found.values())


def _check_reader(
    checked: _Checked, channel: Channel, name: str, reader: str, shelters: Sequence[ShelterInfo]
) -> Iterator[Problem]:
    for message in _extremes(checked, name, reader, shelters):
        if has_encoded_word(message.subject):
            yield Problem("text.encoded_word", "subject", *ENCODED_WORD)
        yield from channel.check(message)


def _extremes(checked: _Checked, channel: str, reader: str, shelters: Sequence[ShelterInfo]) -> list[Message]:
    """The messages that stand for all: without a shelter, with the longest, and with the longest of those that an
    SMS cannot write in 7 bits, where it holds less than half as much.
    """
    composer, standing = checked.composer, checked.standing
    messages = [checked.compose(channel, reader, None, None)]
    if composer.uses_shelter(reader, channel, standing):
        far = max(FARTHEST, key=lambda metres: len(distance(metres, composer.texts(reader, standing)[0])))
        messages += [checked.compose(channel, reader, shelter, far) for shelter in shelters]
    wide = [message for message in messages if not (message.body + message.subject).isascii()]
    suspects = [message for message in messages if has_encoded_word(message.subject)]
    longest = [max(some, key=_length) for some in (messages, wide) if some]
    return list(dict.fromkeys([messages[0], *longest, *suspects[:1]]))


def _length(message: Message) -> int:
    """In UTF-16 units, as LINE and SMS count."""
    return len((message.subject + message.body).encode("utf-16-le")) // 2


def _placed(checked: _Checked, problem: Problem, channel: str, texts: tuple[str, ...]) -> Problem:
    own_sms = checked.event.texts_for(checked.standing)[texts[0]].sms
    key = "sms" if problem.where == "body" and channel == SHORT_CHANNEL and own_sms else problem.where
    together_ja = f"{'と'.join(texts)} の文面{'（1通にまとめて届く人向け）' if len(texts) > 1 else ''}"
    together_en = f"the text in {' and '.join(texts)}{' (sent together as one message)' if len(texts) > 1 else ''}"
    return Problem(
        problem.code,
        f"/{TEXTS_FOR[checked.standing]}/{texts[0]}/{key}",
        f"{channel} で送る {together_ja}：{problem.ja}",
        f"On {channel}, {together_en}: {problem.en}",
    )


def _no_channel(number: int, name: str) -> Problem:
    return Problem(
        "event.channel_not_set_up",
        f"/channels/{number}",
        f"「{name}」は設定されていません。設定するか、channels から外してください。",
        f"'{name}' is not set up; set it up, or leave it out of the channels.",
    )
