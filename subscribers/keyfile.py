"""Where the vault's key comes from: the settings, or a file that only its owner can read."""

from __future__ import annotations

import base64
import os
import secrets
from contextlib import suppress
from pathlib import Path

from subscribers.vault import KEY_SIZE
from words.problem import Problem, Refused

FILE_NAME = "vault.key"
_OTHERS = 0o077


def load_key(setting: str | None, data_dir: Path, *, sealed: bool = False) -> bytes:
    """The key of 32 bytes: `setting` in base64, else `<data_dir>/vault.key`, which is made when there is none.

    `sealed` is whether contacts were sealed before: a new key would not open them, so none is made.
    Raises Refused for a key that is none, for a file that others can read or that nobody can, and
    for one that is missing when `sealed`.
    """
    if setting is not None:
        return _decoded(setting, "vault.key")
    path = data_dir / FILE_NAME
    try:
        if not path.exists():
            if sealed:
                raise Refused(_missing(path))
            _create(path)
        _check_privacy(path)
        return _decoded(path.read_text(encoding="ascii", errors="replace"), str(path))
    except OSError as error:
        raise Refused(_unreadable(path, error)) from error


def _decoded(text: str, where: str) -> bytes:
    with suppress(ValueError):
        key = base64.b64decode(text.strip(), validate=True)
        if len(key) == KEY_SIZE:
            return key
    raise Refused(
        Problem(
            "vault.bad_key",
            where,
            "暗号鍵は 32 バイトを base64 で書いた 44 文字です。`openssl rand -base64 32` で作れます。",
            "The key must be 32 bytes written in base64, 44 characters; `openssl rand -base64 32` makes one.",
        )
    )


def _create(path: Path) -> None:
    """Linked into place whole: neither a crash nor a second process ever sees half a key."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{FILE_NAME}.{secrets.token_hex(8)}")
    try:
        _write(draft, base64.b64encode(os.urandom(KEY_SIZE)) + b"\n")
        with suppress(FileExistsError):
            os.link(draft, path)
        _sync_directory(path.parent)
    finally:
        draft.unlink(missing_ok=True)


def _write(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)


def _sync_directory(directory: Path) -> None:
    """Without it a power cut could take the key and leave what it sealed. Windows has no such call."""
    if os.name != "posix":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_privacy(path: Path) -> None:
    if os.name == "posix" and path.stat().st_mode & _OTHERS:
        raise Refused(
            Problem(
                "vault.key_exposed",
                str(path),
                f"鍵ファイルを所有者以外も読める状態です。`chmod 600 {path}` で所有者だけにし、"
                "ほかの人が読んだおそれがあれば鍵を替えてください。",
                f"Others than its owner can read the key file. Run `chmod 600 {path}`, and replace the key if "
                "somebody may have read it.",
            )
        )


def _missing(path: Path) -> Problem:
    return Problem(
        "vault.key_missing",
        str(path),
        "このデータベースの連絡先を暗号化した鍵ファイルがありません。控えておいた写しをこの場所に戻してください。"
        "新しい鍵では連絡先を読めないため、作りませんでした。",
        "The key file that the contacts in this database were sealed with is missing. Put your copy of it back "
        "here. No new key was made: it could not open them.",
    )


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        "vault.key_unreadable",
        str(path),
        f"鍵ファイルを読み書きできません({error.strerror})。所有者と権限を確かめてください。",
        f"The key file cannot be read or made ({error.strerror}). Check its owner and permissions.",
    )
