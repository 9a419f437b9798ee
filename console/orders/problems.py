"""What an officer is told when an order cannot go on. `code` decides the HTTP status."""

from __future__ import annotations

from console.orders.model import State
from words.problem import Problem

_STATES = {
    State.DRAFT: ("下書き", "a draft"),
    State.SUBMITTED: ("承認待ち", "waiting for approval"),
    State.APPROVED: ("承認済み（予定）", "approved and scheduled"),
    State.COUNTING: ("送信直前", "about to leave"),
    State.RELEASED: ("送信済み", "sent"),
    State.TAKEN_BACK: ("取り消し済み", "taken back"),
    State.VOID: ("無効", "void"),
}


def unknown(order: int) -> Problem:
    return Problem(
        "order.unknown",
        "",
        f"番号 {order} の発令はありません。一覧で確かめてください。",
        f"There is no order {order}. See the list.",
    )


def wrong_state(state: State) -> Problem:
    ja, en = _STATES[state]
    return Problem(
        "order.state",
        "",
        f"この発令は「{ja}」なので、その操作はできません。画面を開き直して確かめてください。",
        f"This order is {en}, so that cannot be done. Open the page anew to see how it stands.",
    )


def left(dispatch: str | None) -> Problem:
    return Problem(
        "order.left",
        "",
        f"もう送信が始まっています（{dispatch}）。止めるには「停止」を、誤りなら「訂正」を選んでください。",
        f"It has already left, as {dispatch}. Stop it, or correct it if it is wrong.",
    )


def newer_version(number: int) -> Problem:
    return Problem(
        "order.newer_version",
        "",
        f"ほかの人がこの下書きを変更しました（第 {number} 版）。開き直して、変更を確かめてから保存してください。",
        f"Somebody else has changed this draft (version {number}). Open it anew, look at the change, then save yours.",
    )


def mode_fixed() -> Problem:
    return Problem(
        "order.mode_fixed",
        "/mode",
        "訓練と本番は、あとから切り替えられません。新しい発令を作ってください。",
        "Drill and live cannot be changed afterwards. Make a new order.",
    )


def content_changed() -> Problem:
    return Problem(
        "content_changed",
        "/hash",
        "確認した時から内容が変わっています。もう一度内容を確かめてください。何も送っていません。",
        "The content is not what you looked at. Look at it once more. Nothing was sent.",
    )


def four_eyes() -> Problem:
    return Problem(
        "four_eyes",
        "",
        "自分が作成または提出した発令は承認できません。別の承認者に頼んでください。",
        "You wrote or submitted this order, so you cannot approve it. Ask another approver.",
    )


def step_up(minutes: int) -> Problem:
    return Problem(
        "step_up",
        "/code",
        f"承認には、{minutes} 分以内に入力した確認コードが必要です。認証アプリのコードを入力してください。",
        f"This needs a code given within the last {minutes} minutes. Enter one from your authenticator.",
    )


def count_changed(then: int, now: int) -> Problem:
    return Problem(
        "order.count_changed",
        "",
        f"提出の時の対象は {then:,} 人でしたが、いまは {now:,} 人です。作成者が確認画面からもう一度提出してください。",
        f"It was submitted for {then:,} people and would now reach {now:,}. Have its author look at it and submit it again.",
    )


def expired() -> Problem:
    return Problem(
        "order.expired",
        "/valid_until",
        "有効期限が過ぎています。期限を延ばして、もう一度提出してください。",
        "Its time is over. Give it a later valid_until and submit it again.",
    )


def typed_count(people: int) -> Problem:
    return Problem(
        "order.typed_count",
        "/typed",
        f"対象の人数を確かめるため、確認画面の人数（いまは {people:,} 人）を数字で入力してください。",
        f"Type the number of people to show that you have seen it: {people:,} at this moment.",
    )


def typed_area(name: str) -> Problem:
    return Problem(
        "order.typed_area",
        "/area_name",
        f"緊急発信には、区域の名前「{name}」をそのまま入力してください。",
        f"To release it alone, type the name of its area: {name}.",
    )


def area_unnamed() -> Problem:
    return Problem(
        "order.area_unnamed",
        "/area_name",
        "緊急発信には、区域の名前が必要です。下書きに区域の名前を書いてください。",
        "To release it alone, its area needs a name. Write one in the draft.",
    )


def not_level_five() -> Problem:
    return Problem(
        "order.not_level_five",
        "/level",
        "一人で発信できるのは、本番の警戒レベル5（緊急安全確保）だけです。ほかは別の承認者に頼んでください。",
        "Only a live level 5 can be released by one officer. Ask another approver.",
    )


def nothing_to_look_at() -> Problem:
    return Problem(
        "order.nothing_to_look_at",
        "",
        "事後の承認を待っている発令ではありません。",
        "This order does not wait for an approval afterwards.",
    )


def only_drills(where: str = "/start_at") -> Problem:
    return Problem(
        "order.only_drills",
        where,
        "自動で送れるのは訓練だけです。本番は、人が承認した時に送ります。",
        "Only a drill can be sent like this. What is live is sent when people approve it.",
    )


def start_past() -> Problem:
    return Problem(
        "order.start_at",
        "/start_at",
        "訓練の開始日時は、これから 92 日以内にしてください。",
        "A drill begins within the next 92 days. Choose such a time.",
    )


def too_large(kib: int) -> Problem:
    return Problem(
        "order.too_large",
        "",
        f"下書きが大きすぎます。{kib} KiB までにしてください。",
        f"The draft is too large. It may have up to {kib} KiB.",
    )


def template_allowed() -> Problem:
    return Problem(
        "template.key",
        "",
        "そのような定型文はありません。災害の種類、警戒レベル（3〜5）、用途を確かめてください。",
        "There is no such template. Check its hazard, its level (3 to 5) and its purpose.",
    )
