"""The report's figures: recipients by channel, outcome and language, and what each variant said."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from console.report import labels
from console.report.labels import Label
from dispatcher.history import DispatchHistory, Fate, MessageSent, Tally, fate
from dispatcher.model import Outcome, Standing
from words.languages import OWN_NAMES
from words.phrases import distance


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table: a number a column, and their sum."""

    name: Label
    lang: str
    counts: Sequence[int]

    @property
    def total(self) -> int:
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class Table:
    columns: Sequence[Label]
    rows: Sequence[Row]

    @property
    def totals(self) -> Row:
        columns = [sum(column) for column in zip(*(row.counts for row in self.rows), strict=True)]
        return Row(Label("合計", "Total"), "", columns)


def by_channel(history: DispatchHistory) -> Table:
    """Messages by channel and outcome."""
    outcomes = sorted({tally.outcome for tally in history.tallies}, reverse=True)
    counts = _counter((tally.channel, tally.outcome, tally) for tally in history.tallies)
    rows = [
        Row(labels.channel(channel), "", [counts[channel, outcome] for outcome in outcomes])
        for channel in channels_used(history)
    ]
    return Table([labels.outcome(outcome) for outcome in outcomes], rows)


def by_language(history: DispatchHistory) -> Table:
    """Messages by language and channel, the most frequent language first."""
    channels = channels_used(history)
    counts = _counter((tally.language, tally.channel, tally) for tally in history.tallies)
    rows = [
        Row(Label(OWN_NAMES.get(language, language), language), language, [counts[language, each] for each in channels])
        for language in {tally.language for tally in history.tallies}
    ]
    return Table([labels.channel(each) for each in channels], sorted(rows, key=lambda row: (-row.total, row.lang)))


def channels_used(history: DispatchHistory) -> list[str]:
    """Those that carried anything, in the order the event prefers them."""
    used = {tally.channel for tally in history.tallies}
    wanted: list[str] = [name for name in history.document["channels"] if name in used]
    return wanted + sorted(used - set(wanted))


def _counter(keyed: Iterable[tuple[str, object, Tally]]) -> Counter[tuple[str, object]]:
    counts: Counter[tuple[str, object]] = Counter()
    for first, second, tally in keyed:
        counts[first, second] += tally.recipients
    return counts


@dataclass(slots=True)
class SentTo:
    """One shelter of one text: how often each distance was said."""

    shelter: str
    messages: int = 0
    missed: int = 0
    distances: Counter[int] = field(default_factory=Counter)

    def distances_said(self, language: str) -> list[tuple[str, int]]:
        """Nearest first; a distance of 0 was not said."""
        return [(distance(metres, language), count) for metres, count in sorted(self.distances.items()) if metres]


@dataclass(slots=True)
class Text:
    """One text of one language as most of its readers got it, and its variants."""

    language: str
    subject: str
    body: str
    channels: Sequence[Label]
    messages: int
    variants: Sequence[SentTo]
    audience: Label | None

    @property
    def name(self) -> str:
        return OWN_NAMES.get(self.language, self.language)


def texts(history: DispatchHistory) -> list[Text]:
    """By language, the most read first; a channel with words of its own (a short SMS) stands apart, and so does an
    update's audience.
    """
    tallies: dict[int, list[Tally]] = defaultdict(list)
    for tally in history.tallies:
        tallies[tally.message].append(tally)
    families: dict[tuple[str, str | None, bool], list[MessageSent]] = defaultdict(list)
    elsewhere = {(message.language, message.body) for message in history.messages if message.channel != "sms"}
    for message in history.messages:
        alone = message.channel == "sms" and (message.language, message.body) not in elsewhere
        families[message.language, message.audience, alone].append(message)
    order = channels_used(history)
    found = [_text(language, family, tallies, order) for (language, _, _), family in families.items()]
    readers = _counter((tally.language, None, tally) for tally in history.tallies)
    return sorted(found, key=lambda text: (-readers[text.language, None], text.language, -text.messages))


def _text(language: str, family: Sequence[MessageSent], tallies: dict[int, list[Tally]], order: Sequence[str]) -> Text:
    readers: Counter[tuple[str, str]] = Counter()
    for message in family:
        readers[message.subject, message.body] += _total(tallies[message.number])
    (subject, body), _ = readers.most_common(1)[0]
    used = {message.channel for message in family}
    return Text(
        language=language,
        subject=subject if used != {"sms"} else "",
        body=body,
        channels=[labels.channel(name) for name in order if name in used],
        messages=readers.total(),
        variants=_variants(family, tallies),
        audience=labels.STANDINGS[Standing(family[0].audience)] if family[0].audience else None,
    )


def _variants(family: Iterable[MessageSent], tallies: dict[int, list[Tally]]) -> list[SentTo]:
    found: dict[str, SentTo] = {}
    for message in family:
        if message.shelter is not None:
            name = message.shelter_name or message.shelter
            sent, own = found.setdefault(name, SentTo(name)), tallies[message.number]
            sent.messages += _total(own)
            sent.missed += _total(tally for tally in own if fate(tally.outcome) is Fate.MISSED)
            sent.distances[message.distance or 0] += _total(own)
    return sorted(found.values(), key=lambda sent: (-sent.messages, sent.shelter))


def messages_by_shelter(history: DispatchHistory) -> Counter[str]:
    """How many messages named each shelter, by its id."""
    shelters = {message.number: message.shelter for message in history.messages}
    counts: Counter[str] = Counter()
    for tally in history.tallies:
        named = shelters[tally.message]
        if named is not None:
            counts[named] += tally.recipients
    return counts


def delivered(history: DispatchHistory) -> int:
    """Messages whose arrival a provider confirmed."""
    return _total(tally for tally in history.tallies if tally.outcome is Outcome.DELIVERED)


def _total(tallies: Iterable[Tally]) -> int:
    return sum(tally.recipients for tally in tallies)
