"""Passwords: hashed with argon2id, a few at a time, and none that anybody would guess."""

from __future__ import annotations

import asyncio
import os
import re
import sys
import unicodedata
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError

from console.accounts import problems
from words.problem import Problem, Refused

T = TypeVar("T")
MEMORY_KIB = 47104
"""46 MiB, once over, one lane: the first of OWASP's settings for argon2id (Password Storage Cheat Sheet)."""
WAITING = 16
"""Sign-ins that may wait for their turn. One takes about 60 ms: the last of them waits a second."""
LEAST = 8
"""With a second factor (OWASP ASVS 5.0, 6.2.1)."""
MOST = 256
_NICE = 10
_LEAST_KINDS = 5
"""So many different characters a password has; 「aaaabbbb」 has two."""


class Passwords:
    """Hashes and compares, one at a time in a thread of its own, so that a flood of sign-ins takes 46 MiB and at most
    one processor, and that only as far as sending leaves it.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(time_cost=1, memory_cost=MEMORY_KIB, parallelism=1, type=Type.ID)
        self._thread = ThreadPoolExecutor(1, "password", initializer=_step_back)
        self._waiting = 0
        self._nobody = self._hasher.hash(os.urandom(16).hex())
        self.compared = 0
        """How many comparisons were made: as many for accounts that do not exist."""

    async def hash(self, password: str) -> str:
        """What is stored. Raises Refused when too many wait."""
        return await self._in_turn(lambda: self._hasher.hash(_plain(password)))

    async def fits(self, password: str, stored: str | None) -> bool:
        """Whether it is the password; for no account at all (None) the same work is done. Raises Refused when too many wait."""
        self.compared += 1
        return await self._in_turn(lambda: self._compare(password, stored or self._nobody)) and stored is not None

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _compare(self, password: str, stored: str) -> bool:
        try:
            return self._hasher.verify(stored, _plain(password))
        except VerifyMismatchError:
            return False

    async def _in_turn(self, work: Callable[[], T]) -> T:
        if self._waiting > WAITING:
            raise Refused(problems.busy())
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1


_LEAST_DIGITS = 12
"""Without a letter: a date or a telephone number is shorter."""


def _step_back() -> None:
    """On Linux niceness belongs to the thread: sending goes first."""
    if sys.platform == "linux":
        os.nice(_NICE)


def _plain(password: str) -> str:
    """One form for one password, however the keyboard composed it."""
    return unicodedata.normalize("NFKC", password)


def check_password(password: str, *, names: Iterable[str]) -> None:
    """Refuse what is too short or easily guessed; `names` are the town's and the officer's. Raises Refused."""
    found = _weakness(_plain(password), names)
    if found is not None:
        raise Refused(found)


def _weakness(password: str, names: Iterable[str]) -> Problem | None:
    if len(password) < LEAST:
        return problems.short_password(LEAST)
    if len(password) > MOST:
        return problems.long_password(MOST)
    return problems.guessable_password() if _guessable(password, names) else None


def _guessable(password: str, names: Iterable[str]) -> bool:
    """Little is left of it without what everybody uses: common words, names, digits and signs around them."""
    low = password.casefold()
    if len(set(low)) < _LEAST_KINDS or _is_run(low) or (low.isdigit() and len(low) < _LEAST_DIGITS):
        return True
    own = {part for name in names for part in re.split(r"[\W_]+", name.casefold()) if len(part) > 1}
    known = re.compile("|".join(sorted(map(re.escape, own | COMMON), key=len, reverse=True)))
    return any(_rest(known.sub(" ", form)) < _LEAST_KINDS for form in (low, low.translate(_LEET)) if known.search(form))


def _rest(text: str) -> int:
    """How many letters are left; digits and signs are what people add when they are told to."""
    return sum(char.isalpha() for char in text)


def _is_run(low: str) -> bool:
    """A walk over the keyboard or the alphabet, there or back, also when repeated."""
    return any(low in (row * 4) or low in (row[::-1] * 4) for row in _ROWS)


_ROWS = (
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
)
_LEET = str.maketrans("@4301!$57", "aaeoiisst")
COMMON = frozenset(resources.files("console.accounts").joinpath("common_words.txt").read_text(encoding="utf-8").split())
"""Words that passwords are made of, in the world and in a Japanese town hall."""
