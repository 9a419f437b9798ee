"""Which user of the operating system PostgreSQL runs as: it refuses to be root, and so do we."""

from __future__ import annotations

import os
import pwd
import shlex
from dataclasses import dataclass
from pathlib import Path

from words.problem import Problem, Refused

CANDIDATES = ("todoke", "postgres", "nobody")
ROOT = 0


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]


def account_for(data: Path) -> Account:
    """Ourselves; as root, the owner of the server's directory or else the first of CANDIDATES there is."""
    me = os.geteuid()
    owner = _owner(data / "postgres")
    if me != ROOT:
        if owner not in (None, me):
            raise Refused(_somebody_elses(data, called(owner), called(me)))
        return _account(me)
    return _unprivileged() if owner in (None, ROOT) else _of_owner(data, owner)


def _of_owner(data: Path, owner: int) -> Account:
    try:
        return _account(owner)
    except Refused:
        raise Refused(_strangers(data, owner, _unprivileged().name)) from None


def _unprivileged() -> Account:
    for name in CANDIDATES:
        try:
            return _account(pwd.getpwnam(name).pw_uid)
        except KeyError:
            continue
    raise Refused(_nobody())


def _owner(path: Path) -> int | None:
    try:
        return path.stat().st_uid
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        raise Refused(_closed(path)) from None


def _account(uid: int) -> Account:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise Refused(_nameless(uid)) from None
    return Account(entry.pw_name, uid, entry.pw_gid, tuple(os.getgrouplist(entry.pw_name, entry.pw_gid)))


def called(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _somebody_elses(data: Path, owner: str, me: str) -> Problem:
    hand_over = f"chown -R {me} {shlex.quote(str(data))}"
    return Problem(
        "postgres.other_user",
        str(data),
        f"このデータディレクトリは利用者 {owner} のものです。{owner} として実行するか、"
        "--data で別のディレクトリを指定してください。"
        f"バックアップから戻したものなら、root で `{hand_over}` を実行してください。",
        f"This data directory belongs to the user {owner}. "
        f"Run Todoke as {owner}, or name another directory with --data. "
        f"If it was restored from a backup, run `{hand_over}` as root.",
    )


def _strangers(data: Path, owner: int, heir: str) -> Problem:
    hand_over = f"chown -R {heir} {shlex.quote(str(data / 'postgres'))}"
    return Problem(
        "postgres.nameless_owner",
        str(data),
        f"データベースのファイルの持ち主は利用者番号 {owner} ですが、この環境に名前がありません。"
        f"バックアップから戻したものなら、root で `{hand_over}` を実行してください。",
        f"The database's files belong to the user number {owner}, who has no name here. "
        f"If they were restored from a backup, run `{hand_over}` as root.",
    )


def _closed(path: Path) -> Problem:
    return Problem(
        "postgres.closed",
        str(path),
        "このディレクトリを見る権限がありません。持ち主として実行するか、--data で別のディレクトリを指定してください。",
        "You may not look into this directory. Run Todoke as its owner, or name another directory with --data.",
    )


def _nameless(uid: int) -> Problem:
    return Problem(
        "postgres.nameless_user",
        "",
        f"利用者番号 {uid} に名前がないため、PostgreSQL を起動できません。"
        "/etc/passwd に名前のある利用者で実行するか、database_url を設定してください。",
        f"The user number {uid} has no name, and PostgreSQL needs one. "
        "Run Todoke as a user named in /etc/passwd, or set database_url.",
    )


def _nobody() -> Problem:
    return Problem(
        "postgres.no_user",
        "",
        "PostgreSQL は root では動きません。`useradd --system todoke` で利用者を作るか、"
        "一般の利用者で実行するか、database_url を設定してください。",
        "PostgreSQL does not run as root. Make a user for it with `useradd --system todoke`, "
        "run Todoke as an ordinary user, or set database_url.",
    )
