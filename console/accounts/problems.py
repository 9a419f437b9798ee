"""What is said to somebody who cannot sign in, or may not do what they tried."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from words.problem import Problem

if TYPE_CHECKING:
    from console.accounts.officer import Role

ROLE_NAMES = {
    "viewer": ("閲覧", "viewer"),
    "author": ("作成", "author"),
    "approver": ("承認", "approver"),
    "tourism": ("観光", "tourism"),
    "administrator": ("管理", "administrator"),
    "auditor": ("監査", "auditor"),
}
"""What a role is called on a page."""


def wrong() -> Problem:
    """The same for everything that can be wrong, so that nobody learns which accounts there are."""
    return Problem(
        "sign_in.wrong",
        "",
        "ログイン名かパスワードが違います。もう一度入力してください。",
        "The login name or the password is wrong. Please try again.",
    )


def needed() -> Problem:
    return Problem(
        "sign_in.needed",
        "",
        "ログインしていないか、ログインの期限が切れました。ログインしてください。作成中のものは保存されています。",
        "You are not signed in, or your sign-in has ended. Please sign in; your drafts are kept.",
    )


def too_many(minutes: int) -> Problem:
    return Problem(
        "sign_in.too_many",
        "",
        f"失敗が続いたため、しばらくログインできません。{minutes} 分ほど待つか、別の端末からログインしてください。",
        f"Too many failed attempts. Wait about {minutes} minutes, or sign in from another machine.",
    )


def busy() -> Problem:
    return Problem(
        "sign_in.busy",
        "",
        "ログインが混み合っています。数秒待って、もう一度試してください。",
        "Too many people are signing in. Wait a few seconds and try again.",
    )


def wrong_code() -> Problem:
    return Problem(
        "factor.wrong",
        "/code",
        "確認コードが違うか、使用済みです。認証アプリに次のコードが出たら、それを入力してください。",
        "The code is wrong or was already used. Enter the next one your authenticator shows.",
    )


def too_many_codes() -> Problem:
    return Problem(
        "factor.too_many",
        "/code",
        "確認コードの誤りが続いたため、ログアウトしました。パスワードからやり直してください。",
        "Too many wrong codes: you have been signed out. Begin again with your password.",
    )


def step_up() -> Problem:
    return Problem(
        "step_up",
        "/code",
        "この操作には、5 分以内の確認コードが必要です。認証アプリのコードを入力してください。",
        "This needs a code from the last five minutes. Enter the one your authenticator shows.",
    )


def disabled() -> Problem:
    return Problem(
        "account.disabled",
        "",
        "このアカウントは停止されています。管理者に連絡してください。",
        "This account has been disabled. Talk to an administrator.",
    )


def role(needed_roles: Iterable[Role]) -> Problem:
    names = [ROLE_NAMES[each] for each in needed_roles]
    return Problem(
        "role",
        "",
        f"この操作には「{'」か「'.join(ja for ja, _ in names)}」の権限が必要です。管理者に相談してください。",
        f"This needs the role {' or '.join(en for _, en in names)}. Ask an administrator.",
    )


def no_officer() -> Problem:
    return Problem(
        "officer.not_found",
        "",
        "この職員は登録されていません。一覧から選び直してください。",
        "There is no such officer. Choose one from the list.",
    )


def login_taken() -> Problem:
    return Problem(
        "officer.login_taken",
        "/login",
        "このログイン名は使われています。別の名前にしてください。",
        "This login name is taken. Choose another.",
    )


def bad_login() -> Problem:
    return Problem(
        "officer.login",
        "/login",
        "ログイン名は、小文字の英数字と . _ - で 2〜64 文字にし、英数字で始めてください。",
        "A login name has 2 to 64 small letters, digits, dots, underscores or hyphens, and begins with a letter or digit.",
    )


def bad_name() -> Problem:
    return Problem(
        "officer.name",
        "/name",
        "名前は、改行や制御文字のない 100 文字までで書いてください。",
        "A name has up to 100 characters, without line breaks or control characters.",
    )


def not_yourself() -> Problem:
    return Problem(
        "officer.not_yourself",
        "",
        "自分自身には行えません。別の管理者に頼んでください。",
        "You cannot do this to yourself. Ask another administrator.",
    )


def last_administrator() -> Problem:
    return Problem(
        "officer.last_administrator",
        "",
        "管理者がいなくなるため、行えません。先に別の職員を管理者にしてください。",
        "There would be no administrator left. Make somebody else one first.",
    )


def enough_administrators() -> Problem:
    return Problem(
        "officer.enough_administrators",
        "",
        "管理者がすでに 2 人います。これ以上は、管理者がコンソールで提案し、別の管理者が認めます。",
        "There are two administrators already. One of them proposes further ones in the console, another agrees.",
    )


def second_administrator() -> Problem:
    return Problem(
        "four_eyes",
        "",
        "提案した本人は認められません。別の管理者に頼んでください。",
        "Whoever proposed it cannot agree to it. Another administrator has to.",
    )


def not_open() -> Problem:
    return Problem(
        "elevation.not_open",
        "",
        "この提案は、すでに決まったか、7 日の期限が切れています。必要なら提案し直してください。",
        "This proposal was decided already, or is older than seven days. Propose it again if it is still wanted.",
    )


def nothing_to_gain() -> Problem:
    return Problem(
        "elevation.nothing",
        "/roles",
        "追加する権限をひとつ以上選んでください。すでにある権限は選べません。",
        "Choose at least one role, and none that the officer has already.",
    )


def not_enrolled() -> Problem:
    return Problem(
        "officer.not_enrolled",
        "",
        "この職員はまだ登録を終えていません。本人が登録を終えてから、権限を提案してください。",
        "This officer has not enrolled yet. Propose roles once they have.",
    )


def already_enrolled() -> Problem:
    return Problem(
        "officer.already_enrolled",
        "",
        "この職員は登録を終えています。やり直すには、登録のやり直しを提案し、別の管理者が認めます。",
        "This officer has enrolled. To begin anew, propose a reset; another administrator agrees to it.",
    )


def bad_enrolment() -> Problem:
    return Problem(
        "enrol.code",
        "",
        "この登録リンクは使えません。使用済みか、期限が切れています。管理者に新しいリンクを頼んでください。",
        "This enrolment link does not work: it was used, or it is too old. Ask an administrator for a new one.",
    )


def short_password(least: int) -> Problem:
    return Problem(
        "password.short",
        "/password",
        f"パスワードは {least} 文字以上にしてください。15 文字以上を勧めます。",
        f"A password has at least {least} characters; 15 or more are better.",
    )


def long_password(most: int) -> Problem:
    return Problem(
        "password.long",
        "/password",
        f"パスワードは {most} 文字までにしてください。",
        f"A password has at most {most} characters.",
    )


def guessable_password() -> Problem:
    return Problem(
        "password.guessable",
        "/password",
        "推測されやすいパスワードです。よくある言葉、並び、町や自分の名前を避け、関係のない言葉をいくつか並べてください。",
        "This password is easy to guess. Avoid common words, runs of keys and the names of the town or yourself; "
        "string together a few words that have nothing to do with each other.",
    )


def different_passwords() -> Problem:
    return Problem(
        "password.different",
        "/again",
        "2 回目のパスワードが 1 回目と違います。同じものを入力してください。",
        "The second password differs from the first. Enter the same twice.",
    )
