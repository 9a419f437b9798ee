"""`todoke why`: what became of one person's messages, and why."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from channels.registry import channel_types
from console.report import labels
from console.report.labels import Label
from console.report.person import Answer, explain
from console.report.timeline import clock
from dispatcher.model import Standing
from dispatcher.personal_history import MessageToPerson, PersonHistory, Receipt, Try
from todoke.cli import Context, common_options
from words.languages import OWN_NAMES
from words.phrases import distance


@click.command("why")
@click.argument("dispatch")
@click.argument("subscriber")
@common_options
def command(ctx: Context, dispatch: str, subscriber: str) -> None:
    """Tell whether SUBSCRIBER (an id) was in DISPATCH: by which place, which messages, and what became of each.

    \b
    Examples:
      todoke why 261123-k7m2qx kawabe-000042
      todoke why 261123-k7m2qx kawabe-000042 --json
    """
    ctx.run(_why(ctx, dispatch, subscriber))


async def _why(ctx: Context, dispatch: str, subscriber: str) -> None:
    kinds = {name: getattr(channel, "contact", None) for name, channel in channel_types().items()}
    contacts = {name: kind for name, kind in kinds.items() if isinstance(kind, str)}
    async with ctx.database() as pool:
        answer = await explain(pool, dispatch, subscriber, contacts, ZoneInfo(ctx.settings.timezone))
    ctx.emit(answer.as_json())
    _Teller(ctx).tell(answer)


class _Teller:
    """Says an answer in short sentences."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx
        self._zone = ZoneInfo(ctx.settings.timezone)

    def tell(self, answer: Answer) -> None:
        mode, who, dispatch = labels.MODES[answer.terms.mode], answer.subscriber, answer.dispatch
        if answer.history is None:
            self._ctx.say(
                ja=f"{who} は、配信 {dispatch}（{mode.ja}）の対象ではありません。",
                en=f"{who} was not in dispatch {dispatch} ({mode.en.lower()}).",
            )
            for reason in answer.reasons:
                self._ctx.say(ja=f"・{reason.ja}", en=f"- {reason.en}")
            return
        self._ctx.say(
            ja=f"{who} は、配信 {dispatch}（{mode.ja}）の対象です。",
            en=f"{who} was in dispatch {dispatch} ({mode.en.lower()}).",
        )
        if answer.terms.held is not None:
            held = answer.terms.held
            self._ctx.say(ja=f"配信は保留されています。{held.say('ja')}", en=f"It is held. {held.say('en')}")
        self._tell_entry(answer.history)
        if answer.history.standing is not Standing.RELEASED:
            self._tell_place(answer)
        if answer.history.standing is not None:
            because = labels.STANDING_REASONS[answer.history.standing]
            self._ctx.say(ja=because.ja, en=because.en)
        for message in answer.history.messages:
            self._tell_message(message)

    def _tell_entry(self, history: PersonHistory) -> None:
        if history.entered_at is not None:
            at = clock(history.entered_at, self._zone)
            self._ctx.say(
                ja=f"配信のあと、{at} に区域に入っていることが分かったため、途中から対象になりました。",
                en=f"Late entry: they were found to have come into the area at {at}, after the order was sent.",
            )

    def _tell_place(self, answer: Answer) -> None:
        if answer.place is not None:
            self._ctx.say(
                ja=f"場所「{answer.place}」が区域内です。", en=f"Their place “{answer.place}” is inside the area."
            )
        elif answer.history is not None and answer.history.place < 0:
            self._ctx.say(ja="現在地が区域内でした。", en="Where they were was inside the area.")
        elif answer.history is not None and answer.history.place:
            self._ctx.say(
                ja="区域内だった場所は、その後の変更で登録からなくなっています。",
                en="The place that was inside the area has been removed since.",
            )
        else:
            parent = answer.terms.parent
            self._ctx.say(
                ja=f"{parent} を受け取った可能性があるため対象です。", en=f"Because {parent} may have reached them."
            )

    def _tell_message(self, message: MessageToPerson) -> None:
        channel, outcome = labels.channel(message.channel), labels.outcome(message.outcome)
        language = OWN_NAMES.get(message.language, message.language)
        self._ctx.say(ja="", en="")
        self._ctx.say(ja=f"{channel.ja}（{language}）: {outcome.ja}", en=f"{channel.en} ({language}): {outcome.en}")
        self._tell_shelter(message)
        for each in message.tries:
            self._tell_event(_sent(each), each, f", {each.millis} ms")
        for receipt in message.receipts:
            self._tell_event(Label("報告", "reported"), receipt)
        for line in [message.subject, *message.body.splitlines()]:
            self._ctx.say(ja=f"    | {line}", en=f"    | {line}")

    def _tell_shelter(self, message: MessageToPerson) -> None:
        if message.shelter is not None:
            metres = message.distance or 0
            far = Label(distance(metres, "ja"), distance(metres, "en")) if metres else Label("", "")
            self._ctx.say(
                ja=f"  案内した避難場所: {message.shelter} {far.ja}", en=f"  shelter named: {message.shelter} {far.en}"
            )

    def _tell_event(self, what: Label, event: Try | Receipt, more: str = "") -> None:
        at, outcome = clock(event.at, self._zone), labels.outcome(event.outcome)
        said = "".join(f", {part}" for part in (event.code, event.reference) if part) + more
        self._ctx.say(ja=f"  {at} {what.ja}: {outcome.ja}{said}", en=f"  {at} {what.en}: {outcome.en}{said}")


def _sent(call: Try) -> Label:
    if call.ordered_by is None:
        return Label("送信", "sent")
    return Label(
        f"送信（データベースなし、{call.ordered_by} の指示）",
        f"sent without the database, by order of {call.ordered_by}",
    )
