"""What the report and `why` call things, in Japanese and English."""

from __future__ import annotations

from typing import NamedTuple

from dispatcher.history import Fate
from dispatcher.model import Outcome, Standing
from geo.shelters import ShelterStatus


class Label(NamedTuple):
    ja: str
    en: str


CHANNELS = {"line": Label("LINE", "LINE"), "sms": Label("SMS", "SMS"), "email": Label("メール", "E-mail")}
CLASSES = {
    "evacuation": Label("避難情報", "Evacuation information"),
    "advisory": Label("避難情報・お知らせ", "Advisory"),
    "tourism": Label("観光案内", "Tourism"),
    "code": Label("確認コード", "One-time codes"),
}
MODES = {"live": Label("本番", "Live"), "drill": Label("訓練", "Drill")}
RELATIONS = {
    "updates": Label("更新", "updates"),
    "corrects": Label("訂正", "corrects"),
    "lifts": Label("解除", "lifts"),
}
STANDINGS = {
    Standing.NEW: Label("新たに対象になった人", "newly inside"),
    Standing.STILL: Label("引き続き対象の人", "still inside"),
    Standing.RELEASED: Label("対象から外れた人", "no longer inside"),
}
"""The audiences of an update."""
STANDING_REASONS = {
    Standing.NEW: Label(
        "新たに対象になりました。それまでの配信は届いていないため、指示の全文を送っています。",
        "Newly inside: no earlier dispatch of this order had reached them, so they were sent the order in full.",
    ),
    Standing.STILL: Label(
        "引き続き対象です。それまでの配信を受け取ったとみられるため、変わった点を送っています。",
        "Still inside: an earlier dispatch of this order is taken to have reached them, so they were sent what has changed.",
    ),
    Standing.RELEASED: Label(
        "対象から外れました。それまでの配信を受け取った可能性があり、今は区域内に場所がないため、対象でなくなったことを送っています。",
        "No longer inside: an earlier dispatch of this order may have reached them and no place of theirs is in the area "
        "now, so they were sent that it no longer holds.",
    ),
}
"""Why somebody was in that audience."""
OUTCOMES_JA = {
    "pending": "未送信",
    "in_flight": "送信中",
    "retry": "再送待ち",
    "ambiguous": "確認待ち",
    "suppressed": "対象外（登録解除）",
    "expired": "期限切れ",
    "cancelled": "中止",
    "quarantined": "隔離（処理できず）",
    "unknown": "不明",
    "rejected": "拒否",
    "accepted": "受付済み",
    "undelivered": "不達",
    "delivered": "到達",
}
STATES_JA = {
    "approved": "承認済み",
    "planning": "準備中",
    "sending": "送信中",
    "held": "保留",
    "drained": "送信完了",
    "cancelled": "中止",
    "expired": "期限切れ",
}
STATES_EN = {
    "approved": "approved",
    "planning": "being prepared",
    "sending": "being sent",
    "held": "held",
    "drained": "all sent",
    "cancelled": "stopped",
    "expired": "expired",
}
FATES = {
    Fate.REACHED: Label("事業者が受け付けた人", "Accepted by a provider"),
    Fate.UNCERTAIN: Label("届いたか確認できない人", "Not certain"),
    Fate.WAITING: Label("これから送る人", "Still to be sent"),
    Fate.MISSED: Label("届いていない人", "Not reached"),
}
FATE_NOTES = {
    Fate.REACHED: Label(
        "1つ以上の経路で受付済み、または到達を確認", "on at least one channel, or confirmed as delivered"
    ),
    Fate.UNCERTAIN: Label("送信したが、事業者の返答が得られていない", "sent, but the provider's answer is missing"),
    Fate.WAITING: Label("送信待ち、または再送待ち", "due, or due again"),
    Fate.MISSED: Label("どの経路でも受け付けられなかった", "accepted on no channel"),
}
_OUTCOMES_EN = {
    Outcome.SUPPRESSED: "left before sending",
    Outcome.RETRY: "waiting to repeat",
    Outcome.AMBIGUOUS: "answer missing",
    Outcome.MOVED: "sent again in another call",
    Outcome.QUARANTINED: "quarantined: could not be handled",
}
_OUTCOMES_JA = {Outcome.MOVED: "別の送信で再送"}
STATUSES_EN = {
    ShelterStatus.UNOPENED: "not open",
    ShelterStatus.OPEN: "open",
    ShelterStatus.CROWDED: "crowded",
    ShelterStatus.FULL: "full",
    ShelterStatus.CLOSED: "closed",
}


CANARIES: dict[str, Label] = {
    "waited_for": Label("確認待ち", "waited for"),
    "came_back": Label("正常", "came back"),
    "late": Label("遅れて正常", "came back late"),
    "missed": Label("戻らず", "MISSED"),
    "passed_over": Label("避難情報の送信中のため見送り", "passed over while warnings were sent"),
}
"""What became of a canary."""


def channel(name: str) -> Label:
    """A channel of a third party has its own name."""
    return CHANNELS.get(name, Label(name, name))


def outcome(value: Outcome) -> Label:
    name = value.name.lower()
    return Label(
        OUTCOMES_JA.get(name) or _OUTCOMES_JA.get(value, name), _OUTCOMES_EN.get(value, name.replace("_", " "))
    )


def state(name: str) -> Label:
    return Label(STATES_JA[name], STATES_EN[name])


def status(value: ShelterStatus) -> Label:
    return Label(value.ja, STATUSES_EN[value])
