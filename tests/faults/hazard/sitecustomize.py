"""What a row puts into a worker: Python imports this before anything else where its folder is in PYTHONPATH.

`HAZARD` is JSON: `die_line` or `die_sms`, an address the process dies of while it builds a LINE call or makes an SMS
one; or `hog_sms`, an address whose first SMS holds the event loop, for `seconds`, once: `mark` is the file that says when.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from channels.contract import Party, Recipient
from channels.line import LineChannel
from channels.sms import SmsChannel

HAZARD: dict[str, Any] = json.loads(os.environ.get("HAZARD", "{}"))
prepare, send = LineChannel.prepare, SmsChannel.send


def prepare_and_die(self: LineChannel, message: Any, recipients: Party) -> None:
    if HAZARD.get("die_line") in recipients.addresses:
        os._exit(70)
    prepare(self, message, recipients)


async def send_with_hazards(self: SmsChannel, message: Any, recipients: Sequence[Recipient], **means: Any) -> Any:
    address = recipients[0].address
    if address == HAZARD.get("die_sms"):
        os._exit(70)
    if address == HAZARD.get("hog_sms"):
        hog_once()
    return await send(self, message, recipients, **means)


def hog_once() -> None:
    """As code that does not give the loop back: busy, in Python."""
    if Path(HAZARD["mark"]).exists():
        return
    Path(HAZARD["mark"]).write_text(f"{time.time()}", encoding="utf-8")
    over = time.monotonic() + HAZARD["seconds"]
    while time.monotonic() < over:
        sum(range(1000))


LineChannel.prepare = prepare_and_die  # type: ignore[method-assign]
SmsChannel.send = send_with_hazards  # type: ignore[method-assign]
