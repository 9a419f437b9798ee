"""The answer of `why` in short sentences, the same on a page and in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import tzinfo
from enum import StrEnum

from console.report import labels
from console.report.labels import Label
from console.report.person import Answer
from console.report.timeline import clock
from dispatcher.model import Standing
from dispatcher.personal_history import MessageToPerson, PersonHistory, Receipt, Try
from words.languages import OWN_NAMES
from words.phrases import distance


class Kind(StrEnum):
    """What a line is: a sentence, one of several reasons, the head of a message, what happened to it, or its text."""

    SENTENCE = "sentence"
    REASON = "reason"
    MESSAGE = "message"
    EVENT = "event"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Line:
    kind: Kind
    ja: str
    en: str


def told(answer: Answer, zone: tzinfo) -> Iterator[Line]:
    """In or out and why; then each message and what became of it."""
    if answer.history is None:
        yield from _out(answer)
        return
    mode, who, dispatch = labels.MODES[answer.terms.mode], answer.subscriber, answer.dispatch
    yield _sentence(
        f"{who} は、配信 {dispatch}（{mode.ja}）の対象です。", f"{who} was in dispatch {dispatch} ({mode.en.lower()})."
    )
    if answer.terms.held is not None:
        held = answer.terms.held
        yield _sentence(f"配信は保留されています。{held.say('ja')}", f"It is held. {held.say('en')}")
    yield from _entry(answer.history, zone)
    if answer.history.standing is not Standing.RELEASED:
        yield _place(answer, answer.history)
    if answer.history.standing is not None:
        because = labels.STANDING_REASONS[answer.history.standing]
        yield _sentence(because.ja, because.en)
    for message in answer.history.messages:
        yield from _message(message, zone)


def _out(answer: Answer) -> Iterator[Line]:
    mode, who, dispatch = labels.MODES[answer.terms.mode], answer.subscriber, answer.dispatch
    yield _sentence(
        f"{who} は、配信 {dispatch}（{mode.ja}）の対象ではありません。",
        f"{who} was not in dispatch {dispatch} ({mode.en.lower()}).",
    )
    for reason in answer.reasons:
        yield Line(Kind.REASON, reason.ja, reason.en)


def _entry(history: PersonHistory, zone: tzinfo) -> Iterator[Line]:
    if history.entered_at is not None:
        at = clock(history.entered_at, zone)
        yield _sentence(
            f"配信のあと、{at} に区域に入っていることが分かったため、途中から対象になりました。",
            f"Late entry: they were found to have come into the area at {at}, after the order was sent.",
        )


def _place(answer: Answer, history: PersonHistory) -> Line:
    if answer.place is not None:
        return _sentence(f"場所「{answer.place}」が区域内です。", f"Their place “{answer.place}” is inside the area.")
    if history.place < 0:
        return _sentence("現在地が区域内でした。", "Where they were was inside the area.")
    if history.place:
        return _sentence(
            "区域内だった場所は、その後の変更で登録からなくなっています。",
            "The place that was inside the area has been removed since.",
        )
    parent = answer.terms.parent
    return _sentence(f"{parent} を受け取った可能性があるため対象です。", f"Because {parent} may have reached them.")


def _message(message: MessageToPerson, zone: tzinfo) -> Iterator[Line]:
    channel, outcome = labels.channel(message.channel), labels.outcome(message.outcome)
    language = OWN_NAMES.get(message.language, message.language)
    yield Line(Kind.MESSAGE, f"{channel.ja}（{language}）: {outcome.ja}", f"{channel.en} ({language}): {outcome.en}")
    if message.shelter is not None:
        metres = message.distance or 0
        far = Label(distance(metres, "ja"), distance(metres, "en")) if metres else Label("", "")
        yield Line(
            Kind.EVENT, f"案内した避難場所: {message.shelter} {far.ja}", f"shelter named: {message.shelter} {far.en}"
        )
    for each in message.tries:
        yield _event(_sent(each), each, zone, f", {each.millis} ms")
    for receipt in message.receipts:
        yield _event(Label("報告", "reported"), receipt, zone)
    for text in [message.subject, *message.body.splitlines()]:
        yield Line(Kind.TEXT, text, text)


def _event(what: Label, event: Try | Receipt, zone: tzinfo, more: str = "") -> Line:
    at, outcome = clock(event.at, zone), labels.outcome(event.outcome)
    said = "".join(f", {part}" for part in (event.code, event.reference) if part) + more
    return Line(Kind.EVENT, f"{at} {what.ja}: {outcome.ja}{said}", f"{at} {what.en}: {outcome.en}{said}")


def _sent(call: Try) -> Label:
    if call.ordered_by is None:
        return Label("送信", "sent")
    return Label(
        f"送信（データベースなし、{call.ordered_by} の指示）",
        f"sent without the database, by order of {call.ordered_by}",
    )


def _sentence(ja: str, en: str) -> Line:
    return Line(Kind.SENTENCE, ja, en)
