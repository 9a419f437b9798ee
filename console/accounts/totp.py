"""The second factor: codes of six digits from an authenticator (RFC 6238), each good for its own 30 seconds, once."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Callable
from io import BytesIO

import pyotp
import segno

from subscribers.vault import Vault

Clock = Callable[[], float]
"""Seconds since 1970."""
SECONDS = 30
_KIND = "totp"
"""What a secret is sealed as: bound to its officer, and opened as nothing else."""


def new_secret() -> str:
    """160 random bits in base32, as authenticators take them."""
    return pyotp.random_base32()


def seal(vault: Vault, officer: int, secret: str) -> bytes:
    return vault.seal(_KIND, officer, secret)


def unseal(vault: Vault, officer: int, sealed: bytes) -> str:
    """Raises VaultError."""
    return vault.open(_KIND, officer, sealed)


def step_of(secret: str, code: str, *, now: float) -> int | None:
    """The step this code is right for at `now` (Unix seconds), or None.

    Only the running step counts: a code lives 30 seconds at most (OWASP ASVS 5.0, 6.5.5), and none of a step to come
    is taken.
    """
    step = int(now) // SECONDS
    given = "".join(unicodedata.normalize("NFKC", code).split())
    right = given.isascii() and hmac.compare_digest(pyotp.TOTP(secret).at(step * SECONDS), given)
    return step if right else None


def address(secret: str, login: str, town: str) -> str:
    """The otpauth address an authenticator reads from the picture."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=f"届け {town}".strip())


def picture(uri: str) -> str:
    """The address as an SVG element, to be scanned."""
    out = BytesIO()
    segno.make(uri, error="m").save(out, kind="svg", scale=5, xmldecl=False, svgns=True, title="TOTP", omitsize=False)
    return out.getvalue().decode()
