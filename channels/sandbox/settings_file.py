"""How Todoke's channels reach a sandbox: the settings, and the file that holds them."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from channels.sandbox.options import ACCOUNT_SID, AUTH_TOKEN, FROM_ADDRESS, FROM_NUMBER, LINE_SECRET, LINE_TOKEN

NO_LIMIT = 100_000
"""What a channel is told where the sandbox has no limit, in requests a second."""


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where a sandbox listens, and the credentials it takes. The one line `--json` prints."""

    directory: str
    settings: str
    line_url: str
    sms_url: str
    smtp_host: str
    smtp_port: int
    line_rate: int
    sms_rate: int
    callback: str = ""
    line_token: str = LINE_TOKEN
    line_secret: str = LINE_SECRET
    account_sid: str = ACCOUNT_SID
    auth_token: str = AUTH_TOKEN
    from_number: str = FROM_NUMBER
    from_address: str = FROM_ADDRESS

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def channel_settings(endpoints: Endpoints) -> dict[str, dict[str, Any]]:
    """Settings by channel, as the channels' own models take them."""
    return {
        "line": {
            "endpoint": endpoints.line_url,
            "token": endpoints.line_token,
            "channel_secret": endpoints.line_secret,
            "rate": endpoints.line_rate or NO_LIMIT,
        },
        "sms": {
            "endpoint": endpoints.sms_url,
            "account_sid": endpoints.account_sid,
            "auth_token": endpoints.auth_token,
            "from_number": endpoints.from_number,
            "rate": endpoints.sms_rate or NO_LIMIT,
        }
        | ({"status_callback_url": endpoints.callback} if endpoints.callback else {}),
        "email": {
            "host": endpoints.smtp_host,
            "port": endpoints.smtp_port,
            "tls": "none",
            "from_address": endpoints.from_address,
            "from_name": "川辺町",
            "rate": NO_LIMIT,
            "lane_rate": NO_LIMIT,
        },
    }


def write_settings(path: Path, settings: dict[str, dict[str, Any]]) -> None:
    """Writes the file whole or not at all: that it is there means the sandbox is ready."""
    tables = [
        f"[channels.{channel}]\n" + "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())
        for channel, values in settings.items()
    ]
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text("\n".join(tables), encoding="utf-8")
    draft.chmod(0o600)
    draft.replace(path)


def _toml(value: object) -> str:
    """Strings and numbers are spelled alike in JSON and TOML."""
    return json.dumps(value, ensure_ascii=False)
