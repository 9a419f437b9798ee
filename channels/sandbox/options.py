"""What a sandbox is started with, and the credentials it knows."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from channels.sandbox.faults import Rule


def _credential(name: str) -> str:
    """A stable stand-in for a secret: nothing but the sandbox accepts it, so that a settings file stays valid."""
    return sha256(f"todoke sandbox {name}".encode()).hexdigest()[:32]


LINE_TOKEN = _credential("LINE channel access token")
LINE_SECRET = _credential("LINE channel secret")
ACCOUNT_SID = "AC" + _credential("Twilio account")
AUTH_TOKEN = _credential("Twilio auth token")
SERVICE_SID = "MG" + _credential("Twilio messaging service")
FROM_NUMBER = "+815012345678"
SMTP_USER = "sandbox"
SMTP_PASSWORD = _credential("SMTP password")
FROM_ADDRESS = "bosai@town.kawabe.example.jp"
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Rates are requests a second, 0 for no limit; ports 0 for any free one; `quota` is LINE recipients a month."""

    directory: Path
    http_port: int = 0
    smtp_port: int = 0
    seed: int = 0
    faults: tuple[Rule, ...] = ()
    line_rate: int = 200
    sms_rate: int = 100
    quota: int | None = None
    smtp_connections: int = 0
    receipt_delay: float = 0.05
    """Seconds from accepting an SMS to `sent`, and again to `delivered`."""
    callback: str = ""
    """Where the settings file has SMS receipts sent to; empty for nowhere."""
