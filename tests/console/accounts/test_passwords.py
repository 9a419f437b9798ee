"""Which passwords are taken, and what a flood of them costs."""

from __future__ import annotations

import asyncio

import pytest

from console.accounts.passwords import LEAST, WAITING, Passwords, check_password
from words.problem import Refused

NAMES = ("川辺町", "sato", "佐藤")


@pytest.mark.parametrize(
    "password",
    ["password1234", "P@ssw0rd2026!", "川辺町2026年", "川辺町川辺町川辺", "Sato-Sato-2026", "qwertyuiop", "12345678", "asdfghjkl",
     "aaaaaaaaaaaa", "abababababab", "20110311", "bosai-bosai", "ｐａｓｓｗｏｒｄ１２", "避難指示避難指示", "kawabe-bousai1"],
)  # fmt: skip
def test_what_anybody_would_guess_is_refused(password: str) -> None:
    with pytest.raises(Refused) as refused:
        check_password(password, names=(*NAMES, "kawabe"))
    (problem,) = refused.value.problems
    assert problem.ja.startswith("推測されやすいパスワードです。")


@pytest.mark.parametrize(
    "password", ["seven herons", "x7!kQ2#v", "橋の下で鷺が七羽", "4821 9077 3365", "z" * 59 + "uvwxy"]
)
def test_what_nobody_would_guess_is_taken_without_rules_on_letters(password: str) -> None:
    check_password(password, names=NAMES)


@pytest.mark.parametrize(("password", "said"), [("x7!kQ2#", f"{LEAST} 文字以上"), ("z!" * 200, "256 文字まで")])
def test_length_has_its_limits(password: str, said: str) -> None:
    with pytest.raises(Refused) as refused:
        check_password(password, names=NAMES)
    assert said in refused.value.say("ja")[0]


async def test_a_password_fits_however_the_keyboard_composed_it() -> None:
    passwords = Passwords()
    stored = await passwords.hash("ガラスの鷺と橋")
    assert stored.startswith("$argon2id$v=19$m=47104,t=1,p=1$")
    assert await passwords.fits("ガラスの鷺と橋", stored)
    assert not await passwords.fits("ガラスの鷺と端", stored)
    passwords.close()


async def test_a_flood_is_turned_away_and_one_password_compared_at_a_time() -> None:
    passwords = Passwords()
    found = await asyncio.gather(*(passwords.fits("x", None) for _ in range(40)), return_exceptions=True)
    passwords.close()
    assert found.count(False) == WAITING + 1
    refused = [each for each in found if isinstance(each, Refused)]
    assert len(refused) == 40 - WAITING - 1
    assert refused[0].say("ja") == ["ログインが混み合っています。数秒待って、もう一度試してください。"]
