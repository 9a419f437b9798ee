"""What the demo says of its console: who signs in with what, and the first order to give."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence

import click

from console.accounts import totp
from todoke.cli import Context
from todoke.town.officers import Login

_SECOND = 1.0


def welcome(ctx: Context, address: str, logins: Sequence[Login]) -> None:
    """Where the console is, both officers, and the way of a first order."""
    if not logins:
        ctx.say(
            ja=f"6. コンソール: {address}(職員は前からいる人たちのままです)",
            en=f"6. The console: {address} (with the officers it had before)",
        )
        return
    ctx.say(ja=f"6. コンソール: {address}", en=f"6. The console: {address}")
    for each in logins:
        ctx.say(
            ja=f"   {each.name}  ログイン名 {each.login}  パスワード {each.password}  認証アプリの鍵 {each.secret}",
            en=f"   {each.name}  login {each.login}  password {each.password}  key for an authenticator {each.secret}",
        )
    ctx.say(
        ja="   はじめての発令（訓練のまま）: 佐藤でログイン → 「新しく出す」→ 地区を選ぶ → 文面 → 確認して提出。\n"
        "   別のブラウザ（またはプライベートウィンドウ）に森でログイン → 承認 → 10 秒 → 届く様子を見る。\n"
        "   画面の上の案内が、次にすることを示します。",
        en="   A first order (leave it a drill): sign in as sato → New order → pick a district → the text → check, submit.\n"
        "   In another browser, or a private window, sign in as mori → approve → ten seconds → watch it arrive.\n"
        "   The guide at the top of each page says what comes next.",
    )


async def show_codes(ctx: Context, logins: Sequence[Login], stop: asyncio.Event) -> None:
    """Each officer's code, anew every half minute on a terminal and once elsewhere, until `stop`."""
    if not logins or ctx.json:
        await stop.wait()
        return
    terminal = sys.stdout.isatty()
    while not stop.is_set():
        click.echo(_codes(ctx, logins, time.time()), nl=not terminal)
        try:
            await asyncio.wait_for(stop.wait(), _SECOND if terminal else None)
        except TimeoutError:
            click.echo("\r", nl=False)


def _codes(ctx: Context, logins: Sequence[Login], now: float) -> str:
    left = totp.SECONDS - int(now) % totp.SECONDS
    codes = "  ".join(f"{each.login} {each.code(now)}" for each in logins)
    return (
        f"   確認コード: {codes}  （あと {left:2} 秒）"
        if ctx.tongue == "ja"
        else f"   Codes: {codes}  ({left:2} s left) "
    )
